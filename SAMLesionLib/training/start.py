"""The network that a run begins with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.fits import check_fits
from SAMLesionLib.models.registry import MODELS
from SAMLesionLib.models.sgp_sam import NEW_KEYS, SgpSam
from SAMLesionLib.models.state_dicts import read_state_dict
from SAMLesionLib.models.tags import Tags
from SAMLesionLib.models.weights import locate
from SAMLesionLib.training.asking import Network

TAGS_KEYS = "image_encoder.slice_embed."
"""TAGS has such tensors, and the SAM that it starts from has none."""


def start_network(card: ModelCard, start: str) -> Network:
    """A network with random weights, or with those of a file or a model.

    SGP-SAM also starts from a SAM-Med3D of its size; what it adds then changes nothing at first. TAGS also
    starts from a SAM of its size.

    Args:
        card: the model.
        start: a file, a model's name, or empty.

    Raises:
        InputError: when the model is of a kind that cannot be trained here.
        WeightsError: when there are no such weights or they are of another architecture.
    """
    network = _built(card)
    if not isinstance(network, Network):
        raise InputError(f"{card.title} cannot be trained. Choose a 3D model, or one of the SAM family.")
    if start:
        path = locate(MODELS[start]) if start in MODELS else Path(start).expanduser()
        load_start(network, read_state_dict(path), card.title, path)
    return network


def _built(card: ModelCard) -> nn.Module:
    try:
        return card.build()
    except (ImportError, AttributeError, ValueError, TypeError) as wrong:
        raise InputError(
            f"The architecture {card.architecture} cannot be built ({wrong}). Name it as module:function, a "
            "function without arguments."
        ) from wrong


def load_start(network: nn.Module, weights: Mapping[str, Tensor], title: str, path: Path) -> None:
    """Put weights into a network.

    Raises:
        WeightsError: when they are of another architecture, naming it where it is known.
    """
    if isinstance(network, Tags) and not any(key.startswith(TAGS_KEYS) for key in weights):
        network.load_sam(weights)
        return
    expected = network.state_dict()
    is_base = isinstance(network, SgpSam) and not any(key.startswith(NEW_KEYS) for key in weights)
    if is_base:
        expected = {key: value for key, value in expected.items() if not key.startswith(NEW_KEYS)}
    check_fits(weights, expected, f"the SAM-Med3D that {title} builds on" if is_base else title, path)
    network.load_state_dict(weights, strict=not is_base)
