"""One session at a time in a reader's folder; the lock goes with the process, however that ends."""

from __future__ import annotations

import os
from pathlib import Path

from SAMLesionLib.errors import InputError, OutputError
from SAMLesionLib.io.file_locks import lock

LOCK = "session.lock"


def lock_session(folder: Path, reader: str) -> int:
    """Lock a reader's folder; closing the handle that is returned opens it again.

    Raises:
        InputError: when another session holds it.
        OutputError: when the folder cannot be written to.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as refused:
        raise OutputError(f"Cannot write to {folder} ({refused.strerror}). Ask for permission.") from None
    if not lock(handle):
        os.close(handle)
        raise InputError(
            f"Another session of reader {reader} is open in {folder}. Close it first; two at once would mix "
            "their times."
        )
    return handle
