"""The interactors of the views that are shown now: what receives the reader's mouse and keys."""

from __future__ import annotations

from typing import Any

import slicer

from SAMLesionQt.drawing import sliceWidgets


def viewInteractors() -> list[Any]:
    """Those of all slice and 3D views."""
    layout = slicer.app.layoutManager()
    slices = [widget.sliceView().interactor() for widget in sliceWidgets()]
    return slices + [layout.threeDWidget(n).threeDView().interactor() for n in range(layout.threeDViewCount)]
