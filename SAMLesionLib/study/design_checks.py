"""Whether a design can be carried out; each refusal says what to write instead."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from SAMLesionLib.errors import InputError
from SAMLesionLib.study.design import SCHEMES, StudyDesign
from SAMLesionLib.volume import MODALITIES

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def check_design(design: StudyDesign, file: str) -> None:
    """Refuse a design that contradicts itself.

    Args:
        design: what was read.
        file: its name, for the sentence.

    Raises:
        InputError: naming the first thing that cannot be.
    """
    for sentence in _wrongs(design):
        raise InputError(f"{file}: {sentence}")


def _wrongs(design: StudyDesign) -> list[str]:
    return [
        *_ids("name", [design.name]),
        *_ids("reader", design.readers),
        *_ids("arm", [arm.id for arm in design.arms]),
        *_ids("case", [case.id for case in design.cases]),
        *_counts(design),
        *_arms(design),
        *_numbers(design),
    ]


def _ids(kind: str, ids: Sequence[str]) -> list[str]:
    """They become names of files and columns."""
    if "" in ids:
        return [f"a {kind} id is empty. Give each {kind} a short word."]
    odd = [x for x in ids if not _ID.fullmatch(x)]
    twice = sorted({x for x in ids if [y.lower() for y in ids].count(x.lower()) > 1})
    wrongs = [f"the {kind} id {x!r} has other signs than letters, digits, - and _ (40 at most)." for x in odd]
    return wrongs + [f"the {kind} id {x!r} occurs twice. Give each {kind} its own." for x in twice]


def _counts(design: StudyDesign) -> list[str]:
    wrongs = []
    if len(design.arms) < 2:
        wrongs.append(f"a comparison needs two [[arms]] or more, got {len(design.arms)}.")
    if not design.readers:
        wrongs.append("there is no reader. Name at least one in readers.")
    if not design.cases:
        wrongs.append("there is no case. Add [[cases]] with id and image.")
    if not 0 <= design.order.repeat_cases <= len(design.cases):
        wrongs.append(
            f"repeat_cases is {design.order.repeat_cases}, expected 0 to the number of cases "
            f"({len(design.cases)})."
        )
    return wrongs


def _arms(design: StudyDesign) -> list[str]:
    wrongs = []
    ids = [arm.id for arm in design.arms]
    if design.analysis.baseline and design.analysis.baseline not in ids:
        wrongs.append(f"baseline is {design.analysis.baseline!r}, expected one of the arms {', '.join(ids)}.")
    for arm in design.arms:
        if arm.method == "assisted" and not arm.model:
            wrongs.append(f"the assisted arm {arm.id} names no model. See `samlesion models`.")
        if arm.method != "assisted" and arm.model:
            wrongs.append(f"the arm {arm.id} has a model, but its method is {arm.method}. Take one away.")
    if any(arm.method == "correct" for arm in design.arms):
        bare = [case.id for case in design.cases if not case.start]
        if bare:
            wrongs.append(
                f"an arm corrects masks; the case {bare[0]} has none. Name it in start, or give their folder."
            )
    return wrongs


def _numbers(design: StudyDesign) -> list[str]:
    order, analysis = design.order, design.analysis
    if order.scheme not in SCHEMES:
        return [f"scheme is {order.scheme!r}, expected {' or '.join(SCHEMES)}."]
    told = {
        "version": (design.version, 1, math.inf),
        "seed": (design.seed, 0, math.inf),
        "washout_days": (order.washout_days, 0, 3660),
        "idle_after_s": (analysis.idle_after_s, 1, 3600),
        "nsd_tolerance_mm": (analysis.nsd_tolerance_mm, 0, 1000),
        "dice_margin": (analysis.dice_margin, 0, 1),
    }
    wrongs = [
        f"{name} is {value:g}, expected {_range(low, high)}."
        for name, (value, low, high) in told.items()
        if not low <= value <= high
    ]
    odd = [case for case in design.cases if case.modality not in MODALITIES]
    return wrongs + [
        f"the modality of {c.id} is {c.modality!r}, expected {', '.join(MODALITIES)}." for c in odd
    ]


def _range(low: float, high: float) -> str:
    return f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
