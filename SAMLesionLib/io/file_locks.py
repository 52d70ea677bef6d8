"""Whether a file is in use by a living process: its lock goes with the process, however that ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _FAR_AWAY = 1 << 30  # Windows refuses to read locked bytes, so one is locked that no file has

    def _lock(handle: int) -> None:
        position = os.lseek(handle, 0, os.SEEK_CUR)
        os.lseek(handle, _FAR_AWAY, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(handle, position, os.SEEK_SET)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock(handle: int) -> bool:
    """Lock an open file until it is closed; False when another has locked it, or no lock is to be had."""
    try:
        _lock(handle)
    except OSError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Whether a living process has locked a file.

    Raises:
        OSError: the file cannot be opened.
    """
    handle = os.open(path, os.O_RDWR)
    try:
        return not lock(handle)
    finally:
        os.close(handle)
