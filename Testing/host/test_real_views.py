"""A mouse in a real slice view, drawn off the screen: a box becomes a segment, a click is dragged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import vtk
from fakes import FakeSegmenter
from mrml_cases import make_volume
from reader_cases import settle

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.prompt_nodes import PromptNodes
from SAMLesionLib.host.session import Session
from SAMLesionLib.host.slice_views import box_in_view, slice_of
from SAMLesionLib.host.volumes import world_affine
from SAMLesionLib.prompts import BoxPrompt, PointPrompt

pytestmark = pytest.mark.mrml
SIDE_PX = 300
LESION = IndexBox((24, 20, 4), (44, 36, 8))


class Mouse:
    """Moves, clicks and drags in a view, at places of the patient."""

    def __init__(self, view: Any, slice_node: Any) -> None:
        self._interactor = view.interactor()
        self.slice_node = slice_node

    def click(self, point_ras: Any) -> None:
        self._go(point_ras)
        self._interactor.InvokeEvent("LeftButtonPressEvent")
        self._interactor.InvokeEvent("LeftButtonReleaseEvent")

    def drag(self, start_ras: Any, stop_ras: Any) -> None:
        self._go(start_ras)
        self._interactor.InvokeEvent("LeftButtonPressEvent")
        for part in (0.5, 1.0):
            self._go(np.add(start_ras, part * np.subtract(stop_ras, start_ras)))
        self._interactor.InvokeEvent("LeftButtonReleaseEvent")

    def _go(self, point_ras: Any) -> None:
        ras_to_xy = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.slice_node.GetXYToRAS(), ras_to_xy)
        x, y, _, _ = ras_to_xy.MultiplyPoint((*point_ras, 1.0))
        self._interactor.SetEventPosition(round(x), round(y))
        self._interactor.InvokeEvent("MouseMoveEvent")


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    os.environ.setdefault(
        "VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow"
    )  # VTK asks for a display otherwise
    from trame_slicer.core import SlicerApp
    from trame_slicer.views import DirectViewFactory

    app = SlicerApp()
    app.view_manager.register_factory(DirectViewFactory(do_render_offscreen=True))
    yield app
    app.io_manager.cache_dir.cleanup()


@pytest.fixture(scope="module")
def mouse(app: Any) -> Iterator[Mouse]:
    """A mouse over the axial view of a scan with a bright lesion, at slice 5."""
    from trame_slicer.views import ViewLayoutDefinition

    voxels = np.random.default_rng(0).integers(0, 40, (12, 64, 64)).astype(np.int16)
    voxels[LESION.slices_kji()] += 200
    volume = make_volume(app.scene, voxels, np.diag([-1.0, -1.0, 3.0, 1.0]))
    view = app.view_manager.create_view(ViewLayoutDefinition.axial_view())
    view.interactor().UpdateSize(SIDE_PX, SIDE_PX)
    app.display_manager.show_volume_in_slice_background(volume)
    app.display_manager.reset_views()
    view.set_slice_value(15.0)
    view.render()
    yield Mouse(view, app.scene.GetFirstNodeByClass("vtkMRMLSliceNode"))
    view.set_render_blocked(True)
    app.scene.RemoveNode(volume)  # while there still are colours to draw it with


@pytest.fixture
def session(app: Any, mouse: Mouse) -> Iterator[Session]:
    volume = app.scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    session = Session.open(FakeSegmenter(), volume, parameters=Parameters("fake"))
    yield session
    session.close()
    app.scene.RemoveNode(session.controller.segments.node)


def test_two_clicks_place_a_box_and_the_lesion_becomes_a_segment(app, mouse, session):
    controller, volume = session.controller, session.controller.segments.volume_node
    assert slice_of(mouse.slice_node, volume) == (2, 5)
    roi = app.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.CreateDefaultDisplayNodes()
    app.markups_logic.place_node(roi, persistent=False)
    for corner_ijk in ((22, 18, 5), (46, 38, 5)):
        mouse.click(world_affine(volume).to_ras(corner_ijk)[0])
    lesion = controller.add_lesion()
    (prompt,) = controller.add_markup(roi, lesion).prompts
    assert prompt.box.intersect(LESION) == LESION  # the ROI is as deep as it is wide
    settle(controller)
    mask = controller.segments.read(lesion)
    assert mask[LESION.slices_kji()].all()
    assert mask.sum() == LESION.n_voxels
    app.scene.RemoveNode(roi)


def test_a_drag_across_the_view_is_the_box_under_it(mouse, session):
    volume = session.controller.segments.volume_node
    first, second = world_affine(volume).to_ras([(24.2, 20.3, 5), (43.1, 35.4, 5)])
    box = box_in_view(mouse.slice_node, first, second, volume)
    assert box == BoxPrompt(IndexBox((24, 20, 5), (44, 36, 6)), 2)


def test_a_click_is_dragged_to_another_place_with_the_mouse(mouse, session):
    volume = session.controller.segments.volume_node
    lesion = session.controller.add_lesion()
    session.annotation.add_prompt(lesion, PointPrompt((30.0, 30.0, 5.0)))
    nodes = PromptNodes(session.controller)
    nodes.show(lesion)
    start, stop = world_affine(volume).to_ras([(30, 30, 5), (40, 24, 5)])
    mouse.drag(start, stop)
    (moved,) = session.annotation.lesion(lesion).prompts
    assert np.allclose(moved.point_ijk, (40, 24, 5), atol=1.0)  # a pixel of the view
    session.controller.undo()
    assert session.annotation.lesion(lesion).prompts.prompts == (PointPrompt((30.0, 30.0, 5.0)),)
    nodes.close()
