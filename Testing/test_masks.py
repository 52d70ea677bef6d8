from __future__ import annotations

import numpy as np
import pytest

from SAMLesionLib import IndexBox, MaskUpdate, RunReport, collect

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
