"""One slice through a case, with the expert's contour and the model's, as a picture within a page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from SAMLesionLib.datasets.cases import Case
from SAMLesionLib.evaluation.blocks import BlockMask, united
from SAMLesionLib.geometry import Affine

Mask = npt.NDArray[np.bool_]

EXPERT, OURS = "#ffb84d", "#2ee6d0"
SIDE_INCHES, DOTS_PER_INCH = 3.2, 110
MARGIN_MM = 15.0


@dataclass(frozen=True)
class Picture:
    """A slice as people see it on a page.

    Attributes:
        data_url: the picture itself, as JPEG in a URL.
        index: the slice.
        axis: i, j or k, the voxel axis across which it was cut.
    """

    data_url: str
    index: int
    axis: str


def picture_of(case: Case, answer: BlockMask) -> Picture:
    """The slice in which the expert's lesions are largest, close up.

    Args:
        case: the scan and its lesions.
        answer: the model's mask.
    """
    axis = case.volume.affine.slice_axis
    reference = united(BlockMask(lesion.box, lesion.mask) for lesion in case.lesions)
    drawn = np.moveaxis(reference.mask, 2 - axis, 0)
    largest = int(np.argmax(drawn.sum(axis=(1, 2))))
    index = reference.box.start_ijk[axis] + largest
    grid = case.volume.block
    view = _Plane(case.volume.affine, axis, index)
    figure = Figure(figsize=(SIDE_INCHES, SIDE_INCHES), facecolor="black")
    axes = figure.add_axes((0, 0, 1, 1))
    masks = {EXPERT: view.cut(reference.over(grid)), OURS: view.cut(answer.over(grid))}
    _draw(axes, view, view.cut(case.volume.voxels), masks)
    _frame(axes, view, np.logical_or(*masks.values()))
    file = io.BytesIO()
    figure.savefig(file, format="jpg", dpi=DOTS_PER_INCH, pil_kwargs={"quality": 88})
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return Picture(f"data:image/jpeg;base64,{data}", index, "ijk"[axis])


@dataclass(frozen=True)
class _Plane:
    """A slice, shown with the head or the front on top and the patient's right on the left."""

    affine: Affine
    axis: int
    index: int

    @property
    def shown_axes(self) -> tuple[int, int]:
        """The voxel axes that run across and down the picture."""
        first, second = (a for a in range(3) if a != self.axis)
        # Down goes what runs along the body, else what runs from front to back.
        return (second, first) if self._world(first) > self._world(second) else (first, second)

    def is_turned(self, axis: int) -> bool:
        """Whether a voxel axis runs against the way it is shown."""
        return bool(self.affine.ijk_to_ras[self._world(axis), axis] > 0)

    def cut(self, voxels_kji: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The slice as (down, across)."""
        plane = np.moveaxis(voxels_kji, 2 - self.axis, 0)[self.index]
        across, down = self.shown_axes
        return plane if down > across else plane.T

    def _world(self, axis: int) -> int:
        """The axis of the patient (0, 1, 2 for R, A, S) along which a voxel axis mostly runs."""
        return int(np.argmax(np.abs(self.affine.ijk_to_ras[:3, axis])))


def _draw(axes: Any, view: _Plane, plane: npt.NDArray[Any], masks: dict[str, Mask]) -> None:
    across, down = view.shown_axes
    spacing = view.affine.spacing_mm
    low, high = np.percentile(plane, (1, 99.5))
    shape = spacing[down] / spacing[across]
    axes.imshow(plane, cmap="gray", vmin=low, vmax=high, interpolation="bilinear", aspect=shape)
    for colour, mask in masks.items():
        if mask.any():
            for ink, width in (("#000000", 3.0), (colour, 1.6)):
                axes.contour(mask, [0.5], colors=[ink], linewidths=width)


def _frame(axes: Any, view: _Plane, drawn: Mask) -> None:
    """A square in mm around everything that is drawn in the slice, the right way up."""
    across, down = view.shown_axes
    spacing = view.affine.spacing_mm
    spans = {axis: np.flatnonzero(drawn.any(axis=at)) for at, axis in enumerate((across, down))}
    half_mm = max(np.ptp(span) * spacing[axis] for axis, span in spans.items()) / 2 + MARGIN_MM
    for axis, set_limits, is_downwards in ((across, axes.set_xlim, False), (down, axes.set_ylim, True)):
        middle = (spans[axis][0] + spans[axis][-1]) / 2
        low, high = (middle + sign * half_mm / spacing[axis] for sign in (-1, 1))
        # The y axis of a picture runs down when its first limit is the larger.
        set_limits((low, high) if view.is_turned(axis) == is_downwards else (high, low))
    axes.axis("off")
