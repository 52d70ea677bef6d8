"""A module made from Slicer's template runs in the host from being loaded to being left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage

EXAMPLE = Path(__file__).parent / "example" / "Example.py"


@pytest.fixture
def a_panel(a_slicer: Any) -> Any:
    a_slicer.load_module(EXAMPLE)
    return a_slicer.show_module("Example")


@pytest.fixture
def a_volume(a_slicer: Any) -> Any:
    import slicer

    return slicer.util.addVolumeFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4), name="CT")


def test_the_factory_shows_the_module_in_the_list(a_slicer: Any) -> None:
    import slicer

    instance = a_slicer.load_module(EXAMPLE)
    assert slicer.modules.example.title == "Example"
    assert slicer.modules.example.categories == ("Examples",)
    assert instance.resourcePath("UI/Example.ui").endswith("example/Resources/UI/Example.ui")
    assert slicer.util.modulePath("Example") == str(EXAMPLE)


def test_the_button_waits_for_a_volume(a_panel: Any, a_volume: Any) -> None:
    assert a_panel.ui.inputSelector.currentNode() is a_volume
    assert a_panel.ui.applyButton.enabled
    a_volume.GetScene().RemoveNode(a_volume)
    assert not a_panel.ui.applyButton.enabled


def test_a_click_on_the_button_does_the_work(a_panel: Any, a_volume: Any) -> None:
    a_panel.ui.thresholdSlider.value = 20
    a_panel.ui.applyButton.click()
    assert a_panel.ui.resultLabel.text == "3 voxels"


def test_the_parameters_are_saved_and_restored_with_the_scene(
    a_panel: Any, a_volume: Any, a_slicer: Any, tmp_path: Path
) -> None:
    a_panel.ui.thresholdSlider.value = 33
    a_panel.ui.invertCheckBox.checked = True
    assert a_slicer.scene.WriteToMRB(str(tmp_path / "saved.mrb"))
    a_slicer.scene.Clear(False)
    assert a_panel.ui.thresholdSlider.value == 100
    assert not a_panel.ui.applyButton.enabled
    assert a_slicer.scene.ReadFromMRB(str(tmp_path / "saved.mrb"), True)
    a_slicer.app.processEvents()
    a_panel.initializeParameterNode()
    assert a_panel.ui.thresholdSlider.value == 33
    assert a_panel.ui.invertCheckBox.checked
    assert a_panel.ui.inputSelector.currentNode().GetName() == "CT"


def test_a_panel_that_was_left_and_chosen_again_is_the_same(a_panel: Any, a_slicer: Any) -> None:
    a_slicer.leave_module()
    assert not a_panel.parent.isEntered
    assert a_slicer.show_module("Example") is a_panel
    assert a_panel.parent.isEntered


def test_a_reload_makes_a_new_panel(a_panel: Any, a_slicer: Any, a_volume: Any) -> None:
    import slicer

    a_panel.onReload()
    again = slicer.modules.ExampleWidget
    assert again is not a_panel
    assert again.ui.applyButton.enabled


def test_the_modules_own_test_runs(a_slicer: Any) -> None:
    import slicer

    a_slicer.load_module(EXAMPLE)
    slicer.selfTests["Example"]()


def test_a_screenshot_shows_the_panel(a_panel: Any, a_volume: Any, screenshot: Any) -> None:
    image = QImage(str(screenshot("example", a_panel.parent)))
    colours = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    assert len(colours) > 10
