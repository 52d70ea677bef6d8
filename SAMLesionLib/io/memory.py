"""Whether a volume fits into memory, asked before it is loaded."""

from __future__ import annotations

import os

from SAMLesionLib.errors import ImageError

HEADROOM = 1.25
"""A volume counts as this much more than its voxels: reading holds a slice or a piece of the file too."""


def available_bytes() -> int | None:
    """Memory that can be used now without swapping; None where the system does not say."""
    try:
        import psutil
    except ImportError:
        return _available_from_system()
    return int(psutil.virtual_memory().available)


def check_fits(n_bytes: int, name: str, available: int | None = None) -> None:
    """Refuse a volume that is larger than the memory that is left.

    Args:
        n_bytes: size of its voxels, as from `estimate_bytes`.
        name: how people call it.
        available: memory that can be used, in bytes; asked from the system when None.

    Raises:
        ImageError: with what it needs, what there is, and what to do.
    """
    available = available_bytes() if available is None else available
    if available is None or n_bytes * HEADROOM <= available:
        return
    raise ImageError(
        f"{name} needs about {_size(n_bytes * HEADROOM)} of memory, and {_size(available)} is free. "
        "Close other programs, or crop the image around the lesion."
    )


def _available_from_system() -> int | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, macOS not this name
        return None


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"
