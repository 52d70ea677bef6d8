"""Synthetic scans: cubes in which everything is random but the outlines of the lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from SAMLesionLib.imaging import robust_z
from SAMLesionLib.training.samples import Sample
from SAMLesionLib.training.synthetic.anatomy import random_anatomy
from SAMLesionLib.training.synthetic.appearance import grey_around, paint_lesion, scan
from SAMLesionLib.training.synthetic.fields import Draw, blur, cells, log_uniform
from SAMLesionLib.training.synthetic.shapes import ShapeLibrary, place_inside, place_shape

MOST_TRIES = 8
"""A shape that leaves no cell, since it is thin and small, is drawn again."""


@dataclass(frozen=True, eq=False)
class SyntheticScans:
    """Cubes of one size with lesions from a library.

    Attributes:
        shapes: the outlines.
        size: cells along each side.
        framed_share: how many cubes lie around a lesion's box, as they do for a drawn one; the others lie
            around a place in the lesion, as they do for a click.
        least_contrast: of a lesion, in spreads of the grey values around it.
    """

    shapes: ShapeLibrary
    size: int
    framed_share: float = 0.6
    least_contrast: float = 0.4

    def sample(self, draw: Draw) -> Sample:
        """A new cube."""
        number, lesion = self._lesion(draw)
        image = random_anatomy(draw, self.size)
        around, spread = grey_around(image, lesion)
        contrast = log_uniform(draw, max(0.1, self.least_contrast * spread), max(0.5, 2 * spread))
        contrast *= float(draw.choice((-1.0, 1.0)))
        for other in self._others(draw, lesion):
            image = paint_lesion(draw, image, other, around, contrast)
        image, lesion = scan(draw, paint_lesion(draw, image, lesion, around, contrast), lesion)
        seen = robust_z(image.numpy(), np.ones(image.shape, bool), None)
        return Sample(seen, (lesion > 0.5).numpy(), f"synthetic {self.shapes.names[number]}")

    def _lesion(self, draw: Draw) -> tuple[int, Tensor]:
        for _ in range(MOST_TRIES):
            number = self.shapes.pick(draw)
            mask = self.shapes.masks[number]
            if draw.random() < self.framed_share:
                share = draw.uniform(0.4, 0.6)
                centre = draw.uniform(-0.5, 0.5, 3) * (0.6 - share) * self.size
                lesion = place_shape(draw, mask, self.size, share, centre)
            else:
                share = log_uniform(draw, 0.05, 1.5)
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
