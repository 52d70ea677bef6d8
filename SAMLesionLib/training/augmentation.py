"""Chance changes of a cube that leave its lesion a lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from SAMLesionLib.training.samples import Bools, Floats
from SAMLesionLib.training.tables import at_least, share


@dataclass(frozen=True)
class AugmentationSettings:
    """The table `[data.augmentation]`.

    Attributes:
        flip: chance of a flip, along each axis.
        intensity: chance of other grey values.
        scale: largest change of their spread, as a share.
        shift: largest change of their mean, in spreads.
    """

    flip: float = share(0.5)
    intensity: float = share(0.3)
    scale: float = at_least(0.0, 0.1)
    shift: float = at_least(0.0, 0.1)


def augment(
    image: Floats, label: Bools, settings: AugmentationSettings, draw: np.random.Generator
) -> tuple[Floats, Bools]:
    """Image and label, flipped alike, the image with other grey values."""
    axes = tuple(np.flatnonzero(draw.random(image.ndim) < settings.flip).tolist())
    image, label = np.flip(image, axes), np.flip(label, axes)
    if draw.random() < settings.intensity:
        scale = 1 + draw.uniform(-settings.scale, settings.scale)
        image = image * np.float32(scale) + np.float32(draw.uniform(-settings.shift, settings.shift))
    return np.ascontiguousarray(image), np.ascontiguousarray(label)
