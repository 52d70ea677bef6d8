"""A simulated reader: a first prompt on the lesion, then clicks on what the network got wrong.

The plain schedule is SAM-Med3D's (Wang et al., arXiv 2310.15161): a click in the lesion, then each round the
newest click, at a random place of the error, and the logits of the round before. A reader of the small model
may also draw a box or correct a mask, clicks in the depth of an error, and all clicks are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from SAMLesionLib.models.sam3d import Sam3D
from SAMLesionLib.models.sgp_sam import GateReading, SgpSam
from SAMLesionLib.training.tables import at_least

MASK_LOGIT = 4.0
"""Logits inside and outside a mask to start from, as in the engine."""

NEAR_CELLS = 2.0
"""How far a first click lies from the middle of its cube, which the engine puts around it."""


@dataclass(frozen=True)
class ClickSettings:
    """The table `[prompts]`.

    Attributes:
        least: fewest rounds of a batch.
        most: most rounds of a batch; each batch has a random number between.
        mask_only: how often a later round gives no click, only the logits before.
        box: how often the first prompt is a box in place of a click.
        loose_cells: the most that a side of a box lies outside the lesion.
        start_mask: how often the first prompt is a faulty mask.
        deepest: how often a click is put where an error is deepest; else anywhere in it.
        near_middle: whether the first click is near the middle of its cube; else anywhere in the lesion.
        keep: whether a round gives all clicks so far, and the box; else the newest click alone.
    """

    least: int = at_least(1, 1)
    most: int = at_least(1, 5)
    mask_only: float = at_least(0.0, 0.2)
    box: float = at_least(0.0, 0.0)
    loose_cells: float = at_least(0.0, 0.0)
    start_mask: float = at_least(0.0, 0.0)
    deepest: float = at_least(0.0, 0.0)
    near_middle: bool = False
    keep: bool = False


class RoundsResult(NamedTuple):
    """What the network answered.

    Attributes:
        logits: of each round, B x D x H x W on the input's voxels.
        gates: what each gate said; empty for a network without gates.
    """

    logits: tuple[Tensor, ...]
    gates: tuple[GateReading, ...]


def click_rounds(
    network: Sam3D, images: Tensor, labels: Tensor, rng: torch.Generator, settings: ClickSettings
) -> RoundsResult:
    """Encode a batch and answer a few rounds of prompts.

    Args:
        network: any that clicks can guide.
        images: B x 1 x D x H x W.
        labels: B x D x H x W, booleans.
        rng: on the CPU, everything random comes from it.
        settings: the schedule.
    """
    encoded, gates = (
        network.encode_gated(images) if isinstance(network, SgpSam) else (network.encode(images), ())
    )
    reader = _Reader(labels, rng, settings)
    n_rounds = int(torch.randint(settings.least, settings.most + 1, (), generator=rng))
    before, box = reader.start(network.mask_size, network.prompt_encoder.takes_boxes)
    found = network.enlarge(before)[:, 0] > 0
    clicks: tuple[Tensor, Tensor] | None = None
    answers = []
    for n in range(n_rounds):
        if n == 0 and box is None:
            newest = None if bool(found.any()) else reader.first_click()
        else:
            newest = None if n == 0 or reader.happens(settings.mask_only) else reader.correction(found)
        clicks = _joined(clicks, newest) if settings.keep else newest
        low_res, _ = network.decode(encoded, *(clicks or (None, None)), box, before)
        answers.append(network.enlarge(low_res)[:, 0])
        before, found = low_res.detach().float(), answers[-1].detach() > 0
        box = box if settings.keep else None
    return RoundsResult(tuple(answers), gates)


class _Reader:
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
        chance = float(torch.rand((), generator=self.rng))
        nothing = self.labels.new_zeros((len(self.labels), 1) + (mask_size,) * 3, dtype=torch.float32)
        if chance < self.settings.start_mask:
            return self._faulty_mask(mask_size), None
        is_box = takes_boxes and chance < self.settings.start_mask + self.settings.box
        return nothing, self._box() if is_box else None

    def first_click(self) -> tuple[Tensor, Tensor]:
        """A place of each lesion, B x 1 x 3, and its kind, B x 1."""
        if not self.settings.near_middle:
            return self._anywhere(self.labels)
        sizes = self.labels.shape[1:]
        aim = (torch.tensor(sizes) - 1) / 2 + NEAR_CELLS * torch.randn(
            len(self.labels), 3, generator=self.rng
        )
        axes = [torch.arange(s, device=self.labels.device) for s in sizes]
        away = sum(
            (along - aim[:, [n]].to(along.device))
            .square()
            .view(-1, *[s if m == n else 1 for m, s in enumerate(sizes)])
            for n, along in enumerate(axes)
        )
        nearest = away.masked_fill(~self.labels, torch.inf).flatten(1).argmin(dim=1)
        return self._clicks_at(nearest)

    def correction(self, found: Tensor) -> tuple[Tensor, Tensor]:
        """A place of each error; one in the lesion where there is no error."""
        wrong = found != self.labels
        right = ~wrong.flatten(1).any(dim=1)
        wrong[right] = self.labels[right]
        if not self.happens(self.settings.deepest):
            return self._anywhere(wrong)
        # The edges of the cube count as right, and half the cells suffice to find the deepest.
        coarse = F.max_pool3d(wrong[:, None].float(), 2)[:, 0].cpu().numpy()
        deepest = []
        for sample, at in zip(wrong, coarse, strict=True):
            depth = ndimage.distance_transform_edt(F.pad(torch.from_numpy(at), [1] * 6).numpy())
            d, h, w = (
                2 * (int(c) - 1) for c in torch.unravel_index(torch.tensor(depth.argmax()), depth.shape)
            )
            block = sample[d : d + 2, h : h + 2, w : w + 2].cpu()
            part = block.nonzero()[0].tolist()
            _, height, width = sample.shape
            deepest.append(((d + part[0]) * height + h + part[1]) * width + w + part[2])
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
        loose *= (torch.rand(len(self.labels), 1, generator=self.rng) < 0.7).float()  # some draw exactly
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


def _joined(
    clicks: tuple[Tensor, Tensor] | None, newest: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, Tensor] | None:
    if clicks is None or newest is None:
        return newest or clicks
    return torch.cat((clicks[0], newest[0]), dim=1), torch.cat((clicks[1], newest[1]), dim=1)
