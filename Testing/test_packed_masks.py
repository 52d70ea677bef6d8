"""Masks in a few bytes: there and back, equal for equal voxels, damage told."""

from __future__ import annotations

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.packed_masks import PackedMask


@given(st.lists(st.booleans(), min_size=24, max_size=24), st.tuples(*[st.integers(-3, 9)] * 3))
def test_a_mask_comes_back_where_it_was(voxels, start):
    mask = np.array(voxels).reshape(2, 3, 4)
    packed = PackedMask.of(mask, start)
    whole = np.zeros((2, 3, 4), bool)
    if not packed.is_empty:
        i, j, k = start
        whole[packed.box.shift((-i, -j, -k)).slices_kji()] = packed.unpack()
    assert np.array_equal(whole, mask)
    assert PackedMask.from_json(json.loads(json.dumps(packed.to_json()))) == packed


def test_masks_are_equal_when_their_voxels_are():
    small, large = np.ones((1, 1, 2), bool), np.zeros((3, 3, 4), bool)
    large[1, 1, 1:3] = True
    assert PackedMask.of(small, (1, 1, 1)) == PackedMask.of(large)
    assert PackedMask.of(np.zeros((2, 2, 2), bool), (5, 5, 5)) == PackedMask()


def test_a_mask_is_something_to_start_from_unless_it_is_empty():
    assert PackedMask.of(np.ones((1, 1, 2), bool)).as_prompt().box == IndexBox((0, 0, 0), (2, 1, 1))
    with pytest.raises(PromptError, match="is empty"):
        PackedMask().as_prompt()


def test_damaged_voxels_are_refused_when_they_are_read():
    values = PackedMask.of(np.ones((2, 2, 2), bool)).to_json()
    with pytest.raises(PromptError):
        PackedMask.from_json(values | {"bits": "AAAA"})
