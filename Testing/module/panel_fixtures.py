"""Panels to test, with a double in the place of the engine."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_cases import AnsweringSegmenter, FakeCommands, waitUntil
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from SAMLesionLib import BoxPrompt, ModelInfo

MODULE_FILE = Path(__file__).resolve().parents[2] / "SAMLesion" / "SAMLesion.py"


def factsOf(*models: ModelInfo) -> str:
    """What `samlesion models list --json` prints."""
    return json.dumps({"models": [asdict(m) | {"prompts": sorted(m.prompts), "url": "x"} for m in models]})


@dataclass
class Reader:
    """Somebody in front of the panel.

    Attributes:
        panel: the `Panel`.
        ui: its widgets.
        segmenter: the double that makes the masks.
        volume: the scan.
        targets: where the next exports go, and the folder that is chosen next.
        opened: what was shown in the browser.
    """

    panel: Any
    ui: Any
    segmenter: Any
    volume: Any = None
    targets: list[str] = field(default_factory=list)
    opened: list[Path] = field(default_factory=list)

    def wait(self, condition: Any) -> None:
        """Let the panel work until something is true."""
        waitUntil(condition, self.panel.tick)

    def waitForMask(self) -> None:
        """Let the panel work until no mask is on its way, and show it."""
        panel = self.panel
        for _ in range(2):
            panel.tick()
            self.wait(lambda: not (self.session.controller.is_busy or panel._isDirty or panel._isMeasuring))

    @property
    def lastQuestion(self) -> Any:
        """The last request about a lesion; the panel asks ahead for whole slices whenever it has time."""
        wide, high, _ = self.volume.GetImageData().GetDimensions()
        return next(
            request
            for request in reversed(self.segmenter.requests)
            if not any(prompt.box.shape_ijk[:2] == (wide, high) for prompt in request.prompts.of(BoxPrompt))
        )

    @property
    def session(self) -> Any:
        return self.panel.desk.session

    @property
    def lesions(self) -> tuple[Any, ...]:
        """The lesions as they are now."""
        return self.session.annotation.snapshot.lesions

    def voxels(self, lesion_id: str) -> np.ndarray:
        """A lesion's mask."""
        return self.session.controller.segments.read(lesion_id)

    def show(self, k: int) -> Any:
        """Show a slice of the scan in the red view; returns the view."""
        import slicer

        from SAMLesionLib.host.slice_views import slice_of

        widget = slicer.app.layoutManager().sliceWidget("Red")
        slicer.util.setSliceViewerLayers(background=self.volume, fit=True)
        slicer.app.processEvents()  # a view that is drawn for the first time moves to the middle
        widget.mrmlSliceNode().JumpSlice(*self._ras(0, 0, k))
        slicer.app.processEvents()
        assert slice_of(widget.mrmlSliceNode(), self.volume) == (2, k)
        return widget

    def drag(self, *points_ijk: tuple[float, float, float]) -> None:
        """Draw along these voxels with the left mouse button held down, in the red view."""
        widget = self.show(int(points_ijk[0][2]))
        native = widget.sliceView().pythonqt_native
        places = [self._pixel(widget, point) for point in points_ijk]
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mouseMove(native, places[0])
        QTest.mousePress(native, left, none, places[0])
        for place in places[1:]:
            QTest.mouseMove(native, place)
        QTest.mouseRelease(native, left, none, places[-1])

    def drawBox(self, low: tuple[int, int], high: tuple[int, int], k: int) -> None:
        """Take up the box and draw one; waits for the mask."""
        if not self.ui.boxButton.checked:
            self.ui.boxButton.click()
        self.drag((*low, k), (*high, k))
        self.waitForMask()

    def _ras(self, i: float, j: float, k: float) -> tuple[float, float, float]:
        from SAMLesionLib.host.volumes import world_affine

        r, a, s = world_affine(self.volume).to_ras((i, j, k))[0]
        return float(r), float(a), float(s)

    def _pixel(self, widget: Any, point: tuple[float, float, float]) -> QPoint:
        import vtk

        inverse = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(widget.mrmlSliceNode().GetXYToRAS(), inverse)
        x, y, *_ = inverse.MultiplyPoint((*self._ras(*point), 1.0))
        return QPoint(round(x), widget.sliceView().pythonqt_native.height() - 1 - round(y))


def makeScan(name: str = "CT_chest") -> Any:
    """A volume node with three bright balls, in noise."""
    import slicer

    grid = np.indices((14, 96, 96)).astype(float)
    voxels = np.random.default_rng(0).integers(0, 40, grid.shape[1:], dtype=np.int16)
    for k, j, i, radius in ((7, 30, 30, 9), (7, 62, 34, 8), (5, 40, 70, 11)):
        spread = ((grid[0] - k) * 2.5) ** 2 + (grid[1] - j) ** 2 + (grid[2] - i) ** 2
        voxels[spread < radius**2] += 200
    node = slicer.util.addVolumeFromArray(voxels, name=name)
    node.SetSpacing(0.8, 0.8, 2.0)
    node.SetAttribute("DICOM.Modality", "CT")
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAutoWindowLevel(False)
    node.GetDisplayNode().SetWindowLevelMinMax(0, 300)
    return node


def openPanel(a_slicer: Any, services: Any) -> Any:
    """The panel, as it is when the reader has just chosen the module, with the views beside it."""
    import slicer

    sys.modules["SAMLesion"].SAMLesionWidget.services = services
    a_slicer.main_window.resize(1500, 960)
    for name in slicer.app.layoutManager().sliceViewNames():
        slicer.app.layoutManager().sliceWidget(name)
    return a_slicer.show_module("SAMLesion").panel


def readerWith(a_slicer: Any, folder: Path, segmenter: Any, commands: Any = None) -> Reader:
    """A reader who has just opened the module, with a double in the place of the engine."""
    a_slicer.load_module(MODULE_FILE)
    from SAMLesionQt.services import Services

    targets: list[str] = []
    opened: list[Path] = []
    services = Services(
        makeSegmenter=lambda choice, *_: segmenter,
        commands=commands or FakeCommands({"list": [factsOf(*segmenter.models())]}),
        confirm=lambda question: True,
        chooseTarget=lambda name, pattern: targets.pop(0),
        chooseReaderFolder=lambda: targets.pop(0),
        openPath=opened.append,
        journalFolder=folder / "journals",
    )
    panel = openPanel(a_slicer, services)
    reader = Reader(panel, panel.ui, segmenter, targets=targets, opened=opened)
    reader.wait(lambda: panel.models.model is not None)
    return reader


@pytest.fixture
def a_reader(a_slicer: Any, tmp_path: Path) -> Reader:
    """A reader who has just opened the module; no scan is loaded."""
    return readerWith(a_slicer, tmp_path, AnsweringSegmenter())


@pytest.fixture
def a_reader_with_a_scan(a_reader: Reader) -> Reader:
    """A reader who has loaded a scan and chosen it."""
    a_reader.volume = makeScan()
    a_reader.ui.volumeSelector.setCurrentNode(a_reader.volume)
    a_reader.wait(lambda: a_reader.session is not None)
    return a_reader
