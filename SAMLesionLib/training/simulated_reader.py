"""Somebody who knows the lesion: draws, clicks, and corrects what a network got wrong, in batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.tables import at_least, share

MASK_LOGIT = 4.0
"""Logits inside and outside a mask to start from, as in the engine."""

NEAR_CELLS = 2.0
"""How far a first click lies from the middle of its cube, which the engine puts around it."""

EXACT_SHARE = 0.3
"""How many readers draw a box exactly."""

FRAMED = (0.3, 0.8)
"""A drawn box's longest side over that of the cube which the engine puts around it, about."""


@dataclass(frozen=True)
class ClickSettings:
    """The table `[prompts]`.

    Attributes:
        least: fewest rounds of a batch.
        most: most rounds of a batch; each batch has a random number between.
        mask_only: how often a later round gives no click, only the logits before.
        box: how often the first prompt is a box in place of a click, where most lesions of the batch lie in
            their cubes as they do around a drawn box.
        loose_cells: the most that a side of a box lies outside the lesion.
        start_mask: how often the first prompt is a faulty mask.
        deepest: how often a click is put where an error is deepest; else anywhere in it.
        near_middle: whether the first click is near the middle of its cube; else anywhere in the lesion.
        keep: whether a round gives all clicks so far, and the box; else the newest click alone.
    """

    least: int = at_least(1, 1)
    most: int = at_least(1, 5)
    mask_only: float = share(0.2)
    box: float = share(0.0)
    loose_cells: float = at_least(0.0, 0.0)
    start_mask: float = share(0.0)
    deepest: float = share(0.0)
    near_middle: bool = False
    keep: bool = False

    def __post_init__(self) -> None:
        """Refuse fewer rounds at most than at least."""
        if self.least > self.most:
            raise InputError(f"prompts.least must be at most prompts.most ({self.most}), got {self.least}.")


class SimulatedReader:
    """Somebody who knows the lesion.

    Args:
        labels: B x D x H x W, booleans.
        rng: where chance comes from.
        settings: how this reader works.
    """

    def __init__(self, labels: Tensor, rng: torch.Generator, settings: ClickSettings) -> None:
        self.labels, self.rng, self.settings = labels, rng, settings

    def happens(self, chance: float) -> bool:
        """Whether something does that happens so often."""
        return float(torch.rand((), generator=self.rng)) < chance

    def start(self, mask_size: int, takes_boxes: bool) -> tuple[Tensor, Tensor | None]:
        """Logits to start from, zeros without a mask, and a box B x 6 or None."""
        box = self._box() if takes_boxes and self.happens(self.settings.box) else None
        box = box if box is None or _is_framed(box, self.labels.shape[-1]) else None
        if self.happens(self.settings.start_mask):
            return self._faulty_mask(mask_size), box
        return self.labels.new_zeros((len(self.labels), 1) + (mask_size,) * 3, dtype=torch.float32), box

    def first_click(self) -> tuple[Tensor, Tensor]:
        """A place of each lesion, B x 1 x 3, and its kind, B x 1."""
        if not self.settings.near_middle:
            return self._anywhere(self.labels)
        sizes = self.labels.shape[1:]
        aim = torch.randn(len(self.labels), 3, generator=self.rng) * NEAR_CELLS
        aim = (aim + (torch.tensor(sizes) - 1) / 2).to(self.labels.device)
        along = [torch.arange(size, device=aim.device) for size in sizes]
        places = torch.stack(torch.meshgrid(*along, indexing="ij"), dim=-1)
        away = (places - aim[:, None, None, None]).square().sum(dim=-1)
        nearest = away.masked_fill(~self.labels, torch.inf).flatten(1).argmin(dim=1)
        return self._clicks_at(nearest)

    def correction(self, found: Tensor) -> tuple[Tensor, Tensor]:
        """A place of each error; one in the lesion where there is no error."""
        wrong = found != self.labels
        right = ~wrong.flatten(1).any(dim=1)
        wrong[right] = self.labels[right]
        if not self.happens(self.settings.deepest):
            return self._anywhere(wrong)
        deepest = [_deepest(sample) for sample in wrong.cpu()]
        return self._clicks_at(torch.tensor(deepest, device=self.labels.device))

    def _anywhere(self, of: Tensor) -> tuple[Tensor, Tensor]:
        chance = torch.rand(of.flatten(1).shape, generator=self.rng).to(of.device)
        return self._clicks_at((chance * of.flatten(1)).argmax(dim=1))

    def _clicks_at(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        places = torch.stack(torch.unravel_index(chosen, self.labels.shape[1:]), dim=-1)
        kinds = self.labels.flatten(1).gather(1, chosen[:, None])
        return places[:, None].float(), kinds.float()

    def _box(self) -> Tensor:
        """The outer faces of each lesion, and of a little more."""
        loose = torch.rand(len(self.labels), 6, generator=self.rng) * self.settings.loose_cells
        loose *= (torch.rand(len(self.labels), 1, generator=self.rng) > EXACT_SHARE).float()
        corners = []
        for label in self.labels:
            places = label.nonzero()
            if len(places) == 0:
                places = torch.tensor([[s // 2 for s in label.shape]], device=label.device)
            corners.append(torch.cat((places.amin(dim=0) - 0.5, places.amax(dim=0) + 0.5)))
        outward = torch.tensor([-1.0] * 3 + [1.0] * 3)
        return torch.stack(corners) + (loose * outward).to(self.labels.device)

    def _faulty_mask(self, mask_size: int) -> Tensor:
        """Logits of each lesion's mask, moved, grown or shrunk, and bitten at random."""
        share = F.adaptive_avg_pool3d(self.labels[:, None].float(), mask_size)
        coarse = torch.randn((len(share), 1, 4, 4, 4), generator=self.rng)
        faults = F.interpolate(coarse, size=(mask_size,) * 3, mode="trilinear").to(share.device)
        soft = F.avg_pool3d(F.avg_pool3d(share, 5, 1, 2), 5, 1, 2)
        return MASK_LOGIT * ((soft + 0.3 * faults > 0.4).float() * 2 - 1)


def _is_framed(box: Tensor, size: int) -> bool:
    """Whether the engine may have put most of these cubes around these boxes, B x 6."""
    longest = (box[:, 3:] - box[:, :3]).amax(dim=1) / size
    return float(((longest >= FRAMED[0]) & (longest <= FRAMED[1])).float().mean()) >= 0.5


def _deepest(wrong: Tensor) -> int:
    """The number of the voxel where an error D x H x W is deepest; the sides of the cube count as right."""
    # Half the cells suffice to find it.
    coarse = F.max_pool3d(wrong[None, None].float(), 2)[0, 0].numpy()
    depth = ndimage.distance_transform_edt(np.pad(coarse, 1))[1:-1, 1:-1, 1:-1]
    d, h, w = (2 * int(c) for c in np.unravel_index(int(depth.argmax()), depth.shape))
    part = int(wrong[d : d + 2, h : h + 2, w : w + 2].flatten().int().argmax())
    _, height, width = wrong.shape
    return ((d + part // 4) * height + h + part // 2 % 2) * width + w + part % 2
