"""The weights, the volume and the answers of the golden numbers in Data/tags; see the README there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from golden import error_of, waves_and_ball, weight_of
from torch import Tensor, nn

from SAMLesionLib.models.tags import Tags, build_3dsam_adapter, build_tags

FOLDER = Path(__file__).parents[1] / "Data" / "tags"
FACTS: dict[str, Any] = json.loads((FOLDER / "tags_adapter_parity.json").read_text())
TOLERANCE: dict[str, float] = FACTS["tolerance"]


@cache
def answers() -> dict[str, npt.NDArray[Any]]:
    with np.load(FOLDER / "tags_adapter_parity.npz") as arrays:
        return dict(arrays)


def golden_network(is_aligned: bool) -> Tags:
    with torch.device("meta"):
        network = build_tags() if is_aligned else build_3dsam_adapter()
    return fill(network).eval()


def fill(network: nn.Module, prefix: str = "") -> nn.Module:
    """The network with golden weights in place of none."""
    weights = {
        key: weight_of(FACTS["seed"], prefix + key, tuple(value.shape))
        for key, value in network.state_dict().items()
    }
    network.load_state_dict(weights, assign=True)
    return network


def golden_image() -> Tensor:
    """1x3x128x128x128: the volume twice and a ball for the organ."""
    volume = waves_and_ball(FACTS["volume"])
    grid = torch.stack(torch.meshgrid(*[torch.arange(128)] * 3, indexing="ij"))
    ball = FACTS["organ_ball"]
    squared = (grid - torch.tensor(ball["centre"]).view(3, 1, 1, 1)).square().sum(dim=0)
    organ = (squared <= ball["radius"] ** 2).float()[None, None]
    return torch.cat((volume, volume, organ), dim=1)


def golden_points(case: str) -> Tensor:
    """1xNx3 in the order of the volume's axes; the file has the last two the other way round."""
    return torch.tensor(FACTS["points"][case], dtype=torch.float32)[None, :, [0, 2, 1]]


def error(name: str, ours: Tensor) -> float:
    """Norm of the difference over the norm of the golden values."""
    return error_of(answers(), name, ours)


def errors(network: Tags, kind: str) -> Iterator[tuple[str, float]]:
    """The error of every golden number of a whole run, in the order in which they are computed.

    Args:
        network: from `golden_network`.
        kind: `plain` or `align`.
    """
    encoder, image = network.image_encoder, golden_image()
    seen: list[tuple[str, Tensor]] = []
    for i, block in enumerate(encoder.blocks):
        # With alignment the golden value of a block is that before its tokens are mixed.
        block.register_forward_hook(lambda _, __, y, i=i: seen.append((f"{kind}_block_{i:02d}", y)))
    encoded, features = network.encode_aligned(image)
    yield "slice_embed", error("slice_embed", encoder.slices(image))
    seen += [(f"{kind}_map_{n}", x) for n, x in enumerate(features.maps, 1)]
    seen += [(f"align_feature_{n}", x) for n, x in enumerate(features.aligned, 1)]
    yield from ((name, error(name, x)) for name, x in seen if is_stored(name))
    for case in ("a", "b"):
        points = golden_points(case)
        prompted = network.prompt_encoder(encoded.last_map, points, network.image_size)
        logits = network.decode(encoded, points)
        found = {
            f"{kind}_prompted_{case}": prompted,
            f"{kind}_logits_{case}": logits,
            f"{kind}_logits_{case}_every4": logits[0, :, ::4, ::4, ::4],
        }
        yield from ((name, error(name, x)) for name, x in found.items() if is_stored(name))


def is_stored(name: str) -> bool:
    return name in answers() or f"{name}_val" in answers()
