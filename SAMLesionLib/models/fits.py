"""Says whether tensors are those of a network, and which network they are of when not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.cards import builder
from SAMLesionLib.models.registry import MODELS, OTHER_ARCHITECTURES
from SAMLesionLib.models.state_dicts import check_kind, read_state_dict

__all__ = ["blank_state_dict", "check_fits", "check_kind", "read_state_dict"]


def check_fits(
    state_dict: Mapping[str, Tensor], expected: Mapping[str, Tensor], title: str, path: Path
) -> None:
    """Refuse tensors that are not exactly those of a network: every name, every shape, every value finite.

    Args:
        state_dict: the tensors of the file.
        expected: the network's own, of the same names and shapes (values and device do not matter).
        title: the model's name for people.
        path: the file, for the sentence.

    Raises:
        WeightsError: naming the network that the file belongs to, or every key that differs.
    """
    differences = _differences(state_dict, expected)
    if differences:
        raise WeightsError(_misfit(state_dict, differences, title, path))
    for name, tensor in state_dict.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise WeightsError(
                f"{path} holds values in {name} that are no numbers (NaN or infinite). Download the file "
                "again, or choose another one."
            )


def blank_state_dict(architecture: str) -> dict[str, Tensor]:
    """Names and shapes of a network's tensors, without memory for their values."""
    with torch.device("meta"):
        return builder(architecture)().state_dict()


def _differences(state_dict: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    missing = sorted(expected.keys() - state_dict.keys())
    unexpected = sorted(state_dict.keys() - expected.keys())
    reshaped = [
        f"{name} {tuple(state_dict[name].shape)} in place of {tuple(expected[name].shape)}"
        for name in sorted(expected.keys() & state_dict.keys())
        if state_dict[name].shape != expected[name].shape
    ]
    parts = {"missing": missing, "unexpected": unexpected, "of another shape": reshaped}
    return [f"{what}: {', '.join(names)}" for what, names in parts.items() if names]


def _misfit(state_dict: Mapping[str, Tensor], differences: list[str], title: str, path: Path) -> str:
    looks_like = _look_alikes(state_dict)
    if looks_like:
        return f"{path} holds {' or '.join(looks_like)}, not {title}. Choose the file of {title}."
    return f"{path} does not fit {title} ({'; '.join(differences)}). Choose the file of {title}."


def _look_alikes(state_dict: Mapping[str, Tensor]) -> list[str]:
    """The known models whose network has exactly these tensors."""
    known = [(f"{card.title} ({card.name})", card.architecture) for card in MODELS.values()]
    known += OTHER_ARCHITECTURES.items()
    fitting = {a for a in {a for _, a in known} if not _differences(state_dict, blank_state_dict(a))}
    return [label for label, architecture in known if architecture in fitting]
