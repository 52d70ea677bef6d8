"""The widgets of CTK and Slicer behave on a real scene as the real ones do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slicer_host.hands import choose, click, press_keys, type_text


@pytest.fixture
def add_volume(a_slicer: Any) -> Any:
    def add(name: str, kind: str = "vtkMRMLScalarVolumeNode") -> Any:
        return a_slicer.scene.AddNewNodeByClass(kind, name)

    return add


@pytest.fixture
def a_selector(a_slicer: Any) -> Any:
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(slicer.mrmlScene)
    return selector


def test_a_selector_chooses_the_first_node_unless_none_is_a_choice(a_selector: Any, add_volume: Any) -> None:
    first = add_volume("CT")
    add_volume("MR")
    assert a_selector.currentNode() is first
    a_selector.noneEnabled = True
    a_selector.setCurrentNode(None)
    assert a_selector.currentNode() is None
    assert a_selector.currentNodeID == ""


def test_a_selector_tells_each_change_once(a_selector: Any, add_volume: Any) -> None:
    told: list[Any] = []
    a_selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: told.append(node and node.GetName()))
    a_selector.connect("currentNodeChanged(bool)", told.append)
    volume = add_volume("CT")
    volume.GetScene().RemoveNode(volume)
    assert told == ["CT", True, None, False]


def test_a_selector_shows_only_what_it_is_for(a_selector: Any, add_volume: Any) -> None:
    add_volume("mask", "vtkMRMLLabelMapVolumeNode")
    assert a_selector.nodeCount() == 1, "a label map is a scalar volume too"
    a_selector.showChildNodeTypes = False
    assert a_selector.nodeCount() == 0
    hidden = add_volume("hidden")
    hidden.HideFromEditorsOn()
    a_selector.showHidden = True
    assert a_selector.nodeFromIndex(0) is hidden
    a_selector.addAttribute("vtkMRMLScalarVolumeNode", "Category", "Lesion")
    assert a_selector.nodeCount() == 0


def test_a_renamed_node_is_shown_by_its_new_name(a_selector: Any, add_volume: Any) -> None:
    volume = add_volume("CT")
    volume.SetName("CT of Monday")
    choose(a_selector, "CT of Monday")
    assert a_selector.currentNode() is volume


def test_the_menu_of_a_selector_makes_renames_and_deletes_nodes(
    a_selector: Any, a_slicer: Any, a_user: Any
) -> None:
    a_selector.renameEnabled = True
    a_selector.baseName = "Scan"
    added: list[str] = []
    a_selector.connect("nodeAddedByUserAction(vtkMRMLNode*)", lambda node: added.append(node.GetName()))
    choose(a_selector, "Create new Volume")
    assert added == ["Scan"]
    a_user.will_answer("Monday")
    choose(a_selector, "Rename current Volume")
    assert a_selector.currentNode().GetName() == "Monday"
    choose(a_selector, "Delete current Volume")
    assert a_selector.currentNode() is None


def test_a_selector_without_a_scene_is_grey(a_slicer: Any) -> None:
    import slicer

    with pytest.raises(AssertionError, match="offers"):
        choose(slicer.qMRMLNodeComboBox(), "CT")


def test_a_collapsed_section_hides_what_is_in_it(a_slicer: Any) -> None:
    import ctk
    import qt

    section = ctk.ctkCollapsibleButton("Advanced")
    layout = qt.QVBoxLayout(section)
    shown, hidden = qt.QLabel("shown"), qt.QLabel("hidden")
    layout.addWidget(shown)
    layout.addWidget(hidden)
    hidden.hide()
    section.show()
    told: list[bool] = []
    section.connect("contentsCollapsed(bool)", told.append)
    section.collapsed = True
    assert not shown.visible
    section.collapsed = False
    assert shown.visible
    assert not hidden.visible, "what was hidden before stays hidden"
    assert told == [True, False]


def test_a_range_keeps_its_ends_in_order(a_slicer: Any) -> None:
    import ctk

    wide = ctk.ctkRangeWidget()
    wide.setRange(-100, 100)
    told: list[tuple[float, float]] = []
    wide.connect("valuesChanged(double,double)", lambda low, high: told.append((low, high)))
    wide.setValues(-20, 40)
    wide.minimumValue = 60
    assert (wide.minimumValue, wide.maximumValue) == (40, 40)
    assert told[-1] == (40, 40)


def test_a_path_line_remembers_and_browses(a_slicer: Any, a_user: Any, tmp_path: Path) -> None:
    import ctk

    line = ctk.ctkPathLineEdit()
    line.name = "weights"
    line.filters = ctk.ctkPathLineEdit.Files
    paths: list[str] = []
    line.connect("currentPathChanged(QString)", paths.append)
    a_user.will_answer(str(tmp_path / "weights.pt"))
    line.browse()
    line.addCurrentPathToHistory()
    assert paths[0] == line.currentPath == str(tmp_path / "weights.pt")
    again = ctk.ctkPathLineEdit()
    again.name = "weights"
    again.retrieveHistory()
    assert again.currentPath == line.currentPath


def test_a_place_widget_switches_the_place_mode(a_slicer: Any) -> None:
    import slicer

    node = a_slicer.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    widget = slicer.qSlicerMarkupsPlaceWidget()
    widget.setMRMLScene(slicer.mrmlScene)
    widget.setCurrentNode(node)
    told: list[bool] = []
    widget.connect("activeMarkupsPlaceModeChanged(bool)", told.append)
    widget.placeMultipleMarkups = slicer.qSlicerMarkupsPlaceWidget.ForcePlaceMultipleMarkups
    widget.setPlaceModeEnabled(True)
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    assert widget.placeModePersistency
    interaction.SwitchToViewTransformMode()
    assert told == [True, False]
    assert not widget.placeModeEnabled


def test_a_settings_panel_keeps_its_values(a_slicer: Any) -> None:
    import ctk
    import qt
    import slicer

    panel, box = ctk.ctkSettingsPanel(), qt.QCheckBox()
    panel.registerProperty("SAMLesion/auto", box, "checked", "toggled(bool)")
    slicer.app.settingsDialog().addPanel("SAMLesion", panel)
    box.checked = True
    assert slicer.util.settingsValue("SAMLesion/auto", False, converter=slicer.util.toBool)


def test_the_hands_do_only_what_a_user_can(a_slicer: Any) -> None:
    import qt

    button, line = qt.QPushButton("Go"), qt.QLineEdit()
    with pytest.raises(AssertionError, match="not shown"):
        click(button)
    button.show()
    button.enabled = False
    button.toolTip = "Choose a volume"
    with pytest.raises(AssertionError, match="Choose a volume"):
        click(button)
    line.text = "old"
    type_text(line, "new")
    assert line.text == "new"


def test_a_key_reaches_a_shortcut_unless_a_field_takes_it_as_text(a_slicer: Any) -> None:
    import qt
    import slicer

    pressed: list[int] = []
    shortcut = qt.QShortcut(slicer.util.mainWindow())
    shortcut.setKey(qt.QKeySequence("Shift+N"))
    shortcut.connect("activated()", lambda: pressed.append(1))
    press_keys(slicer.util.mainWindow(), "Shift+N")
    assert pressed == [1]
    line = qt.QLineEdit()
    slicer.util.mainWindow().statusBar().addWidget(line)
    line.show()
    press_keys(line, "Shift+N")
    assert (pressed, line.text.upper()) == ([1], "N")
