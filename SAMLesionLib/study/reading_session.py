"""One sitting of one reader: readings begin, pause and end here, and nobody else writes meanwhile."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from SAMLesionLib.errors import InputError, OutputError
from SAMLesionLib.io import Segment, write_segmentation
from SAMLesionLib.study.bare_segments import bare
from SAMLesionLib.study.log import FORMAT, LOG, LogWriter
from SAMLesionLib.study.machine import machine_facts
from SAMLesionLib.study.recorder import Recorder
from SAMLesionLib.study.session_lock import lock_session
from SAMLesionLib.study.study_folder import STARTED, read_study
from SAMLesionLib.study.worklist import (
    MASKS,
    Next,
    Task,
    WorkList,
    next_task,
    read_progress,
    read_worklist,
)
from SAMLesionLib.volume import Volume

AUTOSAVED = ".part.seg.nrrd"
FINISHED = ".seg.nrrd"
SKIP_REASONS = ("quality", "wrong_case", "time", "other")


class ReadingSession:
    """Holds a reader's folder until it is closed.

    Attributes:
        worklist: what there is to do.
        recorder: what a host tells of the reader's hands; it belongs to the reading at hand.
        task: the reading at hand, None between two.
        is_paused: whether it rests.
    """

    def __init__(self, folder: Path, host: Mapping[str, str] | None = None) -> None:
        """Sit down.

        Args:
            folder: a reader's, `readers/R1` in the study's.
            host: the program that readers work in and its version. Its `recorder` is "host" when it tells of
                the reader's hands, "stopwatch" when only start, pause and end are known.

        Raises:
            InputError: when there is no work list, the design was changed, or another session is open.
            OutputError: when the folder cannot be written to.
        """
        self.folder, self.is_paused = folder, False
        self.task: Task | None = None
        self.worklist: WorkList = read_worklist(folder)
        _check_design(folder)
        self._lock = lock_session(folder, self.worklist.reader)
        try:
            self._writer = LogWriter(folder / LOG)
        except OutputError:
            os.close(self._lock)
            raise
        self.recorder = Recorder(self._writer)
        told = {
            "format": FORMAT,
            "id": secrets.token_hex(6),
            "study": self.worklist.study,
            "reader": self.worklist.reader,
            "version": self.worklist.version,
            "design_sha256": self.worklist.design_sha256,
            **(host or {"recorder": "host"}),
        }
        self._writer.write("session", facts=lambda: {**told, **machine_facts()}, is_kept=True)

    def next(self, now: datetime | None = None) -> Next:
        """What can be done now."""
        self._writer.flush()
        progress = read_progress(self.folder, self.worklist)
        return next_task(self.worklist, progress, now or datetime.now(timezone.utc))

    def start(self, task: Task) -> Path | None:
        """Begin a reading, or go on with it; the clock runs.

        Returns:
            The mask to begin with: what was saved of it earlier, or what the arm corrects.

        Raises:
            InputError: when another reading is at hand.
        """
        if self.task is not None:
            raise InputError(f"A reading of {self.task.case} is at hand. Finish or skip it first.")
        self.task, self.is_paused = task, False
        self.recorder.reading = task.reading
        self._write("start")
        saved = self._mask(AUTOSAVED)
        return saved if saved.exists() else self.path(task.start) if task.start else None

    def pause(self) -> None:
        """Stop the clock; does nothing when it rests."""
        if self._at_hand() and not self.is_paused:
            self.is_paused = True
            self._write("pause")

    def resume(self) -> None:
        """Let the clock run on."""
        if self._at_hand() and self.is_paused:
            self.is_paused = False
            self._write("resume")

    def autosave(self, segments: Sequence[Segment], volume: Volume) -> None:
        """Keep what there is of the reading at hand, against a crash or for another day."""
        self.autosaving(volume)(segments)

    def autosaving(self, volume: Volume) -> Callable[[Sequence[Segment]], None]:
        """What keeps segments of the reading at hand; it may be called in any thread."""
        path = self._mask(AUTOSAVED)
        return lambda segments: write_segmentation(path, bare(segments), volume)

    def finish(self, segments: Sequence[Segment], volume: Volume) -> None:
        """End the reading at hand with its result; no segment means that there is no lesion.

        Raises:
            OutputError: when the result cannot be written; the reading then stays at hand.
        """
        self._at_hand()
        if segments:
            write_segmentation(self._mask(FINISHED), bare(segments), volume)
        self._end("finish", n_lesions=len(segments))

    def skip(self, reason: str) -> None:
        """Leave the reading at hand undone, for good.

        Args:
            reason: one word: "quality", "wrong_case", "time" or "other"; free text could name the patient.
        """
        self._at_hand()
        self._end("skip", reason=reason if reason in SKIP_REASONS else "other")

    def leave(self) -> None:
        """Put the reading at hand aside; it is the next one again, and goes on from what was saved."""
        self.pause()
        self._put_down()

    def close(self) -> None:
        """Get up; a reading at hand goes on in the next session."""
        self.recorder.stop()
        self.recorder.reading = ""
        self._writer.write("end", is_kept=True)
        self._writer.close()
        os.close(self._lock)

    def path(self, of_design: str) -> Path:
        """A path of the work list: the study's folder is two above the reader's."""
        return self.folder.parent.parent / of_design

    def failure(self) -> str | None:
        """One sentence when the log has begun to refuse lines."""
        return self._writer.failure()

    def __enter__(self) -> ReadingSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self, kind: str, **facts: Any) -> None:
        self._write(kind, **facts)
        self._writer.flush()
        self._mask(AUTOSAVED).unlink(missing_ok=True)
        self._put_down()

    def _put_down(self) -> None:
        self.recorder.stop()
        self.task, self.is_paused, self.recorder.reading = None, False, ""

    def _write(self, kind: str, **facts: Any) -> None:
        self._writer.write(kind, self._at_hand().reading, facts, is_kept=True)

    def _mask(self, ending: str) -> Path:
        return self.folder / MASKS / f"{self._at_hand().reading}{ending}"

    def _at_hand(self) -> Task:
        if self.task is None:
            raise InputError("No reading is at hand. Start one first.")
        return self.task


def _check_design(folder: Path) -> None:
    study = folder.parent.parent
    if (study / STARTED).exists():  # not at a reader who was sent only the own folder
        read_study(study)
