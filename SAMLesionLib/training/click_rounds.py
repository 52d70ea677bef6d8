"""Rounds of question and answer: a first prompt on a lesion, then clicks on what the network got wrong.

The plain schedule is SAM-Med3D's (Wang et al., arXiv 2310.15161): a click in the lesion, then each round the
newest click, at a random place of the error, and the logits of the round before. A reader of the small model
may also draw a box or correct a mask, clicks in the depth of an error, and all clicks are kept.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from SAMLesionLib.models.sam3d import Sam3D
from SAMLesionLib.models.sgp_sam import GateReading, SgpSam
from SAMLesionLib.training.simulated_reader import ClickSettings, SimulatedReader


class RoundsResult(NamedTuple):
    """What the network answered.

    Attributes:
        logits: of each round, B x D x H x W on the input's voxels.
        gates: what each gate said; empty for a network without gates.
        aligned: features to hold against words, B x h x w x d x E of each stage; empty for a network that
            is not trained with words.
    """

    logits: tuple[Tensor, ...]
    gates: tuple[GateReading, ...]
    aligned: tuple[Tensor, ...] = ()


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
    reader = SimulatedReader(labels, rng, settings)
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
        points, kinds = clicks or (None, None)
        low_res, _ = network.decode(encoded, points, kinds, box, before)
        answers.append(network.enlarge(low_res)[:, 0])
        before, found = low_res.detach().float(), answers[-1].detach() > 0
        box = box if settings.keep else None
    return RoundsResult(tuple(answers), gates)


def _joined(
    clicks: tuple[Tensor, Tensor] | None, newest: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, Tensor] | None:
    if clicks is None or newest is None:
        return newest or clicks
    return torch.cat((clicks[0], newest[0]), dim=1), torch.cat((clicks[1], newest[1]), dim=1)
