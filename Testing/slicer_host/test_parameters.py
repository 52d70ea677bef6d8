"""`slicer.parameterNodeWrapper`: typed values in the scene, shown by widgets."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import pytest


class Tool(enum.Enum):
    BOX = 1
    POINT = 2


@pytest.fixture
def a_wrapper_class(a_slicer: Any) -> Any:
    from slicer import vtkMRMLScalarVolumeNode
    from slicer.parameterNodeWrapper import (
        Choice,
        Default,
        Minimum,
        WithinRange,
        parameterNodeWrapper,
        parameterPack,
    )

    class Window:
        low: float = -100.0
        high: Annotated[float, Minimum(-1000)] = 300.0

    Window.__annotations__ = {"low": float, "high": Annotated[float, Minimum(-1000)]}
    window = parameterPack(Window)

    class Parameters:
        pass

    Parameters.__annotations__ = {
        "volume": vtkMRMLScalarVolumeNode,
        "threshold": Annotated[float, WithinRange(0, 1)],
        "model": Annotated[str, Choice(["fast", "exact"])],
        "tool": Tool,
        "automatic": bool,
        "names": list[str],
        "counts": dict[str, int],
        "folder": Path,
        "limit": Annotated[int | None, Default(None)],
        "window": window,
    }
    Parameters.threshold = 0.5
    Parameters.model = "fast"
    Parameters.automatic = True
    return parameterNodeWrapper(Parameters)


@pytest.fixture
def parameters(a_wrapper_class: Any) -> Any:
    import slicer

    return a_wrapper_class(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))


def test_what_was_not_set_has_its_default(parameters: Any) -> None:
    assert (parameters.threshold, parameters.model, parameters.automatic) == (0.5, "fast", True)
    assert (parameters.volume, parameters.names, parameters.counts) == (None, [], {})
    assert (parameters.tool, parameters.limit, parameters.window.high) == (Tool.BOX, None, 300.0)


def test_values_come_back_from_the_node_with_their_types(parameters: Any, a_wrapper_class: Any) -> None:
    parameters.tool = Tool.POINT
    parameters.names = ["a", "b"]
    parameters.counts = {"a": 3}
    parameters.folder = Path("/data")
    parameters.limit = 7
    parameters.window.low = -50
    again = a_wrapper_class(parameters.parameterNode)
    assert (again.tool, again.names, again.counts) == (Tool.POINT, ["a", "b"], {"a": 3})
    assert (again.folder, again.limit, again.window.low) == (Path("/data"), 7, -50.0)


def test_a_node_is_kept_as_a_reference(parameters: Any, a_slicer: Any) -> None:
    volume = a_slicer.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    parameters.volume = volume
    assert parameters.volume is volume
    a_slicer.scene.RemoveNode(volume)
    assert parameters.volume is None


def test_a_list_changed_in_place_is_kept(parameters: Any, a_wrapper_class: Any) -> None:
    parameters.names.append("c")
    parameters.counts["c"] = 1
    again = a_wrapper_class(parameters.parameterNode)
    assert (again.names, again.counts) == (["c"], {"c": 1})


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("threshold", 2.0, ValueError),
        ("model", "slow", ValueError),
        ("automatic", "yes", TypeError),
        ("limit", "7", TypeError),
        ("tool", 1, TypeError),
    ],
)
def test_wrong_values_are_refused(parameters: Any, name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        setattr(parameters, name, value)


def test_a_name_that_is_no_parameter_is_refused(parameters: Any) -> None:
    with pytest.raises(AttributeError, match="has no parameter 'treshold'"):
        parameters.treshold = 0.1


def test_values_are_saved_and_restored_with_the_scene(
    parameters: Any, a_wrapper_class: Any, a_slicer: Any, tmp_path: Path
) -> None:
    parameters.parameterNode.SetSingletonTag("Example")
    parameters.tool = Tool.POINT
    assert a_slicer.scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    a_slicer.scene.Clear(True)
    assert a_slicer.scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)
    node = a_slicer.scene.GetSingletonNode("Example", "vtkMRMLScriptedModuleNode")
    assert a_wrapper_class(node).tool is Tool.POINT


def test_widgets_and_parameters_show_each_other(parameters: Any) -> None:
    import ctk
    import qt

    slider, box, combo = ctk.ctkSliderWidget(), qt.QCheckBox(), qt.QComboBox()
    tag = parameters.connectParametersToGui({"threshold": slider, "automatic": box, "tool": combo})
    assert (slider.maximum, slider.value, box.checked, combo.count) == (1.0, 0.5, True, 2)
    slider.value = 0.75
    box.checked = False
    combo.currentIndex = 1
    assert (parameters.threshold, parameters.automatic, parameters.tool) == (0.75, False, Tool.POINT)
    parameters.threshold = 0.25
    assert slider.value == 0.25
    parameters.disconnectGui(tag)
    parameters.threshold = 0.5
    slider.value = 0.1
    assert (slider.value, parameters.threshold) == (0.1, 0.5)


def test_a_widget_that_names_no_parameter_of_ours_is_refused(parameters: Any) -> None:
    import qt

    box = qt.QCheckBox()
    box.setProperty("SlicerParameterName", "automatik")
    frame = qt.QFrame()
    box.setParent(frame)
    with pytest.raises(ValueError, match="automatik"):
        parameters.connectGui(frame)
