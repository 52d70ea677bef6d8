"""Finds, fetches, checks and loads the weights of a model."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models import downloads
from SAMLesionLib.models.admission import admit, check_content, checkpoint_reader
from SAMLesionLib.models.cards import ModelCard, Url
from SAMLesionLib.models.store import (
    check_room,
    is_unchanged,
    kept_files,
    make_folder,
    only_one,
    sha256_of,
    weights_folder,
)

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "LoadedModel",
    "VerifyResult",
    "download",
    "import_file",
    "is_available",
    "load",
    "locate",
    "remove",
    "sha256_of",
    "verify",
    "weights_folder",
]


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A network with its weights.

    Attributes:
        network: in eval mode, float32, on the CPU.
        sha256: hash of the file that the weights came from, for the provenance of every result.
        path: that file.
    """

    network: nn.Module
    sha256: str
    path: Path


@dataclass(frozen=True)
class VerifyResult:
    """What a check of a model's weights found.

    Attributes:
        path: the file.
        sha256: its hash.
        is_published: whether it is the published file; None when no hash is published.
        sentence: the same for people.
    """

    path: Path
    sha256: str
    is_published: bool | None
    sentence: str


def locate(card: ModelCard) -> Path:
    """The weights of a model: a downloaded or imported file first, then the one that is installed.

    Raises:
        WeightsError: when there are none, saying how to get them.
    """
    installed = (s.locate() for s in card.sources if not isinstance(s, Url))
    for path in (*kept_files(card.name), *installed):
        if path is not None:
            return path
    raise WeightsError(f"The weights of {card.title} are not here. {_how_to_get(card)}")


def is_available(card: ModelCard) -> bool:
    """Whether the weights of a model are here."""
    try:
        locate(card)
    except WeightsError:
        return False
    return True


def load(card: ModelCard) -> LoadedModel:
    """A model, ready to run.

    Raises:
        WeightsError: when the weights are missing, changed since they were checked, or do not fit.
    """
    path = _locate_unchanged(card)
    reader = checkpoint_reader()
    state_dict = reader.read_state_dict(path)
    network = card.build()
    reader.check_fits(state_dict, network.state_dict(), card.title, path)
    network.load_state_dict(state_dict)
    return LoadedModel(network.eval(), sha256_of(path), path)


def verify(card: ModelCard) -> VerifyResult:
    """Read the whole weights file of a model and compare it with what was published.

    Raises:
        WeightsError: when it is missing, changed since it was checked, or does not fit.
    """
    path = _locate_unchanged(card)
    check_content(card, path)
    sha256 = sha256_of(path)
    if not card.sha256:
        sentence = "A hash is not published; checked by its keys and shapes."
        return VerifyResult(path, sha256, None, sentence)
    is_published = sha256 == card.sha256
    sentence = (
        "This is the published file." if is_published else "These fit, but are not the published weights."
    )
    return VerifyResult(path, sha256, is_published, sentence)


def download(
    card: ModelCard,
    on_progress: downloads.Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Fetch the published weights of a model; costs nothing when they are here and whole.

    Args:
        card: the model.
        on_progress: told (bytes so far, bytes of the whole file).
        cancelled: asked between blocks; what came so far is kept for the next time.

    Raises:
        WeightsError: when the file cannot be had or is not what was published.
        Cancelled: when `cancelled` said so.
    """
    if not card.url:
        raise WeightsError(f"{card.title} cannot be downloaded. {_how_to_get(card)}")
    if card.sha256 and is_available(card) and sha256_of(locate(card)) == card.sha256:
        return locate(card)
    folder = make_folder()
    with only_one(folder / f"{card.name}.lock", card.title):
        part = folder / f"{card.name}.part"
        _fetch(card, part, on_progress, cancelled)
        return admit(card, part, called=card.url)


def import_file(card: ModelCard, path: Path, is_custom: bool = False) -> Path:
    """Take a file as the weights of a model; the earlier ones stay when it is refused.

    Args:
        card: the model.
        path: a .pth or .safetensors file; it is copied.
        is_custom: accept weights that fit but are not the published ones, such as your own fine-tuning.

    Returns:
        The copy.

    Raises:
        WeightsError: when the file cannot be read, is hostile, does not fit, or is not the published one.
    """
    checkpoint_reader().check_kind(path)
    folder = make_folder()
    check_room(folder, path.stat().st_size)
    copy = folder / f"{card.name}.{os.getpid()}.import"
    try:
        shutil.copyfile(path, copy)
    except OSError as refused:
        copy.unlink(missing_ok=True)
        raise WeightsError(f"{path} cannot be copied to {folder} ({refused.strerror}).") from None
    return admit(card, copy, called=str(path), is_custom=is_custom)


def remove(card: ModelCard) -> int:
    """Delete the downloaded or imported weights of a model; a package's own file is never touched.

    Returns:
        Bytes that were freed.

    Raises:
        WeightsError: when a file cannot be deleted.
    """
    part = weights_folder() / f"{card.name}.part"
    n_bytes = 0
    for path in (*kept_files(card.name), *([part] if part.is_file() else [])):
        n_bytes += path.stat().st_size
        try:
            path.unlink()
        except OSError as refused:
            raise WeightsError(
                f"{path} cannot be deleted ({refused.strerror}). Close what uses it."
            ) from None
    return n_bytes


def _how_to_get(card: ModelCard) -> str:
    download = f"`samlesion models download {card.name}` or " if card.url else ""
    return f"Get them with {download}`samlesion models import {card.name} FILE`."


def _locate_unchanged(card: ModelCard) -> Path:
    path = locate(card)
    is_kept = path.parent == weights_folder()
    if is_unchanged(path) if is_kept else card.sha256 in ("", sha256_of(path)):
        return path
    advice = (
        f"Run `samlesion models remove {card.name}`, then get it again" if is_kept else "Install it again"
    )
    raise WeightsError(f"{path} is not the file that was checked or published, so it is not used. {advice}.")


def _fetch(
    card: ModelCard,
    part: Path,
    on_progress: downloads.Progress | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    size_bytes = card.size_bytes or downloads.remote_size_bytes(card.url)
    n_held = part.stat().st_size if part.is_file() else 0
    check_room(part.parent, size_bytes - n_held)
    downloads.fetch(card.url, part, size_bytes, on_progress, cancelled)
    if n_held and card.sha256 and sha256_of(part) != card.sha256:
        # The beginning came from another version of the file: once more, from the start.
        part.unlink()
        downloads.fetch(card.url, part, size_bytes, on_progress, cancelled)
