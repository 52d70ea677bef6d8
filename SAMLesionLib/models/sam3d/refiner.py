"""Prompts as maps beside the image, and a few convolutions that see both.

Tokens say well what a prompt means and poorly where its edges are. Drawn as maps in the mask's own cells, as
interactive convolutional networks take them (Xu et al., "Deep Interactive Object Selection", CVPR 2016), a
click, a box and the mask so far are seen by plain convolutions, which learn borders from few examples. None
of this is in SAM-Med3D or known of SGP-SAM; it is a design of our own for the small model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import Conv3d
from SAMLesionLib.models.sam.prompt_encoder import BACKGROUND, FOREGROUND
from SAMLesionLib.models.sam3d.grey_evidence import grey_evidence, marked

N_MAPS = 4
"""The mask so far, the box, the clicks inside, the clicks outside."""

CLICK_CELLS = 1.5
"""Standard deviation of a click's spot, in cells of the mask."""

N_EVIDENCE = 2
"""What grey values say, and what they say when smoothed over 3x3x3 cells."""

OUTSIDE = -3.0
"""The least that the box's map says, however far away."""

LOGIT_SCALE = 4.0
"""Logits so far are divided by this before they are squeezed."""

NORM_GROUPS = 4


def prompt_maps(
    points_dhw: Tensor | None,
    point_labels: Tensor | None,
    boxes_dhw: Tensor | None,
    mask_input: Tensor | None,
    image_size: int,
    mask_size: int,
) -> Tensor | None:
    """Draw prompts, PxN_MAPSxSxSxS in S = `mask_size` cells a side; None without any.

    The box is an ellipsoid that touches its sides: 1 in the middle, 0 on the surface and negative beyond,
    since a lesion fills its box as an ellipsoid does. Arguments as in `Sam3D.decode`.
    """
    given = next((x for x in (mask_input, boxes_dhw, points_dhw) if x is not None), None)
    if given is None:
        return None
    count = max(len(x) for x in (mask_input, boxes_dhw, points_dhw) if x is not None)
    maps = given.new_zeros((count, N_MAPS) + (mask_size,) * 3)
    cell = image_size / mask_size
    # The input's place of each cell's centre; whole numbers are centres of the input's voxels.
    places = (torch.arange(mask_size, device=given.device, dtype=given.dtype) + 0.5) * cell - 0.5
    if mask_input is not None:
        maps[:, 0] = torch.tanh(mask_input[:, 0] / LOGIT_SCALE)
    if boxes_dhw is not None:
        maps[:, 1] = _ellipsoids(boxes_dhw, places)
    if points_dhw is not None and point_labels is not None:
        spots = _spots(points_dhw, places, CLICK_CELLS * cell)
        for channel, label in ((2, FOREGROUND), (3, BACKGROUND)):
            counts = (point_labels == label).to(spots.dtype)
            maps[:, channel] = (spots * counts[..., None, None, None]).amax(dim=1)
    return maps


def _ellipsoids(boxes_dhw: Tensor, places: Tensor) -> Tensor:
    low, high = boxes_dhw.unflatten(-1, (2, 3)).unbind(dim=1)
    half = ((high - low) / 2).clamp(min=0.5)
    d, h, w = (((places - (low + high)[:, [a]] / 2) / half[:, [a]]).square() for a in range(3))
    return (1 - (d[:, :, None, None] + h[:, None, :, None] + w[:, None, None])).clamp(min=OUTSIDE)


def _spots(points_dhw: Tensor, places: Tensor, spread: float) -> Tensor:
    """A Gaussian of height 1 around each point, PxNxSxSxS."""
    d, h, w = ((-0.5 * ((places - points_dhw[..., [a]]) / spread).square()).exp() for a in range(3))
    return d[..., :, None, None] * h[..., None, :, None] * w[..., None, None, :]


class Refiner(nn.Module):
    """Looks at the decoder's map, the encoder's finest map, the prompts' maps and the grey values together.

    Args:
        in_chans: channels of the decoder's map.
        finer_chans: channels of the encoder's finest map.
        hidden: channels inside, a multiple of 4.
    """

    def __init__(self, in_chans: int, finer_chans: int, hidden: int = 16) -> None:
        super().__init__()
        self.join = _conv(in_chans + finer_chans + N_MAPS + N_EVIDENCE, hidden, side=1)
        self.coarse = nn.Sequential(_conv(hidden, 2 * hidden, stride=2), _conv(2 * hidden, 2 * hidden))
        self.back = Conv3d(2 * hidden, hidden, 1)
        self.fine = _conv(hidden, hidden)
        self.out = Conv3d(hidden, 1, 1)
        for start in self.out.parameters():
            nn.init.zeros_(start)
        # Before any training prompts and grey values are weighed as they are.
        self.trust = nn.Parameter(torch.tensor([2.0, 2.0, 2.0, -2.0, 1.0, 1.0]))

    def forward(self, decoded: Tensor, finer: Tensor, grey: Tensor, maps: Tensor) -> Tensor:
        """What is added to the logits.

        Args:
            decoded: PxSxSxSxC, the decoder's enlarged map.
            finer: (P or 1)xSxSxSxC, the encoder's finest map.
            grey: (P or 1)xSxSxSx1, the input in the mask's cells.
            maps: PxN_MAPSxSxSxS, from `prompt_maps`.

        Returns:
            Px1xSxSxS.
        """
        smooth = F.avg_pool3d(grey.movedim(-1, 1), 3, 1, 1, count_include_pad=False)[:, 0]
        seen = [grey_evidence(values, *marked(maps)) for values in (grey[..., 0], smooth)]
        given = torch.cat((maps, torch.stack(seen, dim=1)), dim=1)
        features = [x.expand(len(maps), -1, -1, -1, -1) for x in (decoded, finer)]
        x = self.join(torch.cat((*features, given.movedim(1, -1)), dim=-1).movedim(-1, 1))
        coarse = F.interpolate(self.back(self.coarse(x)), scale_factor=2.0, mode="nearest")
        x = x + self.fine(x + coarse)
        return self.out(x) + torch.einsum("pmdhw,m->pdhw", given, self.trust)[:, None]


def _conv(in_chans: int, out_chans: int, side: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        Conv3d(in_chans, out_chans, side, stride=stride, padding=side // 2, bias=False),
        nn.GroupNorm(NORM_GROUPS, out_chans),
        nn.GELU(),
    )
