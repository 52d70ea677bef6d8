"""The main job: each lesion's prompts go to a segmenter and come back as a segment with its measures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from SAMLesionLib.errors import EngineError
from SAMLesionLib.geometry import Affine
from SAMLesionLib.io import LesionPrompts, Segment
from SAMLesionLib.masks import MaskUpdate, RunReport, collect
from SAMLesionLib.metrics import axial_diameter
from SAMLesionLib.palette import lesion_colour
from SAMLesionLib.protocol import Segmenter, SegmentRequest
from SAMLesionLib.provenance import provenance_tags
from SAMLesionLib.volume import Volume

Window = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Lesion:
    """One finished lesion.

    Attributes:
        segment: its mask, ready to be written.
        report: how the mask was made.
        seconds: wall time from the request to the last voxel.
        affine: the grid of the volume.
    """

    segment: Segment
    report: RunReport
    seconds: float
    affine: Affine = field(repr=False)

    @property
    def n_voxels(self) -> int:
        """Voxels inside."""
        return int(self.segment.mask.sum())

    @property
    def ml(self) -> float:
        """Volume in millilitres."""
        return self.n_voxels * self.affine.voxel_ml

    @property
    def longest_axial_diameter_mm(self) -> float:
        """The longest line within one axial slice, 0 for an empty mask."""
        diameter = axial_diameter(self.segment.mask, self.affine, axial_axis(self.affine))
        return diameter.long_mm if diameter else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.segment.name,
            "voxels": self.n_voxels,
            "ml": round(self.ml, 4),
            "longest_axial_diameter_mm": round(self.longest_axial_diameter_mm, 2),
            "encode_s": round(self.report.encode_s, 4),
            "decode_s": round(self.report.decode_s, 4),
            "seconds": round(self.seconds, 4),
            "notices": list(self.report.notices),
        }


def segment_lesions(
    segmenter: Segmenter,
    volume: Volume,
    lesions: Iterable[LesionPrompts],
    model: str,
    window: Window | None = None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Iterator[Lesion]:
    """Segment lesion after lesion.

    Args:
        segmenter: what makes the masks.
        volume: the scan.
        lesions: names and prompts.
        model: name of the model.
        window: grey values (low, high) between which the model sees, None for its own recipe.
        on_progress: told after every piece how much of the current lesion is done, 0 to 1.
    """
    volume_id = segmenter.load_volume(volume)
    for number, lesion in enumerate(lesions):
        start = perf_counter()
        request = SegmentRequest(volume_id, model, lesion.prompts, window)
        mask, report = collect(_told(segmenter.segment(request), on_progress), volume.shape_ijk)
        if report is None:
            raise EngineError(f"The engine ended its answer for {lesion.name} too early. Try again.")
        tags = provenance_tags(report, lesion.prompts)
        segment = Segment(lesion.name, mask, colour=lesion_colour(number), tags=tags)
        yield Lesion(segment, report, perf_counter() - start, volume.affine)


def axial_axis(affine: Affine) -> int:
    """The voxel axis (0, 1, 2 for i, j, k) across which the slices are the most nearly axial."""
    directions = affine.ijk_to_ras[:3, :3] / np.array(affine.spacing_mm)
    return int(np.argmax(np.round(np.abs(directions[2]), 6)))


def _told(updates: Iterator[MaskUpdate], on_progress: Callable[[float], None]) -> Iterator[MaskUpdate]:
    for update in updates:
        on_progress(update.fraction)
        yield update
