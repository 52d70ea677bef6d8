"""How far each reader of a running study is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone

from SAMLesionLib.study.study_folder import StudyFolder
from SAMLesionLib.study.worklist import Next, next_task, read_progress, read_worklist


@dataclass(frozen=True)
class ReaderStatus:
    """One reader.

    Attributes:
        reader: who.
        n_readings: on the work list.
        n_finished: of them, like the next three.
        n_begun: put aside or at hand.
        n_skipped: left undone for good.
        n_open: not begun.
        last_read: when a case was last before the reader's eyes; None for never.
        next: what can be read now, or when.
    """

    reader: str
    n_readings: int
    n_finished: int
    n_begun: int
    n_skipped: int
    n_open: int
    last_read: datetime | None
    next: Next


def study_status(study: StudyFolder, now: datetime | None = None) -> list[ReaderStatus]:
    """All readers, in the order of the design.

    Raises:
        InputError: when a work list is missing or a log cannot be read.
    """
    now = now or datetime.now(timezone.utc)
    return [_status(study, reader, now) for reader in study.design.readers]


def _status(study: StudyFolder, reader: str, now: datetime) -> ReaderStatus:
    folder = study.reader_folder(reader)
    worklist = read_worklist(folder)
    progress = read_progress(folder, worklist)
    n = Counter(progress.state(task) for task in worklist.tasks)
    return ReaderStatus(
        reader,
        len(worklist.tasks),
        n["finished"],
        n["begun"],
        n["skipped"],
        n["open"],
        max(progress.met.values(), default=None),
        next_task(worklist, progress, now),
    )
