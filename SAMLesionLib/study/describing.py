"""Events of the annotation as plain facts for the log, made in the writing thread.

Names, messages and terminologies are left out: they may hold a patient's name, or tell a blinded arm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.events import LesionAccepted, LesionEvent, MaskEdited, MaskShown, PromptAdded, PromptRemoved
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.masks import RunReport
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import MaskPrompt, Prompt

KINDS: dict[type[LesionEvent], str] = {}


def kind_of(event: LesionEvent) -> str:
    """`PromptAdded` is called `prompt_added` in the log."""
    known = KINDS.get(type(event))
    if known is None:
        known = KINDS[type(event)] = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
    return known


class Describer:
    """Remembers what each lesion looked like, so that edits can be counted in voxels."""

    def __init__(self) -> None:
        self._answers: dict[str, PackedMask] = {}
        self._shown: dict[str, PackedMask] = {}

    def later(self, event: LesionEvent, mask: PackedMask | None) -> Callable[[], Mapping[str, Any]]:
        """What makes the facts of an event.

        Args:
            event: what happened.
            mask: what the lesion looks like now; None when nobody knows.
        """
        return lambda: {"lesion": event.lesion_id, **_cause(event), **self._facts(event, mask)}

    def _facts(self, event: LesionEvent, mask: PackedMask | None) -> dict[str, Any]:
        if isinstance(event, (PromptAdded, PromptRemoved)):
            return {"index": event.index, **_prompt(event.prompt)}
        if isinstance(event, MaskShown):
            return {
                "n_prompts": event.n_prompts,
                **_report(event.report),
                **self._answer(event.lesion_id, mask),
            }
        if isinstance(event, MaskEdited):
            return self._edit(event.lesion_id, event.edit)
        if isinstance(event, LesionAccepted):
            return self._accepted(event.lesion_id, mask)
        return {}

    def _answer(self, lesion_id: str, mask: PackedMask | None) -> dict[str, Any]:
        if mask is None:
            return {}
        self._answers[lesion_id] = self._shown[lesion_id] = mask
        return {"n_voxels": _count(mask)}

    def _edit(self, lesion_id: str, edit: PackedMask | None) -> dict[str, Any]:
        if edit is None:
            return {"is_answer": True}
        before = self._shown.get(lesion_id, PackedMask())
        self._shown[lesion_id] = edit
        added, removed = changed_voxels(before, edit)
        return {"n_added": added, "n_removed": removed}

    def _accepted(self, lesion_id: str, mask: PackedMask | None) -> dict[str, Any]:
        now = mask if mask is not None else self._shown.get(lesion_id)
        if now is None:
            return {}
        told = {"n_voxels": _count(now)}
        if lesion_id in self._answers:
            added, removed = changed_voxels(self._answers[lesion_id], now)
            told |= {"n_added_after_ai": added, "n_removed_after_ai": removed}
        return told


def changed_voxels(before: PackedMask, after: PackedMask) -> tuple[int, int]:
    """How many voxels came, and how many went."""
    if before.is_empty or after.is_empty:
        return _count(after), _count(before)
    box = before.box.union(after.box)
    old, new = (_over(box, mask) for mask in (before, after))
    return int(np.count_nonzero(new & ~old)), int(np.count_nonzero(old & ~new))


def _over(box: IndexBox, mask: PackedMask) -> npt.NDArray[np.bool_]:
    i, j, k = box.start_ijk
    whole = np.zeros(box.shape_kji, dtype=bool)
    whole[mask.box.shift((-i, -j, -k)).slices_kji()] = mask.unpack()
    return whole


def _count(mask: PackedMask) -> int:
    return int(np.count_nonzero(mask.unpack()))


def _cause(event: LesionEvent) -> dict[str, str]:
    return {} if event.cause == "edit" else {"cause": event.cause}


def _prompt(prompt: Prompt | None) -> dict[str, Any]:
    if prompt is None:
        return {}
    if isinstance(prompt, MaskPrompt):  # its voxels are in the result
        return {"prompt": {"kind": prompt.kind}}
    return {"prompt": prompt.to_json()}


def _report(report: RunReport | None) -> dict[str, Any]:
    """How the mask was made; the weights' hash stands for the model, whose name would unblind."""
    if report is None:
        return {}
    return {
        "weights_sha256": report.weights_sha256,
        "device": report.device,
        "precision": report.precision,
        "engine": report.version,
        "encode_s": round(report.encode_s, 4),
        "decode_s": round(report.decode_s, 4),
    }
