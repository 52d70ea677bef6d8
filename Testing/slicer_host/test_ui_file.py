"""A `.ui` file that Slicer's Qt would only warn about is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FILE = """<ui version="4.0"><class>Panel</class><widget class="qMRMLWidget" name="Panel">
<layout class="QVBoxLayout" name="column">{items}</layout></widget>
<connections>{connections}</connections></ui>"""


@pytest.fixture
def load(a_slicer: Any, tmp_path: Path) -> Callable[..., Any]:
    import slicer

    def load_items(items: str, connections: str = "") -> Any:
        path = tmp_path / "Panel.ui"
        path.write_text(FILE.format(items=items, connections=connections), encoding="utf-8")
        return slicer.util.loadUI(str(path))

    return load_items


def item(class_name: str, properties: str = "") -> str:
    return f'<item><widget class="{class_name}" name="part">{properties}</widget></item>'


def connection(signal: str, slot: str) -> str:
    return (
        f"<connection><sender>Panel</sender><signal>{signal}</signal>"
        f"<receiver>part</receiver><slot>{slot}</slot></connection>"
    )


def test_a_scene_reaches_a_widget_by_the_files_connection_and_not_by_itself(load: Any) -> None:
    import slicer

    scene = connection("mrmlSceneChanged(vtkMRMLScene*)", "setMRMLScene(vtkMRMLScene*)")
    connected, alone = load(item("qMRMLNodeComboBox"), scene), load(item("qMRMLNodeComboBox"))
    for panel in (connected, alone):
        panel.setMRMLScene(slicer.mrmlScene)
    assert connected.part.mrmlScene() is slicer.mrmlScene
    assert alone.part.mrmlScene() is None


def test_enums_of_ctk_are_understood(load: Any) -> None:
    filters = (
        '<property name="filters"><set>ctkPathLineEdit::Files|ctkPathLineEdit::Readable</set></property>'
    )
    assert load(item("ctkPathLineEdit", filters)).part.filters == 0x2 | 0x10


def test_an_own_property_is_written_as_such(load: Any) -> None:
    own = '<property name="SlicerParameterName" stdset="0"><string>threshold</string></property>'
    assert load(item("QSlider", own)).part.property("SlicerParameterName") == "threshold"


@pytest.mark.parametrize(
    ("items", "connections", "sentence"),
    [
        (item("qMRMLNodeComboBocks"), "", "neither Qt nor the lists in facts/ have a widget"),
        (
            item("QLabel", '<property name="txt"><string>a</string></property>'),
            "",
            "QLabel part has no property 'txt'",
        ),
        (
            item("ctkSliderWidget", '<property name="minimumValue"><double>1</double></property>'),
            "",
            "ctkSliderWidget part has no property 'minimumValue'",
        ),
        (
            item("qMRMLNodeComboBox"),
            connection("sceneChanged(vtkMRMLScene*)", "setMRMLScene(vtkMRMLScene*)"),
            "qMRMLWidget has no signal",
        ),
        (
            item("qMRMLNodeComboBox"),
            connection("mrmlSceneChanged(vtkMRMLScene*)", "setScene(vtkMRMLScene*)"),
            "qMRMLNodeComboBox has no attribute named 'setScene'",
        ),
    ],
)
def test_a_mistake_in_the_file_is_refused(load: Any, items: str, connections: str, sentence: str) -> None:
    with pytest.raises(AttributeError, match=sentence):
        load(items, connections)


def test_a_widget_without_a_stand_in_says_so(load: Any) -> None:
    with pytest.raises(NotImplementedError, match="qMRMLSliceControllerWidget exists in Slicer"):
        load(item("qMRMLSliceControllerWidget"))
