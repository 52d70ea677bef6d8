"""A reader's work list: what comes next, what is done, and what must wait."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from SAMLesionLib.errors import InputError
from SAMLesionLib.study.log import LOG
from SAMLesionLib.study.log_reading import Log, read_log

WORKLIST, MASKS = "worklist.json", "masks"
FORMAT = 1
State = Literal["open", "begun", "finished", "skipped"]


@dataclass(frozen=True)
class ShownArm:
    """An arm as its reader sees it: no id, and no title that would unblind it.

    Attributes:
        title: for people.
        method: "manual", "assisted" or "correct".
        model: what an assisted arm asks.
        instructions: what to do.
    """

    title: str
    method: str
    model: str
    instructions: str


@dataclass(frozen=True)
class Task:
    """One reading.

    Attributes:
        reading: its name in the log and of its mask.
        case: id of the case.
        image: the scan, from the study's folder.
        modality: of the scan.
        period: of the study.
        arm: letter of the arm in this list.
        start: the mask to begin with, empty for none.
    """

    reading: str
    case: str
    image: str
    modality: str
    period: int
    arm: str
    start: str = ""


@dataclass(frozen=True)
class WorkList:
    """What one reader has to do.

    Attributes:
        study: name of the study.
        title: of the study.
        reader: id of the reader.
        version: of the design.
        design_sha256: of the design.
        instructions: for all readings.
        washout_days: between two readings of a case.
        arms: by letter.
        tasks: in order.
    """

    study: str
    title: str
    reader: str
    version: int
    design_sha256: str
    instructions: str
    washout_days: float
    arms: Mapping[str, ShownArm]
    tasks: tuple[Task, ...]

    def to_json(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {"format": FORMAT, **asdict(self)}


@dataclass(frozen=True)
class Progress:
    """How far a reader is.

    Attributes:
        states: of each reading that was touched.
        met: when the reader last had a case before the eyes.
    """

    states: Mapping[str, State]
    met: Mapping[str, datetime]

    def state(self, task: Task) -> State:
        """Of one task."""
        return self.states.get(task.reading, "open")


@dataclass(frozen=True)
class Next:
    """What a reader can do now.

    Attributes:
        task: the next reading; None when there is none, or none yet.
        wait_until: when the next one may begin; None when there is nothing left.
    """

    task: Task | None
    wait_until: datetime | None = None


def read_worklist(folder: Path) -> WorkList:
    """The list in a reader's folder.

    Raises:
        InputError: when there is none or it is damaged.
    """
    path = folder / WORKLIST
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            raise InputError(f"{path} is of another version. Update SAMLesion, or deal the work lists again.")
        arms = {letter: ShownArm(**arm) for letter, arm in values.pop("arms").items()}
        tasks = tuple(Task(**task) for task in values.pop("tasks"))
        return WorkList(**values, arms=arms, tasks=tasks)
    except FileNotFoundError:
        raise InputError(_no_list(path)) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path} is damaged. Ask the study lead to deal the work lists again.") from None


def _no_list(path: Path) -> str:
    folder = path.parent
    found = (*folder.glob(f"*/{WORKLIST}"), *folder.glob(f"*/*/{WORKLIST}"))
    readers = sorted(each.parent.name for each in found)
    if readers:
        return f"{folder} is no reader's folder. Choose that of {' or '.join(readers)} in it."
    return f"There is no work list {path}. Ask the study lead for `samlesion study deal`."


def read_progress(folder: Path, worklist: WorkList) -> Progress:
    """How far a reader is, from the log.

    Raises:
        InputError: when the log cannot be read.
    """
    return progress_of(read_log(folder / LOG), worklist)


def progress_of(log: Log, worklist: WorkList) -> Progress:
    """How far a log says that a reader is; what was finished or skipped stays so."""
    states: dict[str, State] = {}
    met: dict[str, datetime] = {}
    cases = {task.reading: task.case for task in worklist.tasks}
    told: dict[str, State] = {"start": "begun", "finish": "finished", "skip": "skipped"}
    for line in log.lines():
        state = told.get(line.kind)
        if state is not None and states.get(line.reading, "begun") == "begun":
            states[line.reading] = state
        if line.reading in cases:
            met[cases[line.reading]] = datetime.fromtimestamp(line.wall_s, timezone.utc)
    return Progress(states, met)


def next_task(worklist: WorkList, progress: Progress, now: datetime) -> Next:
    """The next reading: one that was begun, else the first whose case has rested long enough."""
    left = [task for task in worklist.tasks if progress.state(task) in ("open", "begun")]
    begun = [task for task in left if progress.state(task) == "begun"]
    if begun or not left:
        return Next(begun[0] if begun else None)
    # Periods stay apart: a case that still rests is not overtaken by one of the next period.
    period = [task for task in left if task.period == left[0].period]
    free_at = {task.reading: _free_at(task, worklist, progress) for task in period}
    free = [task for task in period if free_at[task.reading] <= now]
    return Next(free[0]) if free else Next(None, min(free_at.values()))


def _free_at(task: Task, worklist: WorkList, progress: Progress) -> datetime:
    met = progress.met.get(task.case)
    if met is None:
        return datetime.min.replace(tzinfo=timezone.utc)
    return met + timedelta(days=worklist.washout_days)
