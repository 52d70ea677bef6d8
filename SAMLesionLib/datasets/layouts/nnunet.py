"""nnU-Net's raw layout: `imagesTr/CASE_0000.nii.gz`, a file a channel, and `labelsTr/CASE.nii.gz`."""

from __future__ import annotations

import re
from pathlib import Path

from SAMLesionLib.datasets.layouts.dataset_json import (
    FILE_NAME,
    channels_of,
    chosen_channel,
    labels_of,
    read_json,
)
from SAMLesionLib.datasets.layouts.listing import CaseFiles, Listing, modality_of
from SAMLesionLib.errors import InputError

CHANNEL_FILE = re.compile(r"(?P<case>.+)_(?P<channel>\d{4})(?P<ending>\.[a-z.]+)")


def is_here(path: Path) -> bool:
    """Whether the images are split into a file a channel."""
    return (path / "labelsTr").is_dir() and bool(_channel_files(path))


def list_cases(path: Path, channel: int | None) -> Listing:
    """Every case with an image; the label may turn out to be missing.

    Raises:
        InputError: when `dataset.json` cannot be read, there are no images or a channel must be chosen.
    """
    values = read_json(path / FILE_NAME) if (path / FILE_NAME).exists() else {}
    name = str(values.get("name") or path.resolve().name)
    files = _channel_files(path)
    if not files:
        raise InputError(f"{path} must hold imagesTr/CASE_0000.nii.gz and the like, got no such file.")
    numbers = sorted({int(f["channel"]) for f in files})
    channels = channels_of(values) or tuple(f"channel {n}" for n in numbers)
    chosen = chosen_channel(channel, channels, name)
    modality = modality_of(channels[chosen])
    cases = {
        f["case"]: CaseFiles(
            f["case"],
            path / "imagesTr" / f"{f['case']}_{chosen:04}{f['ending']}",
            path / "labelsTr" / f"{f['case']}{f['ending']}",
            modality,
        )
        for f in files
    }
    return Listing(name, tuple(cases[c] for c in sorted(cases)), labels_of(values))


def _channel_files(path: Path) -> list[re.Match[str]]:
    names = sorted(f.name for f in (path / "imagesTr").glob("[!.]*"))
    return [found for found in map(CHANNEL_FILE.fullmatch, names) if found]
