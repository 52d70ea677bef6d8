"""Fixtures that read as sentences; import those you need into a `conftest.py`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["a_panel", "a_slicer", "a_user", "expects_vtk_errors", "screenshot"]

MODULE_FILE = Path(__file__).resolve().parents[2] / "SAMLesion" / "SAMLesion.py"
SCREENSHOTS_VARIABLE = "SAMLESION_SCREENSHOTS"
"""Environment variable: the folder that keeps the screenshots; without it they go to pytest's own."""


@pytest.fixture
def a_slicer(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A running Slicer.

    A test fails by what was raised in its slots, events and observers, and by what VTK told as an error.
    """
    from SAMLesionLib.host.messages import vtk_errors
    from slicer_host import errors
    from slicer_host.host import SlicerHost

    errors.take()
    with vtk_errors() as told:
        host = SlicerHost()
        try:
            yield host
        finally:
            host.close()
    caught, unused = errors.take(), host.user.unused
    assert not caught, errors.told(caught)
    assert not unused, f"The user was never asked for {unused!r}."
    assert not told or "expects_vtk_errors" in request.fixturenames, "\n".join(told)


@pytest.fixture
def expects_vtk_errors() -> None:
    """Ask for this fixture in a test that feeds VTK something broken."""


@pytest.fixture
def a_user(a_slicer: Any) -> Any:
    """Who answers the dialogs."""
    return a_slicer.user


@pytest.fixture
def a_panel(a_slicer: Any) -> Any:
    """The module's panel, as it is when the reader has just chosen SAMLesion: the `SAMLesionWidget`."""
    a_slicer.load_module(MODULE_FILE)
    return a_slicer.show_module("SAMLesion")


@pytest.fixture
def screenshot(a_slicer: Any, tmp_path: Path) -> Callable[..., Path]:
    """Write a picture of a widget, by default of the main window, and return its path."""

    def write(name: str, widget: Any = None) -> Path:
        folder = Path(os.environ.get(SCREENSHOTS_VARIABLE, tmp_path))
        folder.mkdir(parents=True, exist_ok=True)
        return a_slicer.write_screenshot(folder / f"{name}.png", widget)

    return write
