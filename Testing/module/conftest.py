"""The module's folder on the path, as in Slicer, and panels to test: with doubles, or with a real engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from panel_fixtures import a_reader, a_reader_with_a_scan
from slicer_host import i18n
from slicer_host.fixtures import a_slicer, a_user, expects_vtk_errors, screenshot

__all__ = ["a_reader", "a_reader_with_a_scan", "a_slicer", "a_user", "expects_vtk_errors", "screenshot"]

MODULE_FOLDER = Path(__file__).resolve().parents[2] / "SAMLesion"
ENGINE_CASES = Path(__file__).resolve().parents[1] / "engine"
for folder in map(str, (MODULE_FOLDER, ENGINE_CASES)):
    if folder not in sys.path:
        sys.path.append(folder)
# What uses no widget is tested without a running host, and is translated nevertheless.
sys.modules.setdefault("slicer.i18n", i18n)


@pytest.fixture
def a_ui(a_slicer: Any) -> Any:
    """The widgets of the panel by name, without anything behind them."""
    import slicer

    widget = slicer.util.loadUI(str(MODULE_FOLDER / "Resources" / "UI" / "SAMLesion.ui"))
    widget.setMRMLScene(slicer.mrmlScene)
    return slicer.util.childWidgetVariables(widget)
