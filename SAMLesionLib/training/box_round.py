"""MedSAM's question: one box around a lesion in a slice, drawn a little too large.

Ma et al., "Segment anything in medical images" (Nature Communications 15:654, 2024): every side of the tight
box lies outwards by a whole number of pixels of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from SAMLesionLib.models.sam import Sam
from SAMLesionLib.training.click_rounds import RoundsResult
from SAMLesionLib.training.simulated_reader import ClickSettings


def box_round(
    network: Sam, images: Tensor, labels: Tensor, rng: torch.Generator, settings: ClickSettings
) -> RoundsResult:
    """Encode a batch of slices and answer a box in each.

    Args:
        network: of the SAM family.
        images: B x 1 x H x W.
        labels: B x H x W, booleans.
        rng: on the CPU, everything random comes from it.
        settings: of it `loose_cells`: the most pixels that a side lies outside the lesion.
    """
    boxes = loose_boxes(labels, rng, round(settings.loose_cells))
    low_res, _ = network.decode(network.encode(images), boxes_xy=boxes)
    logits = F.interpolate(low_res.float(), size=labels.shape[1:], mode="bilinear")
    return RoundsResult((logits[:, 0],), ())


def loose_boxes(labels: Tensor, rng: torch.Generator, most: int) -> Tensor:
    """A box (x_min, y_min, x_max, y_max) around each lesion, B x 4, within the image."""
    outward = torch.randint(0, most + 1, (len(labels), 4), generator=rng).to(labels.device)
    outward = outward * torch.tensor([-1, -1, 1, 1], device=labels.device)
    tight = [torch.cat((place.amin(dim=0), place.amax(dim=0))) for place in map(_xy, labels)]
    return (torch.stack(tight) + outward).clamp(0, labels.shape[-1] - 1).float()


def _xy(label: Tensor) -> Tensor:
    """The pixels of a lesion, N x 2; the middle of the image where there is none."""
    places = label.nonzero().flip(-1)
    if len(places):
        return places
    return torch.tensor([[label.shape[1] // 2, label.shape[0] // 2]], device=label.device)
