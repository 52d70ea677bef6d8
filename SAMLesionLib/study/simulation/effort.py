"""How long work takes by a stated model, so that a simulated study has a known truth.

Hand movements take the times of the keystroke-level model (Card, Moran and Newell, Communications of the ACM
23:396, 1980): 1.35 s to make up one's mind (M), 1.1 s to point (P), 0.2 s to press (K), and 0.9 s a segment
and 0.16 s a centimetre to draw (D). A tight box takes 7 s (Papadopoulos et al., Extreme clicking, ICCV 2017).
Practice makes faster by the power law (Newell and Rosenbloom, 1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from SAMLesionLib.geometry import Affine
from SAMLesionLib.study.design import Arm

MENTAL_S, POINT_S, PRESS_S = 1.35, 1.1, 0.2
DRAW_S_PER_SEGMENT, DRAW_S_PER_CM = 0.9, 0.16


@dataclass(frozen=True)
class EffortModel:
    """The constants of a simulated reader.

    Attributes:
        slice_s: to look at a slice and go to the next.
        box_s: to draw a tight box.
        accept_s: to decide that a lesion is finished and press the button.
        segment_mm: what a reader draws with one movement, in the patient.
        magnification: millimetres on the screen for one in the patient.
        corrected_share: how much of the contour is mended after a model's answer.
        compute_s: how long a model takes for an answer.
        practice: exponent of the power law, over the readings of an arm.
        reader_sd: spread of readers' pace, on the logarithm.
        case_sd: spread of how hard a case is for a reader, the same in all arms.
        rest_sd: spread from reading to reading.
    """

    slice_s: float = MENTAL_S + PRESS_S
    box_s: float = 7.0
    accept_s: float = MENTAL_S + POINT_S + PRESS_S
    segment_mm: float = 5.0
    magnification: float = 3.0
    corrected_share: float = 0.2
    compute_s: float = 2.0
    practice: float = 0.1
    reader_sd: float = 0.2
    case_sd: float = 0.15
    rest_sd: float = 0.25

    def contour_s(self, length_mm: float) -> float:
        """To draw a line of this length in the patient."""
        return length_mm * (DRAW_S_PER_SEGMENT / self.segment_mm + DRAW_S_PER_CM * self.magnification / 10)


@dataclass(frozen=True)
class CaseEffort:
    """What there is to draw in a case.

    Attributes:
        n_lesions: connected regions of the reference.
        slice_contours_mm: length of the outline in each slice that has one.
    """

    n_lesions: int
    slice_contours_mm: tuple[float, ...]

    @classmethod
    def of_mask(cls, mask_kji: npt.NDArray[Any], affine: Affine) -> CaseEffort:
        """What an expert's mask asks for, drawn slice by slice along k."""
        inside = np.asarray(mask_kji, bool)
        spacing_i, spacing_j = affine.spacing_mm[0], affine.spacing_mm[1]
        padded = np.pad(inside, ((0, 0), (1, 1), (1, 1)))
        edges_mm = np.count_nonzero(np.diff(padded, axis=2), axis=(1, 2)) * spacing_j
        edges_mm = edges_mm + np.count_nonzero(np.diff(padded, axis=1), axis=(1, 2)) * spacing_i
        # Steps of voxels are longer than the line through them, by 4 / pi over all directions.
        lengths_mm = [float(length * np.pi / 4) for length in edges_mm if length > 0]
        return cls(int(ndimage.label(inside, np.ones((3, 3, 3)))[1]), tuple(lengths_mm))


@dataclass(frozen=True)
class Step:
    """Something a reader does.

    Attributes:
        kind: its name in the log.
        seconds: what it takes.
        waits_s: what the reader then waits for a model.
    """

    kind: str
    seconds: float
    waits_s: float = 0.0


def steps_of(arm: Arm, case: CaseEffort, model: EffortModel) -> list[Step]:
    """What a reader does in a reading, in order, at an average pace."""
    is_manual = arm.method == "manual"
    share = 1.0 if is_manual else model.corrected_share
    n = max(case.n_lesions, 1)
    steps = [Step("prompt_added", model.box_s, model.compute_s)] * n if arm.method == "assisted" else []
    for length_mm in case.slice_contours_mm:
        steps += [Step("scroll", model.slice_s), Step("stroke", model.contour_s(share * length_mm))]
    return steps + [Step("lesion_accepted", model.accept_s)] * n


def seconds_of(steps: list[Step]) -> float:
    """What all steps take, waiting included."""
    return sum(step.seconds + step.waits_s for step in steps)
