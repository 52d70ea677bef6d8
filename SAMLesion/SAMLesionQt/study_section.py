"""A reader's part of a study within the panel: the next case, the clock, and the result.

section = StudySection(layout, desk, chooseVolume, chooseModel)
section.open(folder)     a reader's folder, such as study/readers/R1
section.tick()           from the panel's timer
section.close()          with the panel
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.host.exports import lesion_segments
from SAMLesionLib.host.watching import Watch
from SAMLesionLib.study.reading_session import ReadingSession
from SAMLesionLib.study.worklist import Task
from SAMLesionQt.desk import Desk
from SAMLesionQt.study_clock import Clock
from SAMLesionQt.study_frame import StudyFrame

LOOK_S = 0.1
"""How often the views are looked at."""
AUTOSAVE_S = 60.0


class StudySection:
    """Leads a reader through the work list; does nothing until a study is open.

    Args:
        layout: the box layout of the panel, at whose top it appears.
        desk: the session.
        chooseVolume: makes a volume node the panel's, None for none.
        chooseModel: makes a model the panel's, by its name.
        hasFocus: whether the reader looks at this program.
    """

    def __init__(
        self,
        layout: Any,
        desk: Desk,
        chooseVolume: Callable[[Any], None],
        chooseModel: Callable[[str], None],
        hasFocus: Callable[[], bool] | None = None,
    ) -> None:
        self._desk, self._chooseVolume, self._chooseModel = desk, chooseVolume, chooseModel
        self._hasFocus = hasFocus or (lambda: slicer.app.activeWindow() is not None)
        self._frame = StudyFrame(layout, self.start, self.pauseOrResume, self.finish, self.skip)
        self._study: ReadingSession | None = None
        self._watch: Watch | None = None
        self._next: Task | None = None
        self._loaded: list[Any] = []
        self._clock = Clock()
        self._looked_s = self._autosaved_s = 0.0
        self._hadFocus = True

    @property
    def isOpen(self) -> bool:
        """Whether a study is open."""
        return self._study is not None

    def open(self, folder: Path) -> None:
        """Open a reader's work list; what is wrong with it is told.

        Args:
            folder: `readers/ID` in the study's folder.
        """
        self.close()
        host = {"recorder": "host", "host": "3D Slicer", "host_version": slicer.app.applicationVersion}
        with self._desk.guarded():
            self._study = ReadingSession(Path(folder), host)
            self._showNext()

    def close(self) -> None:
        """Close the study; a reading at hand is saved, and goes on the next time."""
        if self._study is not None:
            if self._autosave():
                self._putAway()
            self._study.close()
        self._study, self._watch, self._next = None, None, None
        self._frame.hide()

    def start(self) -> None:
        """Load the next case; the clock runs when its lesions can be marked."""
        study, task = self._study, self._next
        if study is None or task is None:
            return
        with self._desk.guarded():
            volume = slicer.util.loadVolume(str(study.path(task.image)), {"name": task.case, "show": True})
            volume.SetAttribute("DICOM.Modality", task.modality)
            self._loaded = [volume]
            model = study.worklist.arms[task.arm].model
            if model:
                self._chooseModel(model)
            self._chooseVolume(volume)
            self._frame.show(self._title(task), _("Loading…"), isRunning=False, canStart=False)

    def pauseOrResume(self) -> None:
        """Stop the clock, or let it run on."""
        if self._study is None or self._study.task is None:
            return
        if self._study.is_paused:
            self._study.resume()
            self._clock.resume()
        else:
            self._study.pause()
            self._clock.pause()
            self._autosave()
        self._frame.showTime(self._clock.seconds, self._study.is_paused)

    def finish(self) -> None:
        """Keep the lesions as the reading's result, put the case away, and show the next."""
        session = self._desk.session
        if self._study is None or self._study.task is None or session is None:
            return
        with self._desk.guarded():
            self._study.finish(lesion_segments(session.controller)(), session.controller.volume)
            self._putAway()
            self._showNext()

    def skip(self, reason: str) -> None:
        """Leave the reading undone.

        Args:
            reason: one of the session's words.
        """
        if self._study is None or self._study.task is None:
            return
        self._study.skip(reason)
        self._putAway()
        self._showNext()

    def tick(self) -> None:
        """Watch, show the time, and save now and then; the panel's timer calls this."""
        if self._study is None:
            return
        if self._study.task is None:
            self._begin()
            return
        self._frame.showTime(self._clock.seconds, self._study.is_paused)
        now_s = time.monotonic()
        if now_s - self._looked_s > LOOK_S:
            self._looked_s = now_s
            self._look()
        if now_s - self._autosaved_s > AUTOSAVE_S:
            self._autosave()

    def _begin(self) -> None:
        """Start the clock once the session of the loaded case is there."""
        study, session, task = self._study, self._desk.session, self._next
        if study is None or session is None or task is None or not self._loaded:
            return
        if session.controller.segments.volume_node is not self._loaded[0]:
            return
        start = study.start(task)
        if start is not None:
            self._adopt(session, start)
        study.recorder.listen(session.annotation, session.controller.failed, session.controller.mask)
        self._watch = Watch(slicer.mrmlScene, study.recorder.note)
        self._clock, self._hadFocus, self._autosaved_s = Clock(), True, time.monotonic()
        self._clock.resume()
        self._frame.show(self._title(task), self._instructions(task), isRunning=True, canStart=False)

    def _adopt(self, session: Any, path: Path) -> None:
        """Make lesions of what was saved of the reading, or of the mask that it corrects."""
        saved = slicer.util.loadSegmentation(str(path))
        target = session.controller.segments.node.GetSegmentation()
        for segmentId in saved.GetSegmentation().GetSegmentIDs():
            target.CopySegmentFromSegmentation(saved.GetSegmentation(), segmentId)
            session.controller.adopt(target.GetNthSegmentID(target.GetNumberOfSegments() - 1))
        slicer.mrmlScene.RemoveNode(saved)

    def _look(self) -> None:
        assert self._study is not None
        hasFocus = self._hasFocus()
        if hasFocus != self._hadFocus:
            self._study.recorder.note("focus_gained" if hasFocus else "focus_lost")
            self._hadFocus = hasFocus
        if self._watch is not None:
            self._watch.look()
        self._study.recorder.tick()
        sentence = self._study.failure()
        if sentence is not None:
            self._desk.tell(sentence)

    def _autosave(self) -> bool:
        """Whether all there is of the reading at hand is on the disk."""
        self._autosaved_s = time.monotonic()
        session = self._desk.session
        if self._study is None or self._study.task is None or session is None:
            return True
        try:
            segments = lesion_segments(session.controller)()
            if segments:
                self._study.autosave(segments, session.controller.volume)
        except SAMLesionError as refused:
            self._desk.tell(str(refused))
            return False
        return True

    def _putAway(self) -> None:
        """Take the case out of the scene: nobody shall see earlier results."""
        session, loaded = self._desk.session, self._loaded
        self._watch, self._loaded = None, []
        if session is not None and session.controller.segments.volume_node in loaded:
            loaded = [*loaded, session.controller.segments.node]
        self._chooseVolume(None)
        for node in loaded:
            if node.GetScene() is not None:
                slicer.mrmlScene.RemoveNode(node)

    def _showNext(self) -> None:
        assert self._study is not None
        told = self._study.next()
        self._next = told.task
        if told.task is not None:
            self._frame.show(
                self._title(told.task), self._instructions(told.task), isRunning=False, canStart=True
            )
        elif told.wait_until is None:
            self._frame.show(_("All readings are done. Thank you."), "", isRunning=False, canStart=False)
        else:
            when = told.wait_until.astimezone().strftime("%Y-%m-%d %H:%M")
            sentence = _("The cases rest now. The next reading may begin on {when}.").format(when=when)
            self._frame.show(sentence, "", isRunning=False, canStart=False)

    def _title(self, task: Task) -> str:
        assert self._study is not None
        arm = self._study.worklist.arms[task.arm]
        return f"{task.case} · {arm.title}"

    def _instructions(self, task: Task) -> str:
        assert self._study is not None
        arm = self._study.worklist.arms[task.arm]
        return "\n".join(filter(None, (self._study.worklist.instructions, arm.instructions)))
