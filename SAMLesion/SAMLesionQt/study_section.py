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

from SAMLesionLib.errors import InputError
from SAMLesionLib.host.exports import lesion_segments
from SAMLesionLib.host.session import Session
from SAMLesionLib.study.reading_session import ReadingSession
from SAMLesionLib.study.worklist import Task
from SAMLesionQt.desk import Desk
from SAMLesionQt.study_case import LoadedCase
from SAMLesionQt.study_clock import Clock
from SAMLesionQt.study_frame import StudyFrame
from SAMLesionQt.study_saving import StudySaving
from SAMLesionQt.study_watching import StudyWatching


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
        self._saving = StudySaving(desk)
        self._study: ReadingSession | None = None
        self._next: Task | None = None
        self._case: LoadedCase | None = None
        self._watching: StudyWatching | None = None
        self._clock = Clock()

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
        self._saving = StudySaving(self._desk)
        host = {"recorder": "host", "host": "3D Slicer", "host_version": slicer.app.applicationVersion}
        with self._desk.guarded():
            self._study = ReadingSession(Path(folder), host)
            self._showNext(self._study)

    def close(self) -> None:
        """Close the study; a reading at hand is saved, and goes on the next time."""
        if self._study is not None:
            if self._saving.now(self._study):
                self._putAway()
            self._study.close()
        self._saving.close()
        self._study, self._next = None, None
        self._frame.hide()

    def sceneClosing(self) -> None:
        """The scene is about to be emptied: the reading at hand is saved, and can be started again."""
        study = self._study
        if study is not None and study.task is not None:
            self._saving.now(study)
            study.leave()
            self._case = None
            self._stopWatching()
            self._showNext(study)

    def start(self) -> None:
        """Load the next case; the clock runs when its lesions can be marked."""
        study, task = self._study, self._next
        if study is None or task is None:
            return
        with self._desk.guarded():
            self._case = LoadedCase(study.path(task.image), task.case, task.modality)
            model = study.worklist.arms[task.arm].model
            if model:
                self._chooseModel(model)
            self._chooseVolume(self._case.volume)
            self._frame.show(_title(study, task), _("Loading…"), isRunning=False, canStart=False)

    def pauseOrResume(self) -> None:
        """Stop the clock, or let it run on."""
        study = self._study
        if study is None or study.task is None:
            return
        if study.is_paused:
            study.resume()
            self._clock.resume()
        else:
            study.pause()
            self._clock.pause()
            self._saving.now(study)
        self._frame.showTime(self._clock.seconds, study.is_paused)

    def finish(self) -> None:
        """Keep the lesions as the reading's result, put the case away, and show the next."""
        study, session = self._study, self._desk.session
        if study is None or study.task is None or session is None:
            return
        with self._desk.guarded():
            study.finish(lesion_segments(session.controller)(), session.controller.volume)
            self._putAway()
            self._showNext(study)

    def skip(self, reason: str) -> None:
        """Leave the reading undone.

        Args:
            reason: one of the session's words.
        """
        if self._study is not None and self._study.task is not None:
            self._study.skip(reason)
            self._putAway()
            self._showNext(self._study)

    def beforeTick(self) -> None:
        """What changes a mask after this is no stroke of the reader's; the timer calls it before all else."""
        if self._watching is not None:
            self._watching.turn()

    def tick(self) -> None:
        """Watch, show the time, and save now and then; the panel's timer calls this."""
        study, session = self._study, self._desk.session
        if study is None:
            return
        if study.task is not None:
            self._frame.showTime(self._clock.seconds, study.is_paused)
            self._watch(study)
            self._saving.tick(study)
        elif session is not None and self._case is not None and self._case.isOf(session):
            self._begin(study, session, self._case)

    def _begin(self, study: ReadingSession, session: Session, case: LoadedCase) -> None:
        """Start the clock: the lesions of the loaded case can be marked."""
        task = self._next
        assert task is not None
        start = study.start(task)
        try:
            if start is not None:
                case.adopt(session, start)
        except InputError as refused:
            study.leave()
            self._putAway()
            self._showNext(study)
            self._desk.tell(str(refused))
            return
        self._watching = StudyWatching(study.recorder, session, self._hasFocus)
        self._clock, self._saving.savedAt_s = Clock(), time.monotonic()
        self._clock.resume()
        self._frame.show(_title(study, task), _instructions(study, task), isRunning=True, canStart=False)

    def _watch(self, study: ReadingSession) -> None:
        if self._watching is not None:
            self._watching.look()
        sentence = study.failure()
        if sentence is not None:
            self._desk.tell(sentence)

    def _stopWatching(self) -> None:
        if self._watching is not None:
            self._watching.close()
        self._watching = None

    def _putAway(self) -> None:
        self._saving.forget()
        case, self._case = self._case, None
        self._stopWatching()
        if case is not None:
            case.putAway(self._desk.session, self._chooseVolume)

    def _showNext(self, study: ReadingSession) -> None:
        told = study.next()
        self._next = told.task
        if told.task is not None:
            title, instructions = _title(study, told.task), _instructions(study, told.task)
            self._frame.show(title, instructions, isRunning=False, canStart=True)
            return
        sentence = _("All readings are done. Thank you.")
        if told.wait_until is not None:
            when = told.wait_until.astimezone().strftime("%Y-%m-%d %H:%M")
            sentence = _("The cases rest now. The next reading may begin on {when}.").format(when=when)
        self._frame.show(sentence, "", isRunning=False, canStart=False)


def _title(study: ReadingSession, task: Task) -> str:
    return f"{task.case} · {study.worklist.arms[task.arm].title}"


def _instructions(study: ReadingSession, task: Task) -> str:
    arm = study.worklist.arms[task.arm]
    return "\n".join(filter(None, (study.worklist.instructions, arm.instructions)))
