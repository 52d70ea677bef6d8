"""Paths as people give them, and files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from SAMLesionLib.errors import OutputError

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space or choose another folder"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space or choose another folder"),
    errno.EFBIG: ("the file would be larger than allowed here", "Choose another folder"),
    errno.EACCES: ("the folder may not be written to", "Choose another folder"),
    errno.EPERM: ("the folder may not be written to", "Choose another folder"),
    errno.EROFS: ("the disk is read-only", "Choose another folder"),
    errno.ENOENT: ("its folder does not exist", "Create the folder or choose another"),
    errno.ENOTDIR: ("its folder is a file", "Choose another folder"),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter name"),
}


def suffix_of(path: str | os.PathLike[str], known: tuple[str, ...]) -> str:
    """The longest known ending of a file's name, in lower case; empty when it has none of them."""
    name = Path(path).name.lower()
    return max((s for s in known if name.endswith(s)), key=len, default="")


@contextmanager
def used_folder(folder: Path) -> Iterator[None]:
    """Make a folder for what is begun inside; it goes again when that fails before it wrote anything.

    Raises:
        OutputError: when it cannot be made.
    """
    is_new = not folder.exists()
    make_folder(folder)
    try:
        yield
    except BaseException:
        if is_new:
            with suppress(OSError):  # it holds something
                folder.rmdir()
        raise


def make_folder(folder: Path) -> None:
    """Make a folder for results, and those above it; one that is there is taken as it is.

    Raises:
        OutputError: when it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise OutputError(
            f"Cannot make the folder {folder} ({refused.strerror}). Choose a folder that can be written to."
        ) from None


def append_text(path: Path, text: str) -> None:
    """Add to the end of a file, which is made where it is not there.

    Raises:
        OutputError: when it cannot be written; part of the text may be.
    """
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as failure:
        raise OutputError(_sentence(path, failure)) from failure


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write that takes its name only when it is complete and on the disk.

    Whatever goes wrong before, a file that was there under this name stays as it was and nothing else
    is left behind.

    Args:
        path: the file to make or replace; a link is followed.

    Raises:
        OutputError: when it cannot be written, with the reason and what to do.
    """
    target = Path(os.path.realpath(path))
    if os.path.isdir(target):
        raise OutputError(f"Cannot write {path}: it is a folder. Give a file name in it.")
    # In the same folder, so that the rename stays on one disk.
    partial = target.with_name(f".{target.name[:200]}.{uuid4().hex[:8]}.part")
    try:
        with open(partial, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
        _sync_folder(target.parent)
    except OSError as failure:
        raise OutputError(_sentence(path, failure)) from failure
    finally:
        with suppress(OSError):
            partial.unlink()


def _sentence(path: str | os.PathLike[str], failure: OSError) -> str:
    unknown = (failure.strerror or str(failure), "Choose another folder")
    reason, advice = _REASONS.get(failure.errno or 0, unknown)
    return f"Cannot write {path}: {reason}. {advice}; what was there before is unchanged."


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where folders can be opened (not on Windows)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
