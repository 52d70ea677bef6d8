from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib import IndexBox, MaskUpdate, RunReport, collect
from SAMLesionLib.errors import PromptError
from SAMLesionLib.masks import pack_bits, unpack_bits

REPORT = RunReport("lite", "00", "cpu", "float32", "0.1", 1.0, 0.5, 3)
BLOCK = IndexBox((1, 0, 2), (4, 2, 3))


def test_updates_replace_their_block_and_leave_the_rest() -> None:
    first = MaskUpdate(BLOCK, np.ones(BLOCK.shape_kji, bool), 0.5)
    inner = IndexBox((2, 0, 2), (3, 1, 3))
    second = MaskUpdate(inner, np.zeros(inner.shape_kji, bool), report=REPORT)

    mask, report = collect([first, second], (5, 4, 3))

    assert mask.shape == (3, 4, 5)
    assert int(mask.sum()) == BLOCK.n_voxels - 1
    assert not mask[2, 0, 2]
    assert report is REPORT
    assert (first.is_last, second.is_last) == (False, True)


def test_an_empty_stream_is_an_empty_mask_without_a_report() -> None:
    mask, report = collect([], (5, 4, 3))

    assert not mask.any()
    assert report is None


def test_a_mask_that_does_not_fill_its_block_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="must fill the block"):
        MaskUpdate(BLOCK, np.ones((3, 2, 1), bool))


def test_an_update_cannot_be_changed_and_takes_numbers_as_booleans() -> None:
    update = MaskUpdate(BLOCK, np.full(BLOCK.shape_kji, 2, np.uint8))  # type: ignore[arg-type]

    assert update.mask.dtype == bool
    assert update.mask.all()
    with pytest.raises(ValueError, match="read-only"):
        update.mask[0, 0, 0] = False


@given(st.tuples(*[st.integers(1, 6)] * 3), st.integers(0, 99))
def test_bits_survive_packing(shape_kji: tuple[int, int, int], seed: int) -> None:
    mask = np.random.default_rng(seed).random(shape_kji) > 0.5

    np.testing.assert_array_equal(unpack_bits(pack_bits(mask), shape_kji), mask)


@pytest.mark.parametrize(
    ("data", "shape_kji", "words"),
    [
        (b"no deflate", (2, 2, 2), "damaged"),
        (zlib.compress(b"\0\0\0"), (2, 2, 2), "another count"),
        (zlib.compress(b"\0" * 10), (9, 9, 9), "another count"),
        (zlib.compress(b"\0" * 1000)[:-6], (20, 20, 20), "another count"),
        (zlib.compress(b"\0"), (0, 2, 2), "between 1 and"),
        (zlib.compress(b"\0"), (2**20, 2**20, 2**20), "between 1 and"),
    ],
)
def test_bits_that_do_not_fill_the_block_are_refused(data: bytes, shape_kji: Any, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        unpack_bits(data, shape_kji)
