"""Reads the tensors of a checkpoint that nobody trusts yet."""

from __future__ import annotations

import zipfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models.released_parts import is_in_parts, joined

MAX_WEIGHTS_BYTES = 8 * 2**30
"""No model here comes near it (SAM ViT-H has 2.6 GB)."""

MAX_PICKLE_BYTES = 64 * 2**20
"""The part of a checkpoint that is not tensors; a few hundred kilobytes in the published ones."""

_AGAIN = "Download the file again, or choose another one."
_WRAPPERS = ("model", "state_dict", "model_state_dict")


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, on the CPU; nothing in the file is executed.

    Reads safetensors and what `torch.save` writes since PyTorch 1.6. The latter is mapped, not copied:
    memory is used when a tensor is. Training checkpoints (`{"model": ...}`) and the `module.` prefix of
    distributed training are unwrapped.

    Raises:
        WeightsError: when the file is missing, damaged, hostile, or no checkpoint.
    """
    kind = check_kind(path)
    try:
        content = _read_safetensors(path) if kind == "safetensors" else _read_torch(path)
    except WeightsError:
        raise
    # A damaged or hostile file can raise anything from the readers; each time the answer is the same.
    except Exception as broken:
        raise WeightsError(f"{path} cannot be read as weights ({_first_line(broken)}). {_AGAIN}") from None
    return _tensors(content, path)


def check_kind(path: Path) -> str:
    """Whether a file is `safetensors` or `torch`, from its first bytes.

    Raises:
        WeightsError: when it is neither, is no readable file, or is absurdly large.
    """
    n_bytes = _file_size(path)
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as refused:
        raise WeightsError(f"{path} cannot be opened ({refused.strerror}). Check its permissions.") from None
    if start.startswith(b"PK\x03\x04"):
        return "torch"
    if start[8:9] == b"{" and 0 < int.from_bytes(start[:8], "little") <= n_bytes - 8:
        return "safetensors"
    raise WeightsError(f"{path} {_what_it_is(start)}")


def _file_size(path: Path) -> int:
    if not path.exists():
        raise WeightsError(f"There is no file {path}. Check the path.")
    if not path.is_file():
        raise WeightsError(f"{path} is not a file. Choose the .pth or .safetensors file itself.")
    n_bytes = path.stat().st_size
    if n_bytes > MAX_WEIGHTS_BYTES:
        raise WeightsError(
            f"{path} has {n_bytes / 1e9:.0f} GB; weights have at most {MAX_WEIGHTS_BYTES / 1e9:.0f}. "
            "Choose the model's own file."
        )
    return n_bytes


def _what_it_is(start: bytes) -> str:
    if not start:
        return f"is empty. {_AGAIN}"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return (
            "is a web page, not weights. Open its address in a browser, sign in if asked, and save the file."
        )
    if start.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the weights. Run `git lfs pull` where it comes from."
    if start[:1] == b"\x80":
        return "is a bare pickle, which may run code. Ask for it as safetensors, or saved with torch.save."
    return f"is neither a PyTorch nor a safetensors file. {_AGAIN}"


def _read_safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(path)


def _read_torch(path: Path) -> Any:
    _check_archive(path)
    # Training scripts keep their options beside the weights, in a class that holds values and does nothing.
    with torch.serialization.safe_globals([Namespace]):
        # Mapping also bounds every tensor by the file: a pickle cannot claim memory that is not there.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def _check_archive(path: Path) -> None:
    """Refuse archives that `torch.save` would not write, before PyTorch touches them."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise WeightsError(f"{path} is cut short or damaged. {_AGAIN}") from None
    names = [entry.filename for entry in entries]
    if not any(name.endswith("/data.pkl") for name in names):
        raise WeightsError(
            f"{path} is a ZIP archive without PyTorch weights. If they are inside, unpack it first."
        )
    too_much = any(entry.file_size > MAX_PICKLE_BYTES for entry in entries if entry.filename.endswith(".pkl"))
    # `torch.save` stores tensors as they are; a compressed entry is how a small file fills the memory.
    if (
        too_much
        or len(set(names)) < len(names)
        or any(e.compress_type != zipfile.ZIP_STORED for e in entries)
    ):
        raise WeightsError(f"{path} is not packed the way PyTorch saves weights, so it is refused. {_AGAIN}")


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    if is_in_parts(content):
        content = joined(content)
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path} holds no weights by name, but a {type(content).__name__}. {_AGAIN}")
    for name, tensor in content.items():
        if not isinstance(name, str) or not _is_plain(tensor):
            raise WeightsError(
                f"{path} holds something else than a plain tensor in {str(name)[:80]}. {_AGAIN}"
            )
    if all(name.startswith("module.") for name in content):
        return {name.removeprefix("module."): tensor for name, tensor in content.items()}
    return dict(content)


def _is_plain(value: Any) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".:")[:160] if lines else type(error).__name__
