"""The limb in a scan of one: all that is no air."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from SAMLesionLib.training.samples import Bools
from SAMLesionLib.training.synthetic.arrays import RealArrays

WORD = "limb"

LEAST_OF_MEAN = 0.2
"""How bright a limb's voxel is at least, over the mean of its scan; in MR, CT and PET alike."""


def with_limbs(arrays: RealArrays) -> RealArrays:
    """The same scans, each with the limb as its lesion's organ."""
    return replace(arrays, organs=tuple(limb(image) for image in arrays.images), word=WORD)


def limb(image: npt.NDArray[np.uint8]) -> Bools:
    """The body in a scan (D, H, W) whose air is near zero: its largest bright part, without holes.

    The lesion's mask takes no part in it, as in a program that draws organs.
    """
    smooth = ndimage.gaussian_filter(image.astype(np.float32), 1.0)
    parts, n_parts = ndimage.label(smooth > LEAST_OF_MEAN * image.mean())
    if not n_parts:
        return np.zeros(image.shape, bool)
    largest = 1 + int(np.bincount(parts.ravel())[1:].argmax())
    filled: Bools = ndimage.binary_fill_holes(parts == largest)
    return filled
