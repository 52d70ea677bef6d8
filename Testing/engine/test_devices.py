from __future__ import annotations

import os

import pytest
import torch

from SAMLesionLib.engine.devices import (
    DEVICES,
    PRECISIONS,
    choose_hardware,
    out_of_memory_said,
    slices_at_once,
)
from SAMLesionLib.errors import InputError, OutOfMemory

CPU = torch.device("cpu")


def test_the_cpu_is_always_here() -> None:
    hardware = choose_hardware("cpu", "float32", threads=3)
    assert (hardware.device, hardware.precision_name, hardware.threads) == (CPU, "float32", 3)


def test_auto_takes_what_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_hardware().device == CPU
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_hardware().device.type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_hardware().device.type == "cuda"


@pytest.mark.parametrize("is_fast", [True, False])
def test_auto_computes_in_bfloat16_where_the_processor_has_it(
    is_fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: is_fast)
    assert choose_hardware("cpu").precision_name == ("bfloat16" if is_fast else "float32")
    assert choose_hardware("cpu", "float32").precision_name == "float32"
    assert choose_hardware("cpu", "bfloat16").precision_name == "bfloat16"


def test_threads_are_as_many_as_this_process_may_use() -> None:
    assert 1 <= choose_hardware("cpu").threads <= (os.cpu_count() or 1)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_here_is_refused(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=rf"No {device} device is on this computer\. Choose auto or cpu\."):
        choose_hardware(device)


@pytest.mark.parametrize("words", [("tpu", "auto"), ("cpu", "float16"), ("", "auto")])
def test_unknown_words_are_answered_with_the_known_ones(words: tuple[str, str]) -> None:
    with pytest.raises(InputError) as refused:
        choose_hardware(*words)
    assert all(word in str(refused.value) for word in (*DEVICES, *PRECISIONS, *map(repr, words)))


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 17.98 GB, max allowed: 18.13 GB)."),
        MemoryError(),
    ],
    ids=["cuda", "mps", "python"],
)
def test_lack_of_memory_is_said_in_one_sentence(error: Exception) -> None:
    with pytest.raises(OutOfMemory, match="memory of cpu is too small"), out_of_memory_said(CPU):
        raise error


def test_lack_of_memory_of_the_cpu_is_said_too() -> None:
    with pytest.raises(OutOfMemory, match="choose a smaller model"), out_of_memory_said(CPU):
        torch.empty(1 << 60, dtype=torch.uint8)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"), out_of_memory_said(CPU):
        torch.zeros(2, 3) @ torch.zeros(2, 3)


@pytest.mark.parametrize(("free_gib", "n_slices"), [(0.1, 1), (2, 4), (80, 8)])
def test_a_gpu_encodes_as_many_slices_together_as_half_its_free_memory_holds(
    free_gib: float, n_slices: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (int(free_gib * 2**30), 80 << 30))
    assert slices_at_once(torch.device("cuda")) == n_slices
    assert slices_at_once(CPU) == slices_at_once(torch.device("mps")) == 1
