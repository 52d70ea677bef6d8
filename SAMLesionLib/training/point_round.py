"""TAGS's question: points on a tumour, all at once, and the organ that it lies in.

Li et al., TAGS (arXiv 2505.17096), released code: voxels of the tumour drawn with replacement, in training
with voxels from anywhere among them. A point has no label, so those beside the tumour only disturb.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from SAMLesionLib.models.tags import Tags
from SAMLesionLib.training.batches import Batch
from SAMLesionLib.training.click_rounds import RoundsResult
from SAMLesionLib.training.tables import at_least, share


@dataclass(frozen=True)
class PointSettings:
    """The tables `[points]` and `[validation.points]`, for TAGS.

    Attributes:
        inside: points on the tumour.
        anywhere: points from anywhere in the cube.
        organ: how often the organ's mask is given; else the grey values stand in its place.
    """

    inside: int = at_least(0, 10)
    anywhere: int = at_least(0, 20)
    organ: float = share(1.0)


def point_round(network: Tags, batch: Batch, rng: torch.Generator, settings: PointSettings) -> RoundsResult:
    """Encode a batch of cubes and answer the points in each.

    Args:
        network: of any size.
        batch: cubes; without organs the network sees grey values only.
        rng: on the CPU, everything random comes from it.
        settings: what is given.
    """
    points = simulated_points(batch.labels, rng, settings)
    encoded, features = network.encode_aligned(three_channels(batch, rng, settings.organ))
    of_background, of_tumour = network.decode(encoded, points).unbind(dim=1)
    return RoundsResult((of_tumour - of_background,), (), features.aligned)


def simulated_points(labels: Tensor, rng: torch.Generator, settings: PointSettings) -> Tensor:
    """Points for each cube in voxels, B x N x 3, those on the tumour first.

    A cube without a tumour has points from anywhere in their place. Where no cube of a batch has one, and
    there are points from anywhere, these are all, as published for batches of one.

    Args:
        labels: B x D x H x W, booleans.
        rng: on the CPU.
        settings: how many.
    """
    n_inside = settings.inside if bool(labels.any()) or not settings.anywhere else 0
    everywhere = torch.ones_like(labels[0])
    drawn = []
    for label in labels:
        inside = _drawn_from(label if bool(label.any()) else everywhere, n_inside, rng)
        drawn.append(torch.cat((inside, _drawn_from(everywhere, settings.anywhere, rng))))
    return torch.stack(drawn)


def _drawn_from(mask: Tensor, n: int, rng: torch.Generator) -> Tensor:
    """Voxels of a mask D x H x W, with replacement, n x 3."""
    places = mask.flatten().nonzero()[:, 0]
    chosen = places[torch.randint(len(places), (n,), generator=rng).to(mask.device)]
    return torch.stack(torch.unravel_index(chosen, mask.shape), dim=-1).float()


def three_channels(batch: Batch, rng: torch.Generator, share: float) -> Tensor:
    """The grey values twice and the organ, or the grey values three times: B x 3 x D x H x W."""
    grey = batch.images
    if batch.organs is None:
        return grey.expand(-1, 3, -1, -1, -1)
    is_given = (torch.rand(len(grey), generator=rng) < share).to(grey.device)
    organ = torch.where(is_given[:, None, None, None, None], batch.organs[:, None].to(grey.dtype), grey)
    return torch.cat((grey, grey, organ), dim=1)
