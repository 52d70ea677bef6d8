"""The `dataset.json` of the Medical Segmentation Decathlon and of nnU-Net."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from SAMLesionLib.errors import InputError

FILE_NAME = "dataset.json"


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        InputError: when it cannot be read or holds something else.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as broken:
        raise InputError(f"{path} cannot be read as JSON ({broken}). Copy it again.") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} must hold one JSON object, got a {type(values).__name__}.")
    return values


def channels_of(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of an image's channels in their order: nnU-Net's word, then the Decathlon's."""
    named = values.get("channel_names") or values.get("modality") or {}
    if isinstance(named, str):
        return (named,)
    return tuple(str(named[key]) for key in sorted(named, key=int))


def labels_of(values: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Label values by name without the background.

    The Decathlon writes {"1": "liver"}, nnU-Net {"liver": 1}, and {"kidney": [1, 2, 3]} for a region.
    """
    named: dict[str, tuple[int, ...]] = {}
    for key, value in values.get("labels", {}).items():
        name, numbers = (value, [key]) if isinstance(value, str) else (key, value)
        found = tuple(int(n) for n in (numbers if isinstance(numbers, list) else [numbers]))
        if name != "ignore" and found != (0,):
            named[str(name)] = found
    return named


def chosen_channel(channel: int | None, channels: tuple[str, ...], name: str) -> int:
    """The channel to read.

    Args:
        channel: what the user chose, None for nothing.
        channels: the names of all channels.
        name: how people call the data set.

    Raises:
        InputError: when a choice is needed or there is no such channel.
    """
    if channel is None and len(channels) <= 1:
        return 0
    if channel is not None and 0 <= channel < max(1, len(channels)):
        return channel
    listed = ", ".join(f"{n} {word}" for n, word in enumerate(channels)) or "0"
    came = "none was chosen" if channel is None else f"got {channel}"
    raise InputError(f"The images of {name} have the channels {listed}, {came}. Choose one with --channel.")
