"""Grey values of a CT as TAGS was trained with them: each organ has its own window and scale."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from SAMLesionLib.imaging.intensity import CT_SOFT_TISSUE, Window, is_ct, robust_z
from SAMLesionLib.imaging.patches import PatchFrame
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]


class OrganIntensity(NamedTuple):
    """How a CT is scaled for one organ, in Hounsfield units.

    Attributes:
        window: values beyond it are cut.
        mean: becomes 0.
        spread: becomes 1.
    """

    window: Window
    mean: float
    spread: float


ORGAN_INTENSITIES = MappingProxyType(
    {
        "kidney": OrganIntensity((-54.0, 247.0), 59.53867, 55.457336),
        "liver": OrganIntensity((-48.0, 163.0), 60.057533, 40.198017),
        "pancreas": OrganIntensity((-39.0, 204.0), 68.45214, 63.422806),
    }
)
"""From the data sets KiTS 2021, LiTS 2017 and MSD Pancreas (TAGS, released code)."""


def organ_image(volume: Volume, frame: PatchFrame, organ: str | None, window: Window | None) -> Floats:
    """A cube of a volume (d, h, w) as TAGS wants it; zero, the mean, off the image; see `scaled`.

    Args:
        volume: the scan.
        frame: the cube.
        organ: the organ's word, None when nobody said.
        window: grey values that the reader chose, None for the organ's own.
    """
    cube, is_on_image = frame.image(volume), frame.is_on_image(volume.shape_ijk)
    if window is None:
        values = scaled(cube, is_on_image, organ, is_ct(volume))
    else:
        values = robust_z(cube, is_on_image, window)
    return np.where(is_on_image, values, np.float32(0))


def scaled(
    cube: Floats, is_on_image: npt.NDArray[np.bool_], organ: str | None, is_ct: bool, shift: float = 0.0
) -> Floats:
    """Grey values as TAGS wants them.

    A CT of an organ that was trained with is scaled as in training. Everything else is scaled by the values
    that the cube holds; a CT is cut to soft tissue before.

    Args:
        cube: grey values.
        is_on_image: same shape; the rest does not count.
        organ: the organ's word, None when nobody said.
        is_ct: whether they are Hounsfield units.
        shift: added to what was cut to the window of an organ.
    """
    known = ORGAN_INTENSITIES.get(organ or "") if is_ct else None
    if known is None:
        return robust_z(cube, is_on_image, CT_SOFT_TISSUE if is_ct else None)
    return (np.clip(cube, *known.window) + np.float32(shift - known.mean)) / np.float32(known.spread)
