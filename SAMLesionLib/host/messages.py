"""What VTK and MRML print instead of raising, caught so that it can be said to people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import vtk


@contextmanager
def vtk_errors() -> Iterator[list[str]]:
    """Collect the errors (not the warnings) that VTK reports inside the block; they are still printed."""
    window = vtk.vtkOutputWindow.GetInstance()
    errors: list[str] = []

    @vtk.calldata_type(vtk.VTK_STRING)
    def collect(_caller: object, _event: str, text: str) -> None:
        errors.append(text.strip())

    tag = window.AddObserver("ErrorEvent", collect)
    try:
        yield errors
    finally:
        window.RemoveObserver(tag)
