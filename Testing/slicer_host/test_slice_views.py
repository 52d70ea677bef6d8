"""The slice views are Slicer's own, drawn off the screen and driven by the mouse of Qt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage

from slicer_host.hands import Mouse, pixel_of


@pytest.fixture
def a_volume(a_slicer: Any) -> Any:
    import slicer

    voxels = np.zeros((20, 64, 64), np.int16)
    voxels[5:15, 20:40, 20:40] = 1000
    node = slicer.util.addVolumeFromArray(voxels, name="CT")
    node.CreateDefaultDisplayNodes()
    return node


@pytest.fixture
def a_red_view(a_slicer: Any, a_volume: Any) -> Any:
    import slicer

    widget = slicer.app.layoutManager().sliceWidget("Red")
    a_slicer.app.processEvents()
    slicer.util.setSliceViewerLayers(background=a_volume, fit=True)
    return widget


def test_the_views_have_slicers_nodes_before_anything_is_drawn(a_slicer: Any) -> None:
    import slicer

    manager = slicer.app.layoutManager()
    assert manager.sliceViewNames() == ("Red", "Green", "Yellow")
    assert slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed").GetOrientation() == "Axial"
    assert slicer.mrmlScene.GetNodeByID("vtkMRMLSliceCompositeNodeYellow") is not None
    assert slicer.app.applicationLogic().GetSliceLogics().GetNumberOfItems() == 3
    assert manager.sliceWidget("Purple") is None


def test_a_loaded_volume_is_drawn(a_red_view: Any, screenshot: Any) -> None:
    image = QImage(str(screenshot("view", a_red_view.sliceView())))
    grey = {image.pixelColor(x, image.height() // 2).lightness() for x in range(image.width())}
    assert {0, 255} <= grey


def test_a_drag_of_the_mouse_reaches_the_interactor_at_the_right_place(a_red_view: Any) -> None:
    view = a_red_view.sliceView()
    seen = []
    for event in ("LeftButtonPressEvent", "MouseMoveEvent", "LeftButtonReleaseEvent"):
        view.interactor().AddObserver(
            event, lambda caller, what: seen.append((what, caller.GetEventPosition()))
        )
    Mouse(view).drag([(30, 20), (50, 60)])
    assert seen[0] == ("LeftButtonPressEvent", (30, view.height - 21))
    assert seen[-1] == ("LeftButtonReleaseEvent", (50, view.height - 61))


def test_a_point_is_placed_by_a_click(a_red_view: Any, a_slicer: Any) -> None:
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    node.CreateDefaultDisplayNodes()
    selection = slicer.app.applicationLogic().GetSelectionNode()
    selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
    selection.SetActivePlaceNodeID(node.GetID())
    slicer.app.applicationLogic().GetInteractionNode().SwitchToSinglePlaceMode()
    place_ras = (25.0, 30.0, 10.0)
    Mouse(a_red_view.sliceView()).click(pixel_of(a_red_view, place_ras))
    assert node.GetNumberOfDefinedControlPoints() == 1
    assert node.GetNthControlPointPositionWorld(0) == pytest.approx(place_ras, abs=0.2)


def test_rendering_can_be_paused(a_red_view: Any) -> None:
    import slicer

    with slicer.util.RenderBlocker():
        assert a_red_view.sliceView().isRenderPaused()
    assert not a_red_view.sliceView().isRenderPaused()


@pytest.mark.parametrize("with_singletons", [False, True])
def test_a_cleared_scene_keeps_the_views(
    a_red_view: Any, a_slicer: Any, a_volume: Any, with_singletons: bool
) -> None:
    a_slicer.scene.Clear(with_singletons)
    assert a_red_view.mrmlSliceNode().GetScene() is a_slicer.scene
    assert a_red_view.mrmlSliceCompositeNode().GetBackgroundVolumeID() in (None, "")
