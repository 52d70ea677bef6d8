"""The folder where downloaded and imported weights are kept.

A file is called NAME-HASH.pth, where HASH begins its SHA-256: a file that changed after it was checked is
recognised, and replacing one is a single rename.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO

import platformdirs

from SAMLesionLib.errors import WeightsError

FOLDER_VARIABLE = "SAMLESION_WEIGHTS"
"""Environment variable that names another folder for weights."""

_HASH_LENGTH = 16
_ENDINGS = {"torch": ".pth", "safetensors": ".safetensors"}


def converted_folder() -> Path:
    """Where networks converted for a faster runtime are kept; they can be made again at any time."""
    return Path(platformdirs.user_cache_dir("samlesion", appauthor=False)) / "converted"


def weights_folder() -> Path:
    """Where downloaded and imported weights are kept; `SAMLESION_WEIGHTS` names another place."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_data_dir("samlesion", appauthor=False)) / "weights"


def make_folder() -> Path:
    """The folder, made when it is not there.

    Raises:
        WeightsError: when nothing can be written into it.
    """
    folder = weights_folder()
    try:
        return make_usable(folder)
    except OSError as refused:
        raise WeightsError(
            f"Weights cannot be kept in {folder} ({refused.strerror}). Set {FOLDER_VARIABLE} to a folder "
            "that can be written."
        ) from None


def make_usable(folder: Path) -> Path:
    """A folder, made when it is not there.

    Raises:
        OSError: when nothing can be written into it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder


def check_room(folder: Path, n_bytes: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        WeightsError: saying how much is missing.
    """
    n_free = shutil.disk_usage(folder).free
    if n_free < n_bytes:
        raise WeightsError(
            f"{folder} has {n_free / 1e6:.0f} MB free, {n_bytes / 1e6:.0f} MB are needed. Free some space, "
            f"or set {FOLDER_VARIABLE} to a folder on another disk."
        )


@contextmanager
def only_one(lock: Path, what: str) -> Iterator[None]:
    """Hold a lock that the system gives back when this process ends, however it ends.

    Raises:
        WeightsError: when another process holds it.
    """
    with lock.open("ab") as file:
        try:
            _lock(file)
        except OSError:
            raise WeightsError(
                f"{what} is being fetched already by another process. Wait until that is done."
            ) from None
        yield


def kept_files(name: str) -> list[Path]:
    """The files of a model, newest first (a crash while one replaces another can leave both)."""
    pattern = re.compile(rf"{re.escape(name)}-[0-9a-f]{{{_HASH_LENGTH}}}\.(pth|safetensors)")
    try:
        files = [path for path in weights_folder().iterdir() if pattern.fullmatch(path.name)]
        return sorted(files, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    except OSError:
        return []


def keep(temporary: Path, name: str, kind: str) -> Path:
    """Give a checked file in the folder its name, in place of the earlier ones of this model.

    Args:
        temporary: the file, in the same folder.
        name: the model.
        kind: `torch` or `safetensors`.

    Raises:
        WeightsError: when the folder refuses.
    """
    sha256 = sha256_of(temporary)
    path = temporary.with_name(f"{name}-{sha256[:_HASH_LENGTH]}{_ENDINGS[kind]}")
    try:
        os.replace(temporary, path)
    except OSError as refused:
        raise WeightsError(f"{path} cannot be written ({refused.strerror}). Close what uses it.") from None
    for old in kept_files(name):
        if old != path:
            with suppress(OSError):  # Windows keeps a file that an engine has mapped; the newest counts.
                old.unlink()
    return path


def is_unchanged(path: Path) -> bool:
    """Whether a kept file still has the content it was named for."""
    return path.stem.endswith(f"-{sha256_of(path)[:_HASH_LENGTH]}")


def sha256_of(path: Path) -> str:
    """Hash of a file; computed once as long as its size and time of change stay.

    Raises:
        WeightsError: when the file cannot be read.
    """
    try:
        facts = path.stat()
        return _sha256(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)
    except OSError as refused:
        raise WeightsError(f"{path} cannot be read ({refused.strerror}). Check its permissions.") from None


@lru_cache(maxsize=32)
def _sha256(path: Path, size_bytes: int, mtime_ns: int, inode: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
