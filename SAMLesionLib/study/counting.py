"""What a reader did in a reading, counted from its lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from SAMLesionLib.study.log_reading import Line

SAME_UNDO_S = 0.05
"""One undo is told as several events, each some microseconds after the other."""


@dataclass(frozen=True)
class Counts:
    """Numbers of one reading or lesion; voxels are None where no model answered."""

    n_prompts: int
    n_edits: int
    n_undone: int
    n_scrolled: int
    n_voxels: int | None
    n_added_after_ai: int | None
    n_removed_after_ai: int | None


def count(lines: Sequence[Line]) -> Counts:
    """What these lines tell."""
    done = [line for line in lines if "cause" not in line.facts]
    accepted = _last_of_each_lesion(line for line in lines if line.kind == "lesion_accepted")
    return Counts(
        n_prompts=sum(line.kind == "prompt_added" for line in done),
        n_edits=_edits(done),
        n_undone=_undone(lines),
        n_scrolled=sum(line.kind == "scroll" for line in lines),
        n_voxels=_sum(accepted, "n_voxels"),
        n_added_after_ai=_sum(accepted, "n_added_after_ai"),
        n_removed_after_ai=_sum(accepted, "n_removed_after_ai"),
    )


def of_lesion(lines: Iterable[Line], lesion: str) -> list[Line]:
    """The lines that name a lesion."""
    return [line for line in lines if line.facts.get("lesion") == lesion]


def _edits(lines: Sequence[Line]) -> int:
    """Strokes, and changed masks that no stroke explains: what other tools did, such as smoothing.

    A stroke is seen once more as the changed mask of its lesion, or of any where the host names none.
    """
    n_edits = 0
    stroked: set[object] = set()
    for line in lines:
        lesion = line.facts.get("lesion")
        if line.kind == "stroke":
            n_edits += 1
            stroked.add(lesion)
        elif line.kind == "mask_edited" and "is_answer" not in line.facts:
            n_edits += not stroked & {lesion, None}
            stroked -= {lesion, None}
    return n_edits


def _undone(lines: Iterable[Line]) -> int:
    moments = [line.monotonic_s for line in lines if line.facts.get("cause") == "undo"]
    return bool(moments) + sum(not 0 <= later - earlier < SAME_UNDO_S for earlier, later in pairwise(moments))


def _last_of_each_lesion(lines: Iterable[Line]) -> list[Line]:
    return list({line.facts.get("lesion"): line for line in lines}.values())


def _sum(lines: Sequence[Line], name: str) -> int | None:
    known = [int(line.facts[name]) for line in lines if name in line.facts]
    return sum(known) if known else None
