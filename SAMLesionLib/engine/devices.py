"""Where a model runs and with which arithmetic: chosen once, and reported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from SAMLesionLib.errors import InputError, OutOfMemory

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")

MOST_SLICES = 8
SLICE_BYTES = 256 << 20
"""What a slice takes while it is encoded; on a CPU 199 MB in LiteMedSAM and 190 MB in ViT-B, in bfloat16."""


@dataclass(frozen=True)
class Hardware:
    """The device and the arithmetic of a running engine.

    Attributes:
        device: torch's device.
        precision: arithmetic of image encoders.
        threads: CPU threads.
    """

    device: torch.device
    precision: torch.dtype
    threads: int

    @property
    def precision_name(self) -> str:
        """`float32` or `bfloat16`."""
        return str(self.precision).removeprefix("torch.")


def choose_hardware(device: str = "auto", precision: str = "auto", threads: int | None = None) -> Hardware:
    """The hardware that these words mean here.

    Raises:
        InputError: when a word is unknown or the device is not here.
    """
    if device not in DEVICES or precision not in PRECISIONS:
        raise InputError(
            f"Expected a device of {', '.join(DEVICES)} and a precision of {', '.join(PRECISIONS)}, "
            f"got {device!r} and {precision!r}."
        )
    chosen = _best_device() if device == "auto" else torch.device(device)
    if not _is_here(chosen):
        raise InputError(f"No {device} device is on this computer. Choose auto or cpu.")
    # A processor without bfloat16 instructions computes it many times slower than float32.
    is_fast = torch.cpu._is_avx512_bf16_supported() if chosen.type == "cpu" else chosen.type == "cuda"
    wanted = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    dtype = wanted.get(precision, torch.bfloat16 if is_fast else torch.float32)
    return Hardware(chosen, dtype, threads or _usable_cores())


def _best_device() -> torch.device:
    for name in ("cuda", "mps"):
        if _is_here(torch.device(name)):
            return torch.device(name)
    return torch.device("cpu")


def _is_here(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available()
    return device.type == "cpu" or torch.backends.mps.is_available()


def _usable_cores() -> int:
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on Windows and macOS
        return max(1, os.cpu_count() or 1)


def slices_at_once(device: torch.device) -> int:
    """How many slices a device encodes together: on a CUDA device as many as half its free memory holds.

    A CPU wins nothing by it, and one slice after the other lets a reader stop in between.
    """
    if device.type != "cuda":
        return 1
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return max(1, min(MOST_SLICES, free_bytes // 2 // SLICE_BYTES))


def finish(device: torch.device) -> None:
    """Wait until a GPU has done what it was asked, so that a clock reads the time it took."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def out_of_memory_said(device: torch.device) -> Iterator[None]:
    """Turn a device's lack of memory into one sentence, and give the rest back.

    Raises:
        OutOfMemory: in place of torch's own error.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(error):
            raise
        if device.type == "cuda":
            torch.cuda.empty_cache()
        raise OutOfMemory(
            f"The memory of {device} is too small for this job. Close other programs that use it, choose a "
            "smaller model, or start the engine with --device cpu."
        ) from None


def _is_out_of_memory(error: Exception) -> bool:
    # The class is for CUDA; torch's allocators for the CPU and for MPS raise a plain RuntimeError.
    said = ("can't allocate memory", "out of memory")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(s in str(error) for s in said)
