"""What the recorder of a study is told of a reader's hands, on nodes of a real scene."""

from __future__ import annotations

from typing import Any

import pytest

from SAMLesionLib.host.watching import Watch

pytestmark = pytest.mark.mrml


class Notes:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, **facts: Any) -> None:
        self.told.append((kind, facts))


def test_a_scrolled_slice_is_told_once(scene: Any) -> None:
    view = scene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    watch = Watch(scene, notes := Notes())
    watch.look()
    view.SetSliceOffset(12.5)
    watch.look()
    watch.look()
    assert notes.told == [("scroll", {"view": "Red", "mm": 12.5})]


def test_zoom_window_and_tool_are_told(scene: Any, a_volume_node: Any) -> None:
    view = scene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    display = scene.AddNewNodeByClass("vtkMRMLScalarVolumeDisplayNode")
    editor = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    watch = Watch(scene, notes := Notes())
    view.SetFieldOfView(100.0, 100.0, 1.0)
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(400.0, 40.0)
    editor.SetActiveEffectName("Paint")
    watch.look()
    told = dict(notes.told)
    assert told["zoom"] == {"view": "Red", "mm": 100.0}
    assert told["window"] == {"window": 400.0, "level": 40.0}
    assert told["tool"] == {"name": "Paint"}


def test_an_editor_that_is_made_for_its_first_tool_is_told_with_it(scene: Any) -> None:
    watch = Watch(scene, notes := Notes())
    scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    watch.look()
    assert notes.told == []
    scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode").SetActiveEffectName("Draw")
    watch.look()
    watch.look()
    assert notes.told == [("tool", {"name": "Draw"})]


def test_a_view_that_appears_is_no_action(scene: Any) -> None:
    watch = Watch(scene, notes := Notes())
    scene.AddNewNodeByClass("vtkMRMLSliceNode", "Green").SetSliceOffset(3.0)
    watch.look()
    assert notes.told == []
    scene.Clear(True)
    watch.look()
    assert notes.told == []
