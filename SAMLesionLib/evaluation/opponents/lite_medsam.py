"""Two other ways to use LiteMedSAM on a 3D box: its authors' script, and the plainest one."""

from __future__ import annotations

import numpy as np

from SAMLesionLib.evaluation.opponents.question import Mask, Question
from SAMLesionLib.evaluation.opponents.segmenters import Answer, SlicePredictor
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import IN_PLANE, SliceFrame, medsam_window, slab
from SAMLesionLib.imaging.resampling import resize

GROWTH_PIXELS = 3
BoxXY = tuple[float, float, float, float]


def same_box(question: Question, predictor: SlicePredictor) -> Answer:
    """The plain use of a 2D model: each slice with its box, nothing else."""
    slices = _Slices(question, predictor, question.axis)
    for box in question.boxes:
        index = box.start_ijk[question.axis]
        slices.ask(index, _corners(box, slices.frame(index)))
    return slices.block, slices.mask


def official(question: Question, predictor: SlicePredictor) -> Answer:
    """`inference_3D` of the LiteMedSAM branch of bowang-lab/MedSAM, along k as the script has it.

    From the middle slice outwards; each further slice gets the tight box of its neighbour's mask, grown by
    3 pixels of the 256 frame, or the drawn box when that mask is empty.
    """
    slices = _Slices(question, predictor, axis=2)
    first, last = question.block.start_ijk[2], question.block.stop_ijk[2] - 1
    middle = int((last - first) / 2 + first)
    slices.ask(middle, _corners(question.block, slices.frame(middle)))
    for k in range(middle + 1, last + 1):
        slices.ask(k, slices.box_of(k - 1))
    for k in range(middle - 1, first - 1, -1):
        slices.ask(k, slices.box_of(k + 1))
    return slices.block, slices.mask


class _Slices:
    """The slices of a question, whole, as the network sees them, and their masks so far.

    Voxels count as square, as in the script.
    """

    def __init__(self, question: Question, predictor: SlicePredictor, axis: int) -> None:
        self._question, self._predictor, self._axis = question, predictor, axis
        self._window = question.window or medsam_window(question.volume)
        self.block = _slices_of(question, axis)
        self.mask = np.zeros(self.block.shape_kji, bool)

    def frame(self, index: int) -> SliceFrame:
        """How the network looks at a slice."""
        region = slab(self.block, self._axis, index)
        return SliceFrame(self._axis, region, (1.0, 1.0, 1.0), self._predictor.format)

    def ask(self, index: int, box_xy: BoxXY) -> None:
        """Ask for a slice and keep its mask."""
        frame = self.frame(index)
        embedding = self._predictor.embed(self._question.volume, frame, self._window)
        logits = self._predictor.low_res_logits(embedding, [box_xy])
        self._plane(index)[...] = frame.to_plane(logits)[0] > 0

    def box_of(self, index: int) -> BoxXY:
        """The box that a slice's mask gives its neighbour."""
        frame = self.frame(index)
        small = resize(self._plane(index).astype(np.float32), frame.input_shape, "area") > 0.5
        if not small.any():
            return _corners(self._question.block, frame)
        rows, columns = np.flatnonzero(small.any(axis=1)), np.flatnonzero(small.any(axis=0))
        top, left = max(0, rows[0] - GROWTH_PIXELS), max(0, columns[0] - GROWTH_PIXELS)
        last = frame.format.size - 1
        return left, top, min(last, columns[-1] + GROWTH_PIXELS), min(last, rows[-1] + GROWTH_PIXELS)

    def _plane(self, index: int) -> Mask:
        return np.moveaxis(self.mask, 2 - self._axis, 0)[index - self.block.start_ijk[self._axis]]


def _slices_of(question: Question, axis: int) -> IndexBox:
    """All voxels of the slices that the boxes touch."""
    start, stop = [0, 0, 0], list(question.volume.shape_ijk)
    start[axis], stop[axis] = question.block.start_ijk[axis], question.block.stop_ijk[axis]
    return IndexBox((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _corners(box: IndexBox, frame: SliceFrame) -> BoxXY:
    """First and last pixel of a box times the scale, cut to whole numbers, as in the script."""
    scale = frame.format.size / max(frame.plane_shape)
    rows, columns = IN_PLANE[frame.axis]
    ends = (box.start_ijk[columns], box.start_ijk[rows], box.stop_ijk[columns] - 1, box.stop_ijk[rows] - 1)
    left, top, right, bottom = (float(int(v * scale)) for v in ends)
    return left, top, right, bottom
