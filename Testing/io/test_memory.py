"""The memory a process has held is told, and can be counted anew."""

from __future__ import annotations

import mmap
import sys

import numpy as np
import pytest

from SAMLesionLib.io import peak_memory_bytes, reset_peak_memory

BYTES = 64 * 2**20


def test_the_peak_stays_after_the_memory_is_given_back() -> None:
    before = peak_memory_bytes()
    held = np.ones(4 * BYTES, np.uint8)
    n_held = held.nbytes
    del held
    assert before > 10 * 2**20
    assert peak_memory_bytes() >= min(before + BYTES, n_held)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts anew")
def test_a_new_count_forgets_an_earlier_peak() -> None:
    # Memory of an array may be kept by the allocator.
    with mmap.mmap(-1, 4 * BYTES) as held:
        np.frombuffer(held, np.uint8)[:] = 1
        peak = peak_memory_bytes()
    reset_peak_memory()
    assert peak_memory_bytes() < peak - BYTES
