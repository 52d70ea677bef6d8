"""How much memory there is, whether a volume fits into it, and how much a process has held."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

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


def peak_memory_bytes() -> int:
    """The most memory this process has held since it began, or since `reset_peak_memory`."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    status = Path("/proc/self/status")
    if status.exists():  # the only count that can be reset
        held = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(held.split()[1]) * 1024
    import resource

    # macOS counts in bytes, other systems in units of 1024 bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def reset_peak_memory() -> None:
    """Begin to count anew where the system can (Linux); elsewhere the count goes on from the start."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _available_from_system() -> int | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, macOS not this name
        return None


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"
