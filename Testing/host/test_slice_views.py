"""A box dragged in a slice view is the voxels under it, in every view along them."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from mrml_cases import SHAPE_KJI, any_affine, make_volume, put_under

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.host.slice_views import box_in_view, slice_of
from SAMLesionLib.host.volumes import matrix_from_array, world_affine
from SAMLesionLib.prompts import BoxPrompt

pytestmark = pytest.mark.mrml
SHAPE_IJK = SHAPE_KJI[::-1]


def a_view(scene: Any, across_ras, down_ras, origin_ras) -> Any:
    """A slice view spanned by two directions through a point."""
    matrix = np.eye(4)
    across = np.asarray(across_ras) / np.linalg.norm(across_ras)
    normal = np.cross(across, down_ras)
    normal /= np.linalg.norm(normal)
    matrix[:3, :3] = np.stack([across, np.cross(normal, across), normal], axis=1)
    matrix[:3, 3] = origin_ras
    node = scene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    node.GetSliceToRAS().DeepCopy(matrix_from_array(matrix))
    return node


def a_view_along(scene: Any, volume: Any, axis: int, index: float) -> Any:
    """The view of one slice of a volume, through any of its points."""
    affine = world_affine(volume)
    across, down = (affine.ijk_to_ras[:3, a] for a in range(3) if a != axis)
    at = np.array([1.0, 2.0, 3.0])
    at[axis] = index
    return a_view(scene, across, down, affine.to_ras(at)[0])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_box_dragged_along_the_voxels_is_those_voxels(data):
    with HeadlessHost() as host:
        volume = make_volume(host.scene, ijk_to_ras=any_affine(data.draw, may_shear=False))
        if data.draw(st.booleans()):
            put_under(volume, any_affine(data.draw, may_shear=False) * [[2.0], [2.0], [2.0], [1.0]])
        affine = world_affine(volume)
        steps = affine.ijk_to_ras[:3, :3]
        if np.abs(steps.T @ steps - np.diag(np.diag(steps.T @ steps))).max() > 1e-6:
            return  # two uneven scalings made a shear, which the view's rectangle cannot follow
        axis = data.draw(st.integers(0, 2))
        index = data.draw(st.integers(0, SHAPE_IJK[axis] - 1))
        view = a_view_along(host.scene, volume, axis, index + data.draw(st.floats(-0.4, 0.4)))
        start = [data.draw(st.integers(0, n - 2)) for n in SHAPE_IJK]
        last = [data.draw(st.integers(a + 1, n - 1)) for a, n in zip(start, SHAPE_IJK, strict=True)]
        start[axis] = last[axis] = index
        first, second = affine.to_ras([start, last])
        assert slice_of(view, volume) == (axis, index)
        box = box_in_view(view, first, second, volume)
        assert box == BoxPrompt(IndexBox(tuple(start), tuple(np.add(last, 1))), axis)


def test_a_view_that_is_turned_in_its_plane_gives_a_box_around_what_was_drawn(scene, new_volume):
    volume = new_volume(ijk_to_ras=np.eye(4))
    view = a_view(scene, (1, 1, 0), (-1, 1, 0), (6, 5, 4))
    box = box_in_view(view, (6, 3, 4), (6, 7, 4), volume)  # the diamond's lower and upper corner
    assert box.box == IndexBox((4, 3, 4), (9, 8, 5))


def test_an_oblique_view_is_refused_and_a_slightly_tilted_one_is_not(scene, new_volume):
    volume = new_volume(ijk_to_ras=np.eye(4))
    with pytest.raises(PromptError, match="cuts CT_chest obliquely"):
        slice_of(a_view(scene, (1, 0, 0.1), (0, 1, 0), (6, 5, 4)), volume)
    assert slice_of(a_view(scene, (1, 0, 0.01), (0, 1, 0), (6, 5, 4)), volume) == (2, 4)


def test_a_view_beside_the_image_and_boxes_off_it_are_refused(scene, new_volume):
    volume = new_volume(ijk_to_ras=np.eye(4))
    with pytest.raises(PromptError, match="shows no slice of CT_chest"):
        slice_of(a_view(scene, (1, 0, 0), (0, 1, 0), (6, 5, 9.6)), volume)
    view = a_view(scene, (1, 0, 0), (0, 1, 0), (6, 5, 4))
    with pytest.raises(PromptError, match="lies outside CT_chest"):
        box_in_view(view, (30, 3, 4), (40, 7, 4), volume)
    with pytest.raises(PromptError, match="only one voxel wide"):
        box_in_view(view, (3, 3, 4), (3.2, 7, 4), volume)
