"""The line under the mouse while a prompt is drawn in a slice view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import vtk

COLOUR = (1.0, 0.71, 0.15)
WIDTH_PX = 2.0


class RubberBand:
    """Draws what the mouse has passed, over one slice view.

    Args:
        view: the slice view.
        shape: "box" between the first and the last point, "line" between them, "path" along all of them,
            "outline" along all of them and back; "point" draws nothing.
    """

    def __init__(self, view: Any, shape: str) -> None:
        self._view, self._shape = view, shape
        self._data = vtk.vtkPolyData()
        mapper = vtk.vtkPolyDataMapper2D()
        mapper.SetInputData(self._data)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(mapper)
        self._actor.GetProperty().SetColor(*COLOUR)
        self._actor.GetProperty().SetLineWidth(WIDTH_PX)
        self._renderer: Any = None

    def show(self, points: Sequence[tuple[int, int]]) -> None:
        """Draw these points, in pixels of the view."""
        corners = _corners(self._shape, points)
        if len(corners) < 2:
            return
        positions, lines = vtk.vtkPoints(), vtk.vtkCellArray()
        lines.InsertNextCell(len(corners))
        for x, y in corners:
            lines.InsertCellPoint(positions.InsertNextPoint(x, y, 0.0))
        self._data.SetPoints(positions)
        self._data.SetLines(lines)
        if self._renderer is None:
            self._renderer = self._view.renderWindow().GetRenderers().GetFirstRenderer()
            self._renderer.AddViewProp(self._actor)
        self._view.scheduleRender()

    def clear(self) -> None:
        """Draw nothing."""
        if self._renderer is not None:
            self._renderer.RemoveViewProp(self._actor)
            self._renderer = None
            self._view.scheduleRender()


def _corners(shape: str, points: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    (x0, y0), (x1, y1) = points[0], points[-1]
    if shape == "box":
        return (x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)
    if shape == "line":
        return (x0, y0), (x1, y1)
    return {"point": (), "outline": (*points, points[0])}.get(shape, tuple(points))
