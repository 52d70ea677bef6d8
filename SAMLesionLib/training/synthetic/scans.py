"""Synthetic scans: cubes in which everything is random but the outlines of the lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from SAMLesionLib.imaging import robust_z
from SAMLesionLib.training.samples import Sample
from SAMLesionLib.training.synthetic.anatomy import random_anatomy
from SAMLesionLib.training.synthetic.appearance import grey_around, paint_lesion, scan
from SAMLesionLib.training.synthetic.arrays import RealArrays
from SAMLesionLib.training.synthetic.fields import Draw, blur, cells, log_uniform
from SAMLesionLib.training.synthetic.shapes import ShapeLibrary, place_inside, place_shape

MOST_TRIES = 8
"""How often a shape that leaves no cell, since it is thin and small, and a hidden lesion are drawn again."""


LEAST_VISIBLE = 0.6
"""How far a lesion's grey values must lie from those around it, in spreads of these."""


LEAST_CELLS = 8
"""A lesion of fewer cells cannot be told from noise."""


def visibility(sample: Sample) -> float:
    """How far a lesion's grey values lie from those around it, in spreads of these; 0 for a speck."""
    if np.count_nonzero(sample.label) < LEAST_CELLS:
        return 0.0
    image, label = torch.from_numpy(sample.image), torch.from_numpy(sample.label)
    around, spread = grey_around(image, label.float())
    return abs(float(image[label].mean()) - around) / max(spread, 1e-6)


@dataclass(frozen=True, eq=False)
class SyntheticScans:
    """Cubes of one size with lesions from a library.

    Attributes:
        shapes: the outlines.
        size: cells along each side.
        framed_share: how many cubes lie around a lesion's box, as they do for a drawn one; the others lie
            around a place in the lesion, as they do for a click.
        least_contrast: of a lesion, in spreads of the grey values around it.
        backgrounds: scans of real bodies to put lesions into; None for random anatomy only.
        background_share: how many cubes show such a body.
    """

    shapes: ShapeLibrary
    size: int
    framed_share: float = 0.6
    least_contrast: float = 0.4
    backgrounds: RealArrays | None = None
    background_share: float = 0.4

    def sample(self, draw: Draw) -> Sample:
        """A new cube; one in which nobody could see the lesion is drawn again."""
        for _ in range(MOST_TRIES):
            sample = self._sample(draw)
            if visibility(sample) >= LEAST_VISIBLE:
                break
        return sample

    def _sample(self, draw: Draw) -> Sample:
        number, lesion = self._lesion(draw)
        image = self._body(draw)
        around, spread = grey_around(image, lesion)
        contrast = log_uniform(draw, max(0.1, self.least_contrast * spread), max(0.5, 2 * spread))
        contrast *= float(draw.choice((-1.0, 1.0)))
        for other in self._others(draw, lesion):
            image = paint_lesion(draw, image, other, around, contrast)
        image, lesion = scan(draw, paint_lesion(draw, image, lesion, around, contrast), lesion)
        seen = robust_z(image.numpy(), np.ones(image.shape, bool), None)
        return Sample(seen, (lesion > 0.5).numpy(), f"synthetic {self.shapes.names[number]}")

    def _body(self, draw: Draw) -> Tensor:
        if self.backgrounds is not None and draw.random() < self.background_share:
            return self.backgrounds.background(draw)
        return random_anatomy(draw, self.size)

    def _lesion(self, draw: Draw) -> tuple[int, Tensor]:
        for _ in range(MOST_TRIES):
            number = self.shapes.pick(draw)
            mask = self.shapes.masks[number]
            if draw.random() < self.framed_share:
                share = draw.uniform(0.4, 0.6)
                centre = draw.uniform(-0.5, 0.5, 3) * (0.6 - share) * self.size
                lesion = place_shape(draw, mask, self.size, share, centre)
            else:
                share = log_uniform(draw, 0.06, 1.3)
                anchor = place_inside(draw, mask)
                lesion = place_shape(draw, mask, self.size, share, anchor=anchor)
            if bool((lesion > 0.5).any()):
                return number, lesion
        return number, (cells(self.size).square().sum(dim=-1) < 9.0).float()

    def _others(self, draw: Draw, lesion: Tensor) -> list[Tensor]:
        """Lesions that were not meant, clear of the one that was."""
        found = []
        if draw.random() < 0.35:
            for _ in range(int(draw.integers(1, 4))):
                mask = self.shapes.masks[self.shapes.pick(draw)]
                centre = draw.uniform(-0.5, 0.5, 3) * self.size
                other = place_shape(draw, mask, self.size, log_uniform(draw, 0.08, 0.4), centre)
                if not bool(((blur(other, 1.5) > 0.01) & (lesion > 0)).any()):
                    found.append(other)
        return found
