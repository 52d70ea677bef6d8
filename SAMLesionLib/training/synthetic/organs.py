"""Organs that never were, with lesions of real shapes in them, and lesions that look alike outside.

A point says what a lesion looks like; where an organ ends, it does not say. So these cubes ask for the
lesions of one organ, and in some of them there are others beside it of the same grey values. The organ's
mask is as unsure as a program would draw it, and holds its lesions, but does not show where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from SAMLesionLib.imaging import robust_z
from SAMLesionLib.training.samples import Bools, Sample
from SAMLesionLib.training.synthetic.anatomy import random_anatomy, texture
from SAMLesionLib.training.synthetic.appearance import paint_lesion, scan
from SAMLesionLib.training.synthetic.fields import (
    Draw,
    blur,
    cells,
    log_uniform,
    random_rotation,
    smooth_field,
)
from SAMLesionLib.training.synthetic.shapes import ShapeLibrary, place_shape

MOST_TRIES = 12
"""How often a lesion that does not fit is drawn again."""

LEAST_CELLS = 120
LEAST_INSIDE = 0.7
"""How much of a lesion lies in the organ's outline before the organ grows around the rest."""


class OrganKind(NamedTuple):
    """What the organs of one name have in common, so that the name says something.

    Attributes:
        word: the name.
        side: shortest and longest of its longest side, over the cube's.
        grey: lowest and highest grey value; a body's are from 0 to 1.
        darker: how often its lesions are darker than itself.
    """

    word: str
    side: tuple[float, float]
    grey: tuple[float, float]
    darker: float


KINDS = (
    OrganKind("liver", (0.8, 1.1), (0.5, 0.8), 0.9),
    OrganKind("kidney", (0.55, 0.8), (0.4, 0.9), 0.5),
    OrganKind("lung", (0.7, 1.0), (0.0, 0.25), 0.0),
)
"""Named after real organs for the words' sake; neither their shapes nor their greys are measured."""


@dataclass(frozen=True, eq=False)
class OrganScans:
    """Cubes of one size with an organ and its lesions.

    Attributes:
        shapes: the lesions' outlines.
        size: cells along each side.
        alike_share: how many cubes have lesions of the same look outside the organ.
    """

    shapes: ShapeLibrary
    size: int
    alike_share: float = 0.5

    def sample(self, draw: Draw) -> Sample:
        """A new cube; its name says the organ, how many lesions lie outside, and the first lesion's shape."""
        kind = KINDS[draw.integers(len(KINDS))]
        organ = outline(draw, kind, self.size)
        shape, lesion = self._lesions(draw, organ)
        others = self._outside(draw, torch.maximum(organ, lesion))
        grey, contrast = draw.uniform(*kind.grey), log_uniform(draw, 0.15, 0.5)
        contrast *= -1.0 if draw.random() < kind.darker else 1.0
        image = _with_organ(draw, random_anatomy(draw, self.size), organ, grey)
        for painted in (*others, lesion):
            image = paint_lesion(draw, image, painted, grey, contrast)
        image, is_lesion = scan(draw, image, lesion, _slices(draw))
        seen = robust_z(image.numpy(), np.ones(image.shape, bool), None)
        name = f"{kind.word} {len(others)} outside {self.shapes.names[shape]}"
        drawn = as_a_program_draws(draw, torch.maximum(organ, lesion))
        return Sample(seen, (is_lesion > 0.5).numpy(), name, drawn, kind.word)

    def _lesions(self, draw: Draw, organ: Tensor) -> tuple[int, Tensor]:
        """The number of the first lesion's shape, and one or two lesions in an organ, (S, S, S)."""
        first, lesions = -1, torch.zeros_like(organ)
        for _ in range(int(draw.integers(1, 3))):
            for _ in range(MOST_TRIES):
                number, lesion = self._shape_in(draw, organ > 0.5)
                held = float((lesion * organ).sum() / lesion.sum().clamp(min=1e-6))
                if held >= LEAST_INSIDE and float(lesion.sum()) >= LEAST_CELLS:
                    lesions = torch.maximum(lesions, lesion)
                    first = number if first < 0 else first
                    break
        if first < 0:  # an organ in which nothing fits has a lesion in its depth
            number, depth = self.shapes.pick(draw), blur(organ, 2.0)
            return number, (depth >= depth.flatten().topk(LEAST_CELLS).values[-1]).float()
        return first, lesions

    def _outside(self, draw: Draw, organ: Tensor) -> list[Tensor]:
        """One to three lesions clear of an organ, or none."""
        found: list[Tensor] = []
        if draw.random() >= self.alike_share:
            return found
        near = blur(organ, 1.0) > 0.02
        for _ in range(int(draw.integers(1, 4))):
            for _ in range(MOST_TRIES):
                _, lesion = self._shape_in(draw, ~near)
                if float(lesion.sum()) >= LEAST_CELLS and not bool(((lesion > 0) & near).any()):
                    found.append(lesion)
                    break
        return found

    def _shape_in(self, draw: Draw, where: Tensor) -> tuple[int, Tensor]:
        """The number of a random shape, and the shape with its middle at a random place."""
        number, places = self.shapes.pick(draw), where.nonzero().numpy()
        centre = places[draw.integers(len(places))] - (self.size - 1) / 2 if len(places) else np.zeros(3)
        share = log_uniform(draw, 0.28, 0.55)
        return number, place_shape(draw, self.shapes.masks[number], self.size, share, centre)


def outline(draw: Draw, kind: OrganKind, size: int) -> Tensor:
    """How much of each cell is organ, (S, S, S): an uneven ellipsoid, turned, away from the cube's middle."""
    radii = draw.uniform(*kind.side) * size / 2 * draw.uniform(0.6, 1.0, 3)
    axes = (random_rotation(draw, 180.0) / radii[:, None]).astype(np.float32)
    centre = draw.uniform(-0.2, 0.2, 3) * size
    places = (cells(size) - torch.from_numpy(centre.astype(np.float32))) @ torch.from_numpy(axes).T
    uneven = 0.15 * smooth_field(draw, size, int(draw.integers(4, 7)))[0]
    depth = 1 - places.norm(dim=-1) + uneven
    return (depth * float(radii.min()) + 0.5).clamp(0, 1)


def as_a_program_draws(draw: Draw, organ: Tensor) -> Bools:
    """An organ's mask with a border that is off here and there, by a cell or two."""
    unsure = blur(organ, draw.uniform(0.5, 1.5)) + 0.12 * smooth_field(draw, organ.shape[0], 6)[0]
    drawn: Bools = (unsure > draw.uniform(0.35, 0.65)).numpy()
    return drawn


def _with_organ(draw: Draw, image: Tensor, organ: Tensor, grey: float) -> Tensor:
    grain = log_uniform(draw, 0.01, 0.08) * texture(draw, image.shape[0])
    return torch.lerp(image, grey + grain, organ)


def _slices(draw: Draw) -> list[float]:
    """Cells along each side of a voxel: these cubes are coarse already, so only slices are thicker."""
    sides = [1.0, 1.0, 1.0]
    if draw.random() < 0.4:
        sides[int(draw.integers(3))] = draw.uniform(1.0, 2.5)
    return sides
