"""Markups become prompts in voxels, wherever the volume lies and however it is turned."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from mrml_cases import any_affine, any_box, make_volume, put_under, put_under_bend

from SAMLesionLib.errors import ImageError, PromptError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.host.markups import SIGN_ATTRIBUTE, prompts_from_markup, roi_around
from SAMLesionLib.host.volumes import matrix_from_array, world_affine
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, MaskPrompt, PointPrompt

pytestmark = pytest.mark.mrml

A_BOX = IndexBox((2, 3, 1), (7, 9, 5))
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def markup(scene, kind, points_ras, name="Prompt"):
    node = scene.AddNewNodeByClass(f"vtkMRMLMarkups{kind}Node", name)
    for point in points_ras:
        node.AddControlPointWorld(*map(float, point))
    return node


@pytest.fixture
def to_ras(a_volume_node):
    return world_affine(a_volume_node).to_ras


# --- boxes


@quick
@given(st.data())
def test_a_roi_drawn_around_known_voxels_gives_their_box(data):
    with HeadlessHost() as host:
        volume = make_volume(host.scene, ijk_to_ras=any_affine(data.draw, may_shear=False))
        if data.draw(st.booleans()):
            put_under(volume, any_affine(data.draw))  # shearing, too: the ROI lies under it as well
        box = any_box(data.draw)
        roi = roi_around(host.scene, box, volume)
        assert prompts_from_markup(roi, volume).prompts == (BoxPrompt(box),)


@quick
@given(st.data())
def test_a_roi_drawn_along_a_sheared_grid_gives_its_box(data):
    """The ROI is drawn in voxel coordinates, under a transform that is the grid itself."""
    with HeadlessHost() as host:
        grid, parent = any_affine(data.draw), any_affine(data.draw)
        volume = make_volume(host.scene, ijk_to_ras=grid)
        put_under(volume, parent)
        box = any_box(data.draw)
        roi = host.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
        roi.SetCenter(*box.centre_ijk)
        roi.SetSize(*box.shape_ijk)
        put_under(roi, parent @ grid)
        assert prompts_from_markup(roi, volume).prompts == (BoxPrompt(box),)


@quick
@given(st.data())
def test_a_roi_of_any_orientation_gives_the_box_of_all_its_corners(data):
    with HeadlessHost() as host:
        volume = make_volume(host.scene, ijk_to_ras=any_affine(data.draw))
        affine = world_affine(volume)
        turn = any_affine(data.draw, may_shear=False)
        turn[:3, :3] /= np.linalg.norm(turn[:3, :3], axis=0)
        turn[:3, :3] *= np.sign(np.linalg.det(turn[:3, :3]))
        turn[:3, 3] = affine.to_ras([[6, 5, 4]])[0]
        size = np.array([data.draw(st.floats(4, 30)) for _ in range(3)])
        roi = host.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
        roi.SetSize(*size)
        roi.SetAndObserveObjectToNodeMatrix(matrix_from_array(turn))
        signs = np.array(list(np.ndindex(2, 2, 2))) - 0.5
        corners = affine.to_ijk((signs * size) @ turn[:3, :3].T + turn[:3, 3])
        expected = IndexBox.around(corners)
        if sum(n == 1 for n in expected.shape_ijk) <= 1:
            assert prompts_from_markup(roi, volume).prompts[0].box == expected


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_roi_over_one_slice_is_a_2d_box(scene, new_volume, axis):
    volume = new_volume(ijk_to_ras=np.diag([-0.7, -0.8, 2.5, 1.0]))
    stop = list(A_BOX.stop_ijk)
    stop[axis] = A_BOX.start_ijk[axis] + 1
    box = IndexBox(A_BOX.start_ijk, tuple(stop))
    roi = roi_around(scene, box, volume)
    assert prompts_from_markup(roi, volume).prompts == (BoxPrompt(box, axis),)


def test_a_flat_roi_is_a_2d_box(scene, new_volume):
    volume = new_volume(ijk_to_ras=np.diag([0.5, 0.5, 2.0, 1.0]))
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenter(2.0, 2.0, 6.4)
    roi.SetSize(2.0, 3.0, 0.0)
    assert prompts_from_markup(roi, volume).prompts == (BoxPrompt(IndexBox((2, 1, 3), (7, 8, 4)), 2),)


def test_boxes_that_are_unfinished_tiny_or_off_the_image_are_refused(scene, new_volume):
    volume = new_volume(ijk_to_ras=np.eye(4))
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Box")
    with pytest.raises(PromptError, match=r"The box Box is not finished\. Click its two corners"):
        prompts_from_markup(roi, volume)
    roi.SetCenter(3.0, 3.0, 3.0)
    roi.SetSize(0.5, 0.5, 4.0)
    with pytest.raises(PromptError, match="The box Box covers only 1 x 1 x 5 voxels"):
        prompts_from_markup(roi, volume)
    roi.SetSize(5.0, 5.0, 5.0)
    roi.SetCenter(3.0, 3.0, 90.0)
    with pytest.raises(PromptError, match=r"lies outside CT_chest \(13 x 11 x 9 voxels\)\. Draw it on"):
        prompts_from_markup(roi, volume)


# --- points


def test_points_are_read_in_voxels_in_the_order_they_were_placed(scene, a_volume_node, to_ras):
    put_under(a_volume_node, np.array([[0, -1, 0, 5.0], [1, 0, 0, -3.0], [0, 0.1, 1, 2.0], [0, 0, 0, 1]]))
    voxels = [(1, 2, 3), (7.25, 0.5, 4)]
    node = markup(scene, "Fiducial", world_affine(a_volume_node).to_ras(voxels))
    prompts = prompts_from_markup(node, a_volume_node).prompts
    assert np.allclose([p.point_ijk for p in prompts], voxels)
    assert all(p.is_positive for p in prompts)


def test_points_under_a_transform_of_their_own_are_read_where_they_are_seen(scene, a_volume_node, to_ras):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    node.AddControlPoint(*(to_ras([[4, 5, 6]])[0] - [10, 20, 30]))
    put_under(node, np.array([[1, 0, 0, 10], [0, 1, 0, 20], [0, 0, 1, 30], [0, 0, 0, 1.0]]))
    assert np.allclose(prompts_from_markup(node, a_volume_node).prompts[0].point_ijk, (4, 5, 6))


def test_only_placed_points_count(scene, a_volume_node, to_ras):
    node = markup(scene, "Fiducial", to_ras([(1, 2, 3), (4, 4, 4), (5, 5, 5), (6, 6, 6)]))
    node.SetNthControlPointPositionMissing(1)
    node.ResetNthControlPointPosition(2)
    node.SetNthControlPointPositionWorld(3, *to_ras([(6, 6, 6)])[0], node.PositionPreview)
    assert len(prompts_from_markup(node, a_volume_node)) == 1
    node.ResetNthControlPointPosition(0)
    with pytest.raises(PromptError, match="has no placed point"):
        prompts_from_markup(node, a_volume_node)


@pytest.mark.parametrize(
    ("name", "attribute", "description", "is_positive"),
    [
        ("F", None, "", True),
        ("F", "negative", "", False),
        ("Negative points", None, "", False),
        ("Background", "positive", "", True),
        ("F", "negative", "+", True),
        ("F", None, "-", False),
        ("F-1", None, "", True),
        ("Negation", None, "", True),
    ],
)
def test_the_sign_is_said_by_the_point_then_the_attribute_then_the_name(
    scene, a_volume_node, to_ras, name, attribute, description, is_positive
):
    node = markup(scene, "Fiducial", to_ras([(1, 2, 3)]), name)
    node.SetNthControlPointLabel(0, "F-1")
    node.SetAttribute(SIGN_ATTRIBUTE, attribute)
    node.SetNthControlPointDescription(0, description)
    (prompt,) = prompts_from_markup(node, a_volume_node)
    assert isinstance(prompt, PointPrompt)
    assert prompt.is_positive is is_positive


def test_a_point_off_the_image_is_refused(scene, a_volume_node, to_ras):
    node = markup(scene, "Fiducial", to_ras([(1, 2, 30)]))
    with pytest.raises(PromptError, match=r"This point .* lies outside CT_chest"):
        prompts_from_markup(node, a_volume_node)


# --- lines and curves


def test_a_line_keeps_its_two_ends(scene, a_volume_node, to_ras):
    node = markup(scene, "Line", to_ras([(1, 2, 3), (8, 6, 3)]))
    (prompt,) = prompts_from_markup(node, a_volume_node)
    assert isinstance(prompt, LinePrompt)
    assert np.allclose(prompt.positions_ijk(), [(1, 2, 3), (8, 6, 3)])


def test_half_a_line_is_refused(scene, a_volume_node, to_ras):
    node = markup(scene, "Line", to_ras([(1, 2, 3)]), "L")
    with pytest.raises(PromptError, match="The line L has 1 of 2 ends"):
        prompts_from_markup(node, a_volume_node)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_closed_curve_becomes_the_voxels_it_encloses(scene, a_volume_node, to_ras, axis):
    in_plane = [a for a in range(3) if a != axis]
    corners = np.full((4, 3), 4.2)
    corners[:, in_plane] = [(1.5, 2.5), (5.5, 2.5), (5.5, 6.5), (1.5, 6.5)]
    node = markup(scene, "ClosedCurve", to_ras(corners))
    node.SetCurveTypeToLinear()
    (prompt,) = prompts_from_markup(node, a_volume_node)
    start, stop = np.full(3, 4), np.full(3, 5)
    start[in_plane], stop[in_plane] = (2, 3), (6, 7)
    assert isinstance(prompt, MaskPrompt)
    found = np.argwhere(prompt.mask)[:, ::-1] + prompt.box.start_ijk
    expected = np.stack(np.meshgrid(*map(np.arange, start, stop), indexing="ij"), -1).reshape(-1, 3)
    assert sorted(map(tuple, found)) == sorted(map(tuple, expected))


@pytest.mark.parametrize(("name", "is_positive"), [("Stroke", True), ("negative stroke", False)])
def test_an_open_curve_is_a_stroke_with_one_point_a_voxel(scene, a_volume_node, name, is_positive):
    ends = world_affine(a_volume_node).to_ras([(1.0, 2.0, 3.0), (6.0, 2.0, 3.0), (6.0, 7.0, 3.0)])
    node = markup(scene, "Curve", ends, name)
    node.SetCurveTypeToLinear()
    (stroke,) = prompts_from_markup(node, a_volume_node)
    assert stroke.is_positive is is_positive
    voxels = np.floor(stroke.positions_ijk() + 0.5).astype(int).tolist()
    passed = [[i, 2, 3] for i in range(1, 7)] + [[6, j, 3] for j in range(3, 8)]
    assert voxels == passed


def test_a_stroke_of_one_point_is_refused(scene, a_volume_node):
    node = markup(scene, "Curve", world_affine(a_volume_node).to_ras([(1, 2, 3)]), "S")
    with pytest.raises(PromptError, match="needs 2 points"):
        prompts_from_markup(node, a_volume_node)


def test_a_round_curve_encloses_the_voxels_of_a_disc(scene, new_volume):
    volume = new_volume(voxels=np.zeros((3, 64, 64), np.int16), ijk_to_ras=np.diag([-1.0, -1, 3, 1]))
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    circle = np.stack([31.3 + 20 * np.cos(angles), 30.7 + 20 * np.sin(angles), np.ones(64)], 1)
    node = markup(scene, "ClosedCurve", world_affine(volume).to_ras(circle))
    (prompt,) = prompts_from_markup(node, volume)
    found = np.argwhere(prompt.mask)[:, ::-1] + prompt.box.start_ijk
    j, i = np.mgrid[:64, :64]
    distance = np.hypot(i - 31.3, j - 30.7)
    inside = np.zeros((64, 64), bool)
    inside[found[:, 1], found[:, 0]] = True
    assert inside[distance < 19.9].all()
    assert not inside[distance > 20.1].any()
    assert set(found[:, 2]) == {1}


def test_a_curve_through_several_slices_and_half_a_curve_are_refused(scene, a_volume_node, to_ras):
    bent = markup(scene, "ClosedCurve", to_ras([(1, 2, 2), (6, 2, 4), (6, 7, 5), (2, 7, 3)]), "C")
    with pytest.raises(PromptError, match=r"The curve C crosses .* slices of CT_chest; an outline lies"):
        prompts_from_markup(bent, a_volume_node)
    half = markup(scene, "ClosedCurve", to_ras([(1, 2, 2), (6, 2, 2)]), "C")
    with pytest.raises(PromptError, match="The curve C needs 3 points or more"):
        prompts_from_markup(half, a_volume_node)
    tiny = markup(scene, "ClosedCurve", to_ras([(2.2, 2.2, 2), (2.4, 2.2, 2), (2.3, 2.4, 2)]), "C")
    with pytest.raises(PromptError, match="The curve C encloses no voxel"):
        prompts_from_markup(tiny, a_volume_node)


# --- what is no prompt


def test_other_markups_and_unusable_volumes_are_refused(scene, a_volume_node):
    plane = scene.AddNewNodeByClass("vtkMRMLMarkupsPlaneNode", "P")
    with pytest.raises(PromptError, match="P is a MarkupsPlane, which is no prompt"):
        prompts_from_markup(plane, a_volume_node)
    roi = roi_around(scene, A_BOX, a_volume_node)
    put_under_bend(a_volume_node)
    with pytest.raises(ImageError, match="bends space"):
        prompts_from_markup(roi, a_volume_node)
