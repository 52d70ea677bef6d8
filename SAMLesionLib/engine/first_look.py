"""Which of several looks at a first click shows the lesion: a click says where it is, not how large.

In cells of the wrong size a network has little to go by and answers with a blob around the click. Such an
answer is told from a good one by what its own logits and the grey values say of it.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

WEIGHTS = MappingProxyType(
    {"stability": 4.3, "contrast": 0.5, "sharpness": 0.3, "unevenness": -1.3, "separation": 2.0}
)
"""How much each trait counts, fitted on scans that look real by `benchmarks/first_look.py`."""

STABILITY_OFFSET = 1.0
"""Logits are cut this far above and below 0, as for SAM's stability score (Kirillov et al., ICCV 2023)."""

SHELL_CELLS = 2
"""How far around the lesion its surroundings reach."""

MOST_CONTRAST = 5.0


def worth(logits: Floats, image: Floats) -> float:
    """How good an answer seems, more for a better one; the least for none at all.

    Args:
        logits: (n, n, n), above 0 only in the lesion.
        image: grey values of the same cells.
    """
    found = traits(logits, image)
    return sum(WEIGHTS[name] * value for name, value in found.items()) if found else -np.inf


def traits(logits: Floats, image: Floats) -> dict[str, float]:
    """What tells a good answer, by the names of `WEIGHTS`; empty where nothing was found.

    - stability: how much of the lesion stays when the threshold moves.
    - contrast: mean grey value against that of the shell around, in the shell's spreads.
    - sharpness: how far logits fall across the border.
    - unevenness: how fast grey values change inside, over how fast at the border.
    - separation: how well grey values alone tell lesion from shell; 1 when always, 0 when never.

    Args:
        logits: (n, n, n), above 0 only in the lesion.
        image: grey values of the same cells.
    """
    lesion = logits > 0
    rim = ndimage.binary_dilation(lesion) & ~lesion
    if not lesion.any() or not rim.any():
        return {}
    edge = lesion & ~ndimage.binary_erosion(lesion)
    shell = ndimage.binary_dilation(lesion, iterations=SHELL_CELLS) & ~lesion
    return {
        "stability": float((logits > STABILITY_OFFSET).sum() / (logits > -STABILITY_OFFSET).sum()),
        "contrast": _contrast(image[lesion], image[shell]),
        "sharpness": float(logits[edge].mean() - logits[rim].mean()),
        "unevenness": _unevenness(image, lesion & ~edge, edge | rim),
        "separation": _separation(image[lesion], image[shell]),
    }


def _contrast(inside: Floats, beside: Floats) -> float:
    return min(abs(float(inside.mean() - beside.mean())) / max(float(beside.std()), 0.05), MOST_CONTRAST)


def _unevenness(image: Floats, deep: Bools, border: Bools) -> float:
    slope = np.sqrt(sum(np.square(along) for along in np.gradient(image)))
    return float(slope[deep].mean()) / max(float(slope[border].mean()), 0.02) if deep.any() else 1.0


def _separation(inside: Floats, beside: Floats) -> float:
    """Twice the distance of the area under the ROC curve from one half."""
    ordered = np.sort(beside)
    # Equal values count half.
    below = [np.searchsorted(ordered, inside, side).mean() for side in ("left", "right")]
    return abs(float(sum(below)) / len(beside) - 1)
