"""A lesion's prompts come back as markups; dragging or deleting one changes the prompt."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from reader_cases import A_BOX, B_BOX

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.markups import prompts_from_markup, roi_around
from SAMLesionLib.host.prompt_nodes import PromptNodes
from SAMLesionLib.host.volumes import world_affine
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, MaskPrompt, PointPrompt, ScribblePrompt

pytestmark = pytest.mark.mrml
PROMPTS = (
    BoxPrompt(A_BOX),
    PointPrompt((3.0, 4.0, 2.0)),
    MaskPrompt(A_BOX, np.ones(A_BOX.shape_kji, bool)),
    LinePrompt((2.0, 3.0, 2.0), (6.0, 5.0, 2.0)),
    PointPrompt((8.0, 8.0, 2.0), is_positive=False),
    ScribblePrompt(tuple((float(i), 4.0, 2.0) for i in range(1, 9)), is_positive=False),
)


@pytest.fixture
def shown(reader) -> Iterator[PromptNodes]:
    nodes = PromptNodes(reader.controller)
    yield nodes
    nodes.close()


@pytest.fixture
def a_prompted_lesion(reader, a_lesion, shown) -> str:
    reader.annotation.add_prompt(a_lesion, *PROMPTS)
    shown.show(a_lesion)
    return a_lesion


def drag(node, point_ras) -> None:
    node.SetNthControlPointPositionWorld(0, *point_ras)
    node.InvokeEvent(node.PointEndInteractionEvent)


def test_each_prompt_is_a_markup_that_reads_as_the_prompt(reader, a_prompted_lesion, shown):
    assert shown.nodes[2] is None
    for node, prompt in zip(shown.nodes, PROMPTS, strict=True):
        if node is None:
            continue
        (read,) = prompts_from_markup(node, reader.volume)
        assert type(read) is type(prompt)
        voxels, expected = (np.round(x.positions_ijk()[[0, -1]], 3) for x in (read, prompt))
        assert np.array_equal(np.floor(voxels + 0.5), expected)
        assert getattr(read, "is_positive", True) == getattr(prompt, "is_positive", True)
        assert (node.GetHideFromEditors(), node.GetSaveWithScene()) == (1, 0)


def test_a_dragged_point_replaces_its_prompt(reader, a_prompted_lesion, shown):
    node = shown.nodes[4]
    drag(node, world_affine(reader.volume).to_ras((9.0, 7.0, 3.0))[0])
    moved = reader.annotation.lesion(a_prompted_lesion).prompts.prompts[4]
    assert not moved.is_positive
    assert np.allclose(moved.point_ijk, (9, 7, 3))
    assert shown.nodes[4] is node
    reader.annotation.undo()
    assert shown.nodes[4] is not node
    (read,) = prompts_from_markup(shown.nodes[4], reader.volume)
    assert np.allclose(read.point_ijk, (8, 8, 2))


def test_a_box_that_is_moved_keeps_its_size_and_snaps_to_voxels(reader, a_prompted_lesion, shown):
    roi = shown.nodes[0]
    for _ in range(3):
        r, a, s = roi.GetCenterWorld()
        roi.SetCenterWorld(r - 0.8 * 1.3, a, s + 0.4)  # 1.3 voxels along i, less than half of one along k
        roi.InvokeEvent(roi.PointEndInteractionEvent)
    assert reader.annotation.lesion(a_prompted_lesion).prompts.prompts[0].box == A_BOX.shift((3, 0, 0))
    (read,) = prompts_from_markup(roi, reader.volume)
    assert read.box == A_BOX.shift((3, 0, 0))


def test_a_box_that_is_resized_is_shown_as_the_voxels_it_was_understood_to_be(
    reader, a_prompted_lesion, shown
):
    roi = shown.nodes[0]
    roi.SetSize(*(np.array(roi.GetSize()) * (1.3, 1, 1)))
    roi.InvokeEvent(roi.PointEndInteractionEvent)
    box = reader.annotation.lesion(a_prompted_lesion).prompts.prompts[0].box
    assert box == IndexBox((1, 3, 1), (8, 9, 5))
    assert np.allclose(roi.GetSize(), np.array(box.shape_ijk) * (0.8, 0.9, 2.5))


def test_what_is_dragged_off_the_image_goes_back_and_that_is_told(reader, a_prompted_lesion, shown):
    before = reader.annotation.snapshot
    drag(shown.nodes[1], (500.0, 0.0, 0.0))
    assert "lies outside CT_chest" in reader.failures[0].message
    assert reader.annotation.snapshot is before
    (read,) = prompts_from_markup(shown.nodes[1], reader.volume)
    assert np.allclose(read.point_ijk, (3, 4, 2))


def test_a_deleted_point_takes_its_prompt_with_it(reader, a_prompted_lesion, shown):
    node = shown.nodes[1]
    node.RemoveNthControlPoint(0)
    assert reader.annotation.lesion(a_prompted_lesion).prompts.prompts == (PROMPTS[0], *PROMPTS[2:])
    assert node not in shown.nodes
    shown.show(a_prompted_lesion)
    assert not reader.scene.IsNodePresent(node)


def test_another_lesion_shows_its_own_prompts_and_an_accepted_one_is_locked(reader, shown):
    first, second = reader.drawn(A_BOX), reader.drawn(B_BOX)
    shown.show(first)
    shown.show(second)
    assert len(shown.nodes) == 1
    assert not shown.nodes[0].GetLocked()
    reader.controller.accept(second)
    assert shown.nodes[0].GetLocked()
    reader.annotation.reopen(second)
    assert not shown.nodes[0].GetLocked()
    reader.annotation.delete(second)
    assert shown.nodes == ()


def test_no_node_of_ours_stays_and_none_of_the_readers_goes(reader, a_prompted_lesion, shown):
    own = roi_around(reader.scene, A_BOX, reader.volume)
    shown.close()
    left = [
        reader.scene.GetNthNodeByClass(n, "vtkMRMLMarkupsNode")
        for n in range(reader.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode"))
    ]
    assert left == [own]


def test_the_scene_may_be_cleared_under_it(reader, a_prompted_lesion, shown):
    reader.scene.Clear(False)
    shown.close()
