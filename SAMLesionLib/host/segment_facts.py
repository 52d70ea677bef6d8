"""What a segment says of its lesion beside the voxels: name, meaning, status, prompts, how it was made.

It is all in the segment itself, as Slicer's own fields and as tags, so that scenes and `.seg.nrrd` files
hold the reader's whole work.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import slicer
import vtk

from SAMLesionLib.errors import PromptError
from SAMLesionLib.lesions import Lesion, Status
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import PromptSet
from SAMLesionLib.provenance import LESION_TERMINOLOGY, PREFIX

logger = logging.getLogger(__name__)

_FACTS = ("Model", "WeightsSHA256", "Prompts", "Version", "Device", "Precision", "Time")
TAG_NAMES = (
    *(f"{PREFIX}{name}" for name in _FACTS),
    "DICOM.SegmentAlgorithmType",
    "DICOM.SegmentAlgorithmName",
)
"""The tags that a result sets; VTK cannot list those a segment has."""

LESION_TAG = f"{PREFIX}Lesion"
"""The tag that makes a segment a lesion: its prompts, also those that no mask was made from yet."""

_Logic = slicer.vtkSlicerSegmentationsModuleLogic
_STATUSES = {_Logic.Completed: Status.ACCEPTED, _Logic.Flagged: Status.FLAGGED}


def read_tags(segment: Any, names: Iterable[str] = TAG_NAMES) -> dict[str, str | None]:
    """A segment's tags of these names, None for each that it does not have."""
    value = vtk.mutable("")
    return {name: str(value) if segment.GetTag(name, value) else None for name in names}


def write_tags(segment: Any, tags: Mapping[str, str | None]) -> None:
    """Set tags, such as `provenance.provenance_tags` makes; None removes one."""
    for key, text in tags.items():
        if text is None:
            segment.RemoveTag(key)
        else:
            segment.SetTag(key, safe_tag(text))


def safe_tag(text: str) -> str:
    """A tag's value as `.seg.nrrd` can hold it: a `|` would end it there, so JSON writes it as an escape."""
    return text.replace("|", "\\u007c")


def read_status(segment: Any) -> Status:
    """How far Slicer's segments table shows the lesion to be."""
    return _STATUSES.get(_Logic.GetSegmentStatus(segment), Status.DRAFT)


def write_facts(segment: Any, lesion: Lesion) -> None:
    """Make a segment say what its lesion is; what it says already is not touched, so no view is told."""
    if segment.GetName() != lesion.name:
        segment.SetName(lesion.name)
    if segment.GetTerminology() != lesion.terminology:
        segment.SetTerminology(lesion.terminology)
    status = _slicer_status(lesion)
    if _Logic.GetSegmentStatus(segment) != status:
        _Logic.SetSegmentStatus(segment, status)


def write_lesion_tag(segment: Any, lesion: Lesion) -> None:
    """Let a segment carry its lesion's prompts, those that no mask was made from yet as well."""
    written = _dumps(lesion)
    if read_tags(segment, (LESION_TAG,))[LESION_TAG] != written:
        write_tags(segment, {LESION_TAG: written})


def is_lesion(segment: Any) -> bool:
    """Whether a segment is a lesion of ours."""
    return read_tags(segment, (LESION_TAG,))[LESION_TAG] is not None


def read_lesion(segment_id: str, segment: Any, mask: PackedMask) -> Lesion:
    """The lesion that a segment of ours shows.

    Args:
        segment_id: the segment's id.
        segment: a `vtkSegment`.
        mask: its voxels, which are the lesion's hand-made mask when it had one.
    """
    text = read_tags(segment, (LESION_TAG,))[LESION_TAG] or ""
    prompts, run, is_edited = _loads(text, segment.GetName())
    terminology = segment.GetTerminology() or LESION_TERMINOLOGY
    edit = mask if is_edited else None
    return Lesion(segment_id, segment.GetName(), prompts, read_status(segment), terminology, edit, run)


def _slicer_status(lesion: Lesion) -> int:
    if lesion.status is not Status.DRAFT:
        return next(code for code, status in _STATUSES.items() if status is lesion.status)
    return int(_Logic.NotStarted if lesion.is_untouched else _Logic.InProgress)


def _dumps(lesion: Lesion) -> str:
    values = {
        "prompts": lesion.prompts.to_json(),
        "run": lesion.run,
        "is_edited": lesion.edit is not None,
    }
    return safe_tag(json.dumps(values, separators=(",", ":")))


def _loads(text: str, name: str) -> tuple[PromptSet, int, bool]:
    try:
        values = json.loads(text)
        return PromptSet.from_json(values["prompts"]), int(values["run"]), bool(values["is_edited"])
    except (KeyError, TypeError, ValueError, PromptError) as damage:
        # Its mask is worth more than its prompts: the lesion comes back as what was painted.
        logger.warning("the prompts of %s cannot be read (%s)", name, damage)
        return PromptSet(), 0, True
