"""Checkpoints: weights with everything that tells where they come from, and what a run needs to go on.

`last.safetensors` and `best.safetensors` are weights that an engine loads. `state-STEP.pt` beside them holds
the optimizer's memory for the last ones; weights name their step, so the two always belong together.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from SAMLesionLib.errors import InputError, WeightsError
from SAMLesionLib.io import atomic_write

LAST, BEST = "last.safetensors", "best.safetensors"
ABOUT = "samlesion"
"""The key of the metadata under which a checkpoint tells of its run, as JSON."""

_TOLD = frozenset(("step", "best", "metrics", "config"))
_KEPT = frozenset(("optimizer", "scaler", "rng"))
"""What a run cannot go on without, in the metadata and in the state."""


def write_weights(path: Path, weights: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Weights that appear whole or not at all.

    Args:
        path: the file.
        weights: by name.
        about: config, step, metrics and provenance, as plain values.

    Raises:
        OutputError: when they cannot be written; what was there before stays.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    content = save(tensors, {ABOUT: json.dumps(about, default=str)})
    with atomic_write(path) as file:
        file.write(content)


def read_about(path: Path) -> dict[str, Any]:
    """What a checkpoint tells of its run.

    Raises:
        WeightsError: when it cannot be read or was not written by a training run.
    """
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {})[ABOUT])
    except Exception as broken:  # a damaged file can raise anything
        raise WeightsError(f"{path} is no checkpoint of a training run ({type(broken).__name__}).") from None
    return dict(about)


def write_last(folder: Path, weights: Mapping[str, Tensor], about: Mapping[str, Any], state: Any) -> None:
    """The checkpoint from which a run can go on; until it is complete the one before stays.

    Args:
        folder: of the run.
        weights: by name.
        about: as for `write_weights`, with `step`.
        state: what else the run needs, made of tensors and plain values.

    Raises:
        OutputError: when it cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    path = _state_path(folder, about["step"])
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())
    write_weights(folder / LAST, weights, about)
    for old in folder.glob("state-*.pt"):
        if old != path:
            old.unlink(missing_ok=True)


def read_last(folder: Path) -> tuple[Path, dict[str, Any], Any]:
    """The weights' file, what it tells, and the rest of the state of an interrupted run.

    Raises:
        InputError: when there is nothing to go on from.
    """
    path = folder / LAST
    if not path.exists():
        raise InputError(f"{folder} holds no run to go on with (no {LAST}). Start it without --resume.")
    about = read_about(path)
    missing = _TOLD - about.keys()
    if missing:
        raise WeightsError(
            f"{path} does not tell its {min(missing)}, so the run cannot go on. Start a new one."
        )
    state_path = _state_path(folder, about["step"])
    try:
        state = torch.load(state_path, map_location="cpu", weights_only=True)
        if not state.keys() >= _KEPT:
            raise KeyError(min(_KEPT - state.keys()))
    except Exception as broken:
        raise WeightsError(
            f"{state_path} cannot be read ({type(broken).__name__}), so the run cannot go on. Start a new "
            f"one from {path}."
        ) from None
    return path, about, state


def _state_path(folder: Path, step: int) -> Path:
    return folder / f"state-{step:07}.pt"
