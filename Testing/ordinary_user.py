"""Tests of permissions that hold for root too, to whom no file is locked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

NOBODY = 65534


@contextmanager
def a_folder_for_all() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own is closed to others."""
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Lay root's rights down for a while; changes nothing for anyone else."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
