"""Grey values to what a network expects: the window a model sees, and its values between 0 and 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.volume import Volume

Window = tuple[float, float]

CT_SOFT_TISSUE: Window = (-160.0, 240.0)
"""Width 400, level 40 HU (Ma et al. 2024, Methods)."""

MAX_SAMPLES = 4_000_000


def medsam_window(volume: Volume) -> Window:
    """The grey values between which MedSAM sees a volume.

    CT, and what looks like CT where nobody said: the soft-tissue window. Everything else: the 0.5 and
    99.5 percentiles of the voxels above zero (Ma et al. 2024, Methods, and the script released with it).

    Args:
        volume: the scan. Above 4 million voxels the percentiles come from every n-th plane, row
            and column, so that no copy of a large scan is made.

    Returns:
        (low, high), low below high.
    """
    if is_ct(volume):
        return CT_SOFT_TISSUE
    sample = _sample(volume.voxels)
    above = sample[sample > 0]
    low, high = np.percentile(above if above.size else sample, (0.5, 99.5))
    if not low < high:
        low, high = float(sample.min()), float(sample.max())
    return (float(low), float(high)) if low < high else (float(low), float(low) + 1.0)


CT_RANGE: Window = (-1000.0, 1000.0)
"""What SAM-Med3D keeps of a CT (released code)."""


def is_ct(volume: Volume) -> bool:
    """Whether a volume is a CT, or looks like one where nobody said."""
    return volume.modality == "CT" or (volume.modality == "OT" and looks_like_ct(volume.voxels))


def positive_z(cube: npt.NDArray[np.float32], window: Window | None) -> npt.NDArray[np.float32]:
    """Grey values less the mean of the positive ones, over their spread (SAM-Med3D, released code).

    Args:
        cube: grey values; zero off the image.
        window: grey values to which they are clipped before, None for all.
    """
    if window is not None:
        cube = np.clip(cube, *window)
    return _standardised(cube, cube[cube > 0])


def robust_z(
    cube: npt.NDArray[np.float32], is_on_image: npt.NDArray[np.bool_], window: Window | None
) -> npt.NDArray[np.float32]:
    """Grey values less the mean of most of them, over their spread; the same for every modality.

    The far ends are drawn in by the inverse hyperbolic sine and not cut off: a hot focus of a few voxels lies
    far above the rest, and must be told from it.

    Args:
        cube: grey values.
        is_on_image: same shape; the rest becomes as dark as the darkest half percent.
        window: grey values to which they are clipped before, None for all.
    """
    seen = cube[is_on_image]
    if seen.size == 0:
        return np.zeros_like(cube)
    if window is not None:
        cube, seen = np.clip(cube, *window), np.clip(seen, *window)
    low, high = (float(v) for v in np.percentile(seen, (0.5, 99.5)))
    cube = np.where(is_on_image, cube, np.float32(low))
    return np.arcsinh(_standardised(cube, np.clip(seen, low, high)))


def _standardised(cube: npt.NDArray[np.float32], values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if values.size < 2:
        values = cube
    spread = max(float(values.std(dtype=np.float64)), 1e-6)
    return ((cube - np.float32(values.mean(dtype=np.float64))) / np.float32(spread)).astype(np.float32)


def looks_like_ct(voxels: npt.NDArray[Any]) -> bool:
    """Whether values fit Hounsfield units: air near -1000, bone above, and nothing below air but padding."""
    sample = _sample(voxels)
    padding = sample[sample < -1100]
    is_one_value = padding.size == 0 or padding.min() == padding.max()
    return bool(sample.min() <= -900 and sample.max() > 200 and is_one_value)


def rescale(plane: npt.NDArray[Any], window: Window) -> npt.NDArray[np.float32]:
    """Grey values clipped to the window and mapped to 0 to 1."""
    low, high = window
    scaled = (plane.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return np.clip(scaled, 0.0, 1.0)


def stretch(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The image's own range mapped to 0 to 1 (MedSAM does this to each slice after resizing it)."""
    low, high = float(image.min()), float(image.max())
    return (image - np.float32(low)) / np.float32(max(high - low, 1e-8))


def _sample(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    step = max(1, int(np.ceil((voxels.size / MAX_SAMPLES) ** (1 / 3))))
    sample = voxels[::step, ::step, ::step]
    return sample.view(np.uint8) if sample.dtype == bool else sample  # percentiles need numbers
