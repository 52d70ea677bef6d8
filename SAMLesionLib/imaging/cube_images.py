"""A cube of a scan as a 3D network wants it: the same in training and in use."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from SAMLesionLib.imaging.intensity import CT_RANGE, Window, is_ct, positive_z, robust_z
from SAMLesionLib.imaging.patches import PatchFrame
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]


def cube_image(volume: Volume, frame: PatchFrame, intensity: str, window: Window | None) -> Floats:
    """A cube of a volume (d, h, w) as a model wants it.

    Args:
        volume: the scan.
        frame: the cube.
        intensity: the recipe's name, as on the model's card: `sam-med3d` or `robust-z`.
        window: grey values that the reader chose, None for the recipe's own.
    """
    if intensity == "sam-med3d":
        return positive_z(frame.image(volume), window or (CT_RANGE if is_ct(volume) else None))
    # Averaging what a coarse cell covers keeps noise from becoming texture.
    return robust_z(frame.image(volume, "area"), frame.is_on_image(volume.shape_ijk), window)
