"""The tables of a study: one row a reading, and one a lesion."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class ReadingRow:
    """One case by one reader in one arm. Columns without a value are None, and empty in the file.

    Attributes:
        reading: its name in the log.
        reader: id of the reader.
        case: id of the case.
        arm: id of the arm.
        period: of the study.
        order: place among the reader's readings by when they began, from 1.
        order_in_arm: the same among those of the arm.
        is_repeat: whether the reader had read this case in this arm before.
        state: "finished", "begun", "skipped" or "open".
        n_sessions: sittings it took.
        active_s: seconds of work and looking.
        idle_s: seconds away.
        compute_s: seconds of waiting for a model.
        n_lesions: in the result.
        n_prompts: drawn, those taken back included.
        n_edits: changes by hand.
        n_undone: actions taken back.
        n_scrolled: slices scrolled.
        n_voxels_after_ai: voxels added and removed after the model's last answer, over all lesions.
        dice: against the reference.
        nsd: at the study's tolerance.
        hd95_mm: against the reference.
        volume_ml: of the result.
        volume_error_ml: result minus reference.
    """

    reading: str
    reader: str
    case: str
    arm: str
    period: int
    order: int
    order_in_arm: int
    is_repeat: bool
    state: str
    n_sessions: int = 0
    active_s: float = 0.0
    idle_s: float = 0.0
    compute_s: float = 0.0
    n_lesions: int | None = None
    n_prompts: int = 0
    n_edits: int = 0
    n_undone: int = 0
    n_scrolled: int = 0
    n_voxels_after_ai: int | None = None
    dice: float | None = None
    nsd: float | None = None
    hd95_mm: float | None = None
    volume_ml: float | None = None
    volume_error_ml: float | None = None

    @property
    def work_s(self) -> float:
        """What the reading cost the reader: work, looking, and waiting for the model."""
        return self.active_s + self.compute_s

    @property
    def counts(self) -> bool:
        """Whether it is part of the comparison of arms."""
        return self.state == "finished" and not self.is_repeat


@dataclass(frozen=True)
class LesionRow:
    """One lesion of one reading.

    Attributes:
        reading: its name in the log.
        reader: id of the reader.
        case: id of the case.
        arm: id of the arm.
        lesion: its id in the reading.
        active_s: seconds of work and looking.
        idle_s: seconds away.
        compute_s: seconds of waiting for a model.
        n_prompts: drawn.
        n_edits: changes by hand.
        n_voxels: in the accepted mask.
        n_added_after_ai: voxels added after the model's last answer.
        n_removed_after_ai: voxels removed after it.
    """

    reading: str
    reader: str
    case: str
    arm: str
    lesion: str
    active_s: float
    idle_s: float
    compute_s: float
    n_prompts: int
    n_edits: int
    n_voxels: int | None = None
    n_added_after_ai: int | None = None
    n_removed_after_ai: int | None = None

    @property
    def work_s(self) -> float:
        """What the lesion cost the reader."""
        return self.active_s + self.compute_s


def columns_of(kind: type[Any]) -> list[str]:
    """The names of a table's columns."""
    return [field.name for field in fields(kind)]
