from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib import BoxPrompt, IndexBox, LinePrompt, MaskPrompt, PointPrompt, PromptSet, ScribblePrompt
from SAMLesionLib.errors import PromptError

BLOCK = IndexBox((1, 2, 3), (4, 6, 8))
places = st.tuples(*[st.floats(-1e3, 1e3)] * 3)
blocks = st.builds(
    lambda a, n: IndexBox(a, tuple(np.add(a, n))),
    st.tuples(*[st.integers(-5, 500)] * 3),
    st.tuples(*[st.integers(1, 6)] * 3),
)


def a_mask_prompt(box: IndexBox, seed: int) -> MaskPrompt:
    mask = np.random.default_rng(seed).random(box.shape_kji) > 0.5
    mask.flat[0] = True
    return MaskPrompt(box, mask)


prompts = st.one_of(
    st.builds(PointPrompt, places, st.booleans()),
    st.builds(BoxPrompt, blocks),
    st.builds(LinePrompt, places, places),
    st.builds(ScribblePrompt, st.lists(places, min_size=1, max_size=4).map(tuple), st.booleans()),
    st.builds(a_mask_prompt, blocks, st.integers(0, 9)),
)


@given(st.lists(prompts, max_size=5))
def test_prompts_survive_json(drawn: list[Any]) -> None:
    prompt_set = PromptSet(tuple(drawn))

    found = PromptSet.from_json(json.loads(prompt_set.dumps()))

    assert found == prompt_set
    assert hash(found) == hash(prompt_set)
    assert found.dumps() == prompt_set.dumps()


def test_a_set_keeps_its_order_and_grows_by_copies() -> None:
    first = PromptSet((BoxPrompt(BLOCK),))
    both = first.add(PointPrompt((1.0, 2.0, 3.0)))

    assert (len(first), len(both)) == (1, 2)
    assert [p.kind for p in both] == ["box", "point"]
    assert both.kinds == {"box", "point"}
    assert both.of(PointPrompt) == [PointPrompt((1.0, 2.0, 3.0))]


def test_positions_say_where_a_prompt_touches_the_image() -> None:
    np.testing.assert_array_equal(BoxPrompt(BLOCK).positions_ijk(), [[1, 2, 3], [3, 5, 7]])
    np.testing.assert_array_equal(a_mask_prompt(BLOCK, 0).positions_ijk(), [[1, 2, 3], [3, 5, 7]])
    np.testing.assert_array_equal(PointPrompt((1, 2, 3)).positions_ijk(), [[1, 2, 3]])
    np.testing.assert_array_equal(LinePrompt((1, 2, 3), (4, 5, 6)).positions_ijk(), [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(ScribblePrompt(((1, 2, 3),)).positions_ijk(), [[1, 2, 3]])


def test_a_2d_box_knows_its_slice() -> None:
    flat = BoxPrompt(IndexBox((1, 7, 3), (4, 8, 8)), axis=1)

    assert flat.index == 7
    assert BoxPrompt.from_json(flat.to_json()) == flat
    with pytest.raises(ValueError, match="no single slice"):
        _ = BoxPrompt(BLOCK).index
    with pytest.raises(PromptError, match="one voxel thick there, got 3 voxels"):
        BoxPrompt(BLOCK, axis=0)
    with pytest.raises(PromptError, match="axis 0, 1 or 2"):
        BoxPrompt(BLOCK, axis=3)


def test_a_mask_prompt_is_cropped_and_cannot_be_changed() -> None:
    whole = np.zeros((9, 9, 9), np.uint8)
    whole[3:8, 2:6, 1:4] = 2

    prompt = MaskPrompt.of(whole)
    whole[:] = 0

    assert prompt.box == BLOCK
    assert prompt.mask.all()
    with pytest.raises(ValueError, match="read-only"):
        prompt.mask[0, 0, 0] = False


def test_empty_drawings_are_refused() -> None:
    with pytest.raises(PromptError, match="at least one point"):
        ScribblePrompt(())
    with pytest.raises(PromptError, match="mask to start from is empty"):
        MaskPrompt.of(np.zeros((2, 2, 2)))
    with pytest.raises(PromptError, match="mask to start from is empty"):
        MaskPrompt(IndexBox((0, 0, 0), (1, 1, 1)), np.zeros((1, 1, 1), bool))
    with pytest.raises(PromptError, match="must fill its block"):
        MaskPrompt(BLOCK, np.ones((1, 1, 1), bool))
    with pytest.raises(PromptError, match="At least one prompt"):
        PromptSet().check_inside((9, 9, 9))


@pytest.mark.parametrize(
    "prompt",
    [
        PointPrompt((9, 0, 0)),
        PointPrompt((0, -0.6, 0)),
        LinePrompt((0, 0, 0), (0, 0, 8.5)),
        ScribblePrompt(((0, 0, 0), (0, 0, 100))),
        BoxPrompt(IndexBox((9, 9, 9), (12, 12, 12))),
        MaskPrompt(IndexBox((9, 9, 9), (10, 10, 10)), np.ones((1, 1, 1), bool)),
    ],
)
def test_prompts_off_the_image_are_refused(prompt: Any) -> None:
    with pytest.raises(PromptError, match=rf"This {prompt.kind} .*lies outside CT \(9 x 9 x 9 voxels\)"):
        PromptSet((PointPrompt((1, 1, 1)), prompt)).check_inside((9, 9, 9), "CT")


def test_prompts_on_the_outermost_voxels_are_on_the_image() -> None:
    edge = (PointPrompt((-0.5, 8.49, 0)), LinePrompt((0, 0, 0), (8.4, 8.4, 8.4)), BoxPrompt(BLOCK))

    PromptSet(edge).check_inside((9, 9, 9))


def test_a_box_or_mask_partly_off_the_image_is_told() -> None:
    over = BoxPrompt(IndexBox((-2, 2, 3), (4, 12, 8)))
    told = PromptSet((BoxPrompt(BLOCK), over)).cut_notices((9, 9, 9), "CT")

    assert told == (
        "The box -2,2,3 to 4,12,8 reached beyond CT (9 x 9 x 9 voxels), "
        "so only the part on the image was used.",
    )
    assert (
        "The mask 1,2,3 to 4,6,8 and others"
        in PromptSet((a_mask_prompt(BLOCK, 0), over)).cut_notices((9, 9, 7))[0]
    )


def test_prompts_wholly_on_the_image_give_no_notice() -> None:
    assert PromptSet((BoxPrompt(BLOCK), PointPrompt((-0.4, 0, 0)))).cut_notices((4, 6, 8)) == ()
    assert PromptSet().cut_notices((4, 6, 8)) == ()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "blob"}, "kind point, box, line, scribble, mask"),
        ({}, "A prompt is an object with kind"),
        ({"kind": ["box"]}, "A prompt is an object with kind"),
        ({"kind": "point", "point_ijk": [0, 0, 0], "is_positive": "false"}, "is true or false, got 'false'"),
        ("box", "A prompt is an object with kind"),
        ({"kind": "box", "start_ijk": [0, 0, 0]}, "box prompt needs the field 'stop_ijk'"),
        ({"kind": "box", "start_ijk": [0, 0.5, 0], "stop_ijk": [1, 1, 1]}, "whole numbers, got 0.5"),
        ({"kind": "box", "start_ijk": [0, 0], "stop_ijk": [1, 1]}, "three whole numbers"),
        ({"kind": "box", "start_ijk": [0, 0, 0], "stop_ijk": [1, 1, 1e300]}, "wrong value"),
        ({"kind": "box", "start_ijk": [0, 0, 0], "stop_ijk": [1, 1, float("inf")]}, "wrong value"),
        ({"kind": "box", "start_ijk": [0, 0, 0], "stop_ijk": [1, 1, True]}, "wrong value"),
        ({"kind": "point", "point_ijk": [0, 0, float("nan")], "is_positive": True}, "finite"),
        ({"kind": "point", "point_ijk": "abc", "is_positive": True}, "wrong value"),
        ({"kind": "line", "start_ijk": [0, 0, 0], "stop_ijk": None}, "wrong value"),
        ({"kind": "mask", "start_ijk": [0, 0, 0], "stop_ijk": [2, 2, 2], "bits": "?"}, "wrong value"),
    ],
)
def test_broken_values_are_refused_with_their_name(values: Any, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        PromptSet.from_json([values])


def test_a_small_message_cannot_fill_the_memory() -> None:
    bomb = base64.b64encode(zlib.compress(b"\0" * 10**7)).decode()
    values = {"kind": "mask", "start_ijk": [0, 0, 0], "stop_ijk": [8, 8, 8], "bits": bomb}

    with pytest.raises(PromptError, match="another count"):
        PromptSet.from_json([values])


def test_a_box_drawn_in_3d_over_one_slice_is_a_2d_box_in_that_slice() -> None:
    assert BoxPrompt.from_roi(IndexBox((1, 2, 3), (5, 6, 4))) == BoxPrompt(IndexBox((1, 2, 3), (5, 6, 4)), 2)
    assert BoxPrompt.from_roi(IndexBox((1, 2, 3), (5, 6, 7))).axis is None
    assert BoxPrompt.from_roi(IndexBox((1, 2, 3), (2, 3, 7))).axis is None
