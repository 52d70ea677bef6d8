"""An organ's mask by TotalSegmentator, where the reader has that extension of 3D Slicer.

The extension runs in its own module and asks for what it needs itself; nothing of it is installed or
imported here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import slicer

from SAMLesionLib.errors import EngineError, PromptError
from SAMLesionLib.host.segments import LesionSegments, create_segmentation
from SAMLesionLib.prompts import OrganMaskPrompt

MODULE = "TotalSegmentator"

STRUCTURES = MappingProxyType(
    {
        "adrenal gland": ("adrenal_gland_left", "adrenal_gland_right"),
        "bladder": ("urinary_bladder",),
        "brain": ("brain",),
        "colon": ("colon",),
        "duodenum": ("duodenum",),
        "esophagus": ("esophagus",),
        "gallbladder": ("gallbladder",),
        "heart": ("heart",),
        "kidney": ("kidney_left", "kidney_right"),
        "liver": ("liver",),
        "lung": (
            "lung_upper_lobe_left",
            "lung_lower_lobe_left",
            "lung_upper_lobe_right",
            "lung_middle_lobe_right",
            "lung_lower_lobe_right",
        ),
        "pancreas": ("pancreas",),
        "prostate": ("prostate",),
        "small intestine": ("small_bowel", "duodenum"),
        "spleen": ("spleen",),
        "stomach": ("stomach",),
        "thyroid": ("thyroid_gland",),
    }
)
"""What TotalSegmentator (Wasserthal et al., 2023) calls the organs of `terminology.ORGANS` that it knows."""


class TotalSegmentator(Protocol):
    """The part of the extension's logic that is used."""

    def process(self, input_volume: Any, output_segmentation: Any, **options: Any) -> None:
        """Fill a segmentation node with the structures of `subset`."""


def total_segmentator() -> TotalSegmentator | None:
    """The extension's logic, None where it is not installed."""
    if not hasattr(getattr(slicer, "modules", None), MODULE.lower()):
        return None
    logic: TotalSegmentator = slicer.util.getModuleLogic(MODULE)
    return logic


def organ_of_scan(
    word: str, volume_node: Any, extension: TotalSegmentator, is_fast: bool = True
) -> OrganMaskPrompt:
    """The organ of this name in a CT, as a prompt; this takes a minute or more.

    Args:
        word: the organ, one of `STRUCTURES`.
        volume_node: the CT.
        extension: from `total_segmentator`.
        is_fast: in voxels of 3 mm, which does without a GPU; otherwise in those of 1.5 mm.

    Raises:
        PromptError: it does not know the organ, or found none of it.
        EngineError: it failed.
    """
    structures = STRUCTURES.get(word)
    if structures is None:
        raise PromptError(
            f"TotalSegmentator has no mask of the organ {word!r}; it knows {', '.join(STRUCTURES)}. Choose a "
            "segment of the scene."
        )
    node = create_segmentation(volume_node.GetScene(), volume_node, f"{word} by {MODULE}")
    try:
        extension.process(volume_node, node, fast=is_fast, subset=list(structures))
        return _all_of(LesionSegments(node, volume_node), word)
    except PromptError:
        raise
    # Whatever the extension raises, the reader gets one sentence; its own module shows the details.
    except Exception as failed:
        raise EngineError(
            f"TotalSegmentator could not segment the {word} ({str(failed)[:120]}). Try it in its own module."
        ) from failed
    finally:
        volume_node.GetScene().RemoveNode(node)


def _all_of(segments: LesionSegments, word: str) -> OrganMaskPrompt:
    masks = [segments.read(segment_id) for segment_id in segments.segment_ids]
    if not any(mask.any() for mask in masks):
        raise PromptError(
            f"TotalSegmentator found no {word} in {segments.volume_node.GetName()}. Choose a segment of the "
            "scene, or leave the organ out."
        )
    return OrganMaskPrompt.of(np.logical_or.reduce(masks))
