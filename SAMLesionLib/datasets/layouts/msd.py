"""The layout of the Medical Segmentation Decathlon: `dataset.json` lists the pairs (arXiv:1902.09063)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from SAMLesionLib.datasets.layouts.dataset_json import (
    FILE_NAME,
    channels_of,
    chosen_channel,
    labels_of,
    read_json,
)
from SAMLesionLib.datasets.layouts.listing import CaseFiles, Listing, modality_of
from SAMLesionLib.errors import InputError
from SAMLesionLib.io import image_name


def is_here(path: Path) -> bool:
    """Whether the folder holds a `dataset.json`; nnU-Net's layout is asked first."""
    return (path / FILE_NAME).exists()


def list_cases(path: Path, channel: int | None) -> Listing:
    """The pairs listed for training; those for testing have no labels.

    Raises:
        InputError: when the list cannot be read or a channel must be chosen.
    """
    values = read_json(path / FILE_NAME)
    name = str(values.get("name") or path.resolve().name)
    channels = channels_of(values)
    chosen = chosen_channel(channel, channels, name)
    modality = modality_of(channels[chosen]) if channels else "OT"
    pairs = [_pair(path, entry) for entry in values.get("training", [])]
    cases = [
        CaseFiles(image_name(image), image, label, modality, chosen if len(channels) > 1 else None)
        for image, label in pairs
    ]
    return Listing(name, tuple(sorted(cases, key=lambda c: c.name)), labels_of(values))


def _pair(path: Path, entry: Any) -> tuple[Path, Path]:
    if not (isinstance(entry, dict) and {"image", "label"} <= entry.keys()):
        raise InputError(
            f"{path / FILE_NAME} must list pairs of image and label under training, got {entry}."
        )
    return path / str(entry["image"]), path / str(entry["label"])
