"""Decides whether a file may become the weights of a model; nothing in it is trusted before."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.registry import MODELS
from SAMLesionLib.models.store import keep, sha256_of


def admit(card: ModelCard, temporary: Path, called: str, is_custom: bool = False) -> Path:
    """Check a file in our folder and keep it as the weights of a model; a refused one is removed.

    Args:
        card: the model.
        temporary: the file.
        called: its name for people: where it came from.
        is_custom: accept weights that fit but are not the published ones.

    Returns:
        The file under the name that it keeps.

    Raises:
        WeightsError: when it cannot be read, is hostile, does not fit, or is not the published one.
    """
    try:
        kind = checkpoint_reader().check_kind(temporary)
        _check_not_another(card, temporary)
        check_content(card, temporary)
        _check_published(card, temporary, is_custom)
        return keep(temporary, card.name, kind)
    except WeightsError as refused:
        raise WeightsError(str(refused).replace(str(temporary), called)) from None
    finally:
        temporary.unlink(missing_ok=True)


def check_content(card: ModelCard, path: Path) -> None:
    """Read every tensor of a file and compare its name, shape and values with what the network needs.

    Raises:
        WeightsError: when the file cannot be read or does not fit.
    """
    reader = checkpoint_reader()
    expected = reader.blank_state_dict(card.architecture)
    reader.check_fits(reader.read_state_dict(path), expected, card.title, path)


def checkpoint_reader() -> ModuleType:
    """The module that reads checkpoints; it needs torch, which finding and listing weights does not.

    Raises:
        WeightsError: when torch is not installed, with the line that installs it.
    """
    try:
        from SAMLesionLib.models import fits
    except ImportError as missing:
        raise WeightsError(f"Weights need {missing.name}. Run `pip install 'samlesion[engine]'`.") from None
    return fits


def _check_not_another(card: ModelCard, path: Path) -> None:
    """Models of one architecture differ in nothing but their values, so only the hash tells them apart."""
    sha256 = sha256_of(path)
    for other in MODELS.values():
        if other.sha256 == sha256 != card.sha256:
            raise WeightsError(f"{path} is the published file of {other.title}. Import it as {other.name}.")


def _check_published(card: ModelCard, path: Path, is_custom: bool) -> None:
    sha256 = sha256_of(path)
    if card.sha256 not in ("", sha256) and not is_custom:
        raise WeightsError(
            f"{path} is not the published file of {card.title} (SHA-256 {sha256[:12]}, published "
            f"{card.sha256[:12]}). Download it again, or import your own weights with --custom."
        )
