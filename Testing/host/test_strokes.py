"""Strokes in the Segment Editor, by Slicer's own logic of editing, in the order in which its effects work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from vtkmodules.util.numpy_support import vtk_to_numpy

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.segments import LesionSegments
from SAMLesionLib.host.strokes import StrokeWatch

pytestmark = pytest.mark.mrml


class Hand:
    """A reader with the Segment Editor, and what the recorder is told."""

    def __init__(self, scene: Any, segments: LesionSegments) -> None:
        self.segments, self.lesion = segments, segments.add()
        self.notes: list[dict[str, Any]] = []
        self.view = vtk.vtkRenderWindowInteractor()
        self.views = [self.view]
        self.node = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        self.logic = slicer.vtkSlicerSegmentEditorLogic()
        self.logic.SetMRMLScene(scene)
        self.logic.SetSegmentEditorNode(self.node)
        self.logic.SetSegmentationNode(segments.node)
        self.logic.SetSourceVolumeNode(segments.volume_node)
        self.logic.SetCurrentSegmentID(self.lesion)
        self.watch = StrokeWatch(segments.node, lambda: self.views, self._note)

    def _note(self, kind: str, **facts: Any) -> None:
        assert kind == "stroke"
        self.notes.append(facts)

    @property
    def tools(self) -> list[str]:
        return [facts["tool"] for facts in self.notes]

    def takeUp(self, tool: str) -> None:
        self.node.SetActiveEffectName(tool)

    def change(self, value: int = 1) -> None:
        """What an effect does when it applies itself."""
        self.logic.UpdateReferenceGeometryImage()
        self.logic.ResetModifierLabelmapToDefault()
        labelmap = self.logic.GetModifierLabelmap()
        voxels = vtk_to_numpy(labelmap.GetPointData().GetScalars())
        voxels[:50] = value
        labelmap.Modified()
        self.logic.SaveStateForUndo()
        self.logic.ModifySegmentByLabelmap(
            self.segments.node, self.lesion, labelmap, self.logic.ModificationModeAdd, True, False
        )

    def do(self, *events: str, changes: bool = False) -> None:
        """Hand events to the view; with the last of them the mask changes, as inside the editor's handler."""
        tag = None
        if changes:
            tag = self.view.AddObserver(f"{events[-1]}Event", lambda *_: self.change(), 1.0)
        for event in events:
            self.view.InvokeEvent(f"{event}Event")
        if tag is not None:
            self.view.RemoveObserver(tag)
        self.watch.turn()


@pytest.fixture
def a_hand(scene: Any, segments: LesionSegments) -> Any:
    hand = Hand(scene, segments)
    yield hand
    hand.watch.close()


DRAG = ("LeftButtonPress", "MouseMove", "MouseMove", "LeftButtonRelease")


def test_each_press_that_paints_is_a_stroke_of_its_tool_and_lesion(a_hand: Hand) -> None:
    a_hand.takeUp("Paint")
    a_hand.do(*DRAG, changes=True)
    a_hand.do(*DRAG, changes=True)
    a_hand.takeUp("Erase")
    a_hand.do(*DRAG, changes=True)
    assert a_hand.tools == ["Paint", "Paint", "Erase"]
    assert a_hand.notes[0]["lesion"] == a_hand.lesion
    assert a_hand.notes[0]["held_s"] >= 0


def test_a_brush_that_paints_while_it_moves_is_one_stroke(a_hand: Hand) -> None:
    a_hand.takeUp("Paint")
    a_hand.do("LeftButtonPress", "MouseMove", changes=True)
    a_hand.do("MouseMove", changes=True)
    a_hand.do("LeftButtonRelease", changes=True)
    assert a_hand.tools == ["Paint"]


@pytest.mark.parametrize("last", ["RightButtonPress", "LeftButtonDoubleClick", "KeyPress"])
def test_an_outline_of_many_clicks_is_one_stroke_when_it_is_closed(a_hand: Hand, last: str) -> None:
    a_hand.takeUp("Draw")
    for _ in range(4):
        a_hand.do("LeftButtonPress", "LeftButtonRelease")
    assert a_hand.tools == []
    a_hand.do(last, changes=True)
    assert a_hand.tools == ["Draw"]


def test_scissors_and_level_tracing_are_strokes_and_islands_are_none(a_hand: Hand) -> None:
    for tool in ("Scissors", "Level tracing", "Islands", ""):
        a_hand.takeUp(tool)
        a_hand.do(*DRAG, changes=True)
    assert a_hand.tools == ["Scissors", "Level tracing"]


def test_what_the_hand_did_not_do_is_no_stroke(a_hand: Hand, segments: LesionSegments) -> None:
    a_hand.takeUp("Paint")
    a_hand.do("LeftButtonPress", "LeftButtonRelease")  # nothing was changed
    segments.write(a_hand.lesion, IndexBox((0, 0, 0), (2, 2, 2)), np.ones((2, 2, 2), bool))  # an answer
    assert a_hand.notes == []
    a_hand.do(*DRAG, changes=True)
    a_hand.do("MouseMove")
    a_hand.logic.Undo()
    assert a_hand.tools == ["Paint"]


def test_views_that_come_later_are_watched_and_those_that_went_are_left(a_hand: Hand) -> None:
    a_hand.takeUp("Paint")
    old, new = a_hand.view, vtk.vtkRenderWindowInteractor()
    a_hand.views = [new]
    a_hand.watch.look()
    a_hand.do(*DRAG, changes=True)
    assert a_hand.tools == []
    a_hand.view = new
    a_hand.do(*DRAG, changes=True)
    assert a_hand.tools == ["Paint"]
    a_hand.watch.close()
    for a_hand.view in (old, new):
        a_hand.do(*DRAG, changes=True)
    assert a_hand.tools == ["Paint"]


def test_another_segmentation_is_none_of_its_business(a_hand: Hand, scene: Any) -> None:
    a_hand.takeUp("Paint")
    a_hand.node.SetAndObserveSegmentationNode(scene.AddNewNodeByClass("vtkMRMLSegmentationNode"))
    a_hand.view.InvokeEvent("LeftButtonPressEvent")
    a_hand.segments.write(a_hand.lesion, IndexBox((0, 0, 0), (2, 2, 2)), np.ones((2, 2, 2), bool))
    assert a_hand.notes == []
