"""The tool in the reader's hand: one at a time, and what it draws goes to the chosen lesion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from SAMLesionLib.host.session import Session
from SAMLesionQt.desk import Desk
from SAMLesionQt.prompt_tools import Tool, addDrawn, showReasons, tools
from SAMLesionQt.roi_placing import RoiPlacing
from SAMLesionQt.segment_menu import segmentMenu
from SAMLesionQt.view_drags import Drag, ViewDrags


class Drawing:
    """Presses one tool button at a time, and draws with it.

    Args:
        ui: the panel's widgets by name.
        desk: the session, the chosen lesion and model.
        onTool: receives what to do with the tool that was taken up, "" when it was put away.
        onBefore: called before a prompt is added.
        onDrawn: called when a prompt was added.
    """

    def __init__(
        self,
        ui: Any,
        desk: Desk,
        onTool: Callable[[str], None],
        onBefore: Callable[[], None],
        onDrawn: Callable[[], None],
    ) -> None:
        self._ui, self._desk = ui, desk
        self._onTool, self._onBefore, self._onDrawn = onTool, onBefore, onDrawn
        self._tools = tools()
        self._tool: Tool | None = None
        self._drags = ViewDrags(sliceWidgets, self._onDrag)
        self._placing = RoiPlacing(self._onRoi, self.putAway)
        self._menu: Any = None
        for name in self._tools:
            getattr(ui, name).connect("clicked(bool)", self._buttonHandler(name))
        ui.segmentButton.connect("clicked()", self._offerSegments)

    @property
    def tool(self) -> Tool | None:
        """What the reader draws with now."""
        return self._tool

    def takeUp(self, name: str) -> None:
        """Draw with the tool of a button from now on."""
        self._stop()
        self._tool = self._tools[name]
        if self._tool.shape:
            self._drags.start(self._tool.shape)
        else:
            self._placing.start()
        self._press(name)
        self._onTool(self._tool.hint)

    def putAway(self) -> None:
        """Draw with nothing: the mouse is the host's again."""
        self._stop()
        self._press("")
        self._onTool("")

    def refresh(self) -> None:
        """Make the tools grey that cannot be used now, and put one away that became grey."""
        showReasons(self._ui, self._desk.model, self._desk.session is not None)
        for name, tool in self._tools.items():
            if tool is self._tool and not getattr(self._ui, name).enabled:
                self.putAway()

    def _buttonHandler(self, name: str) -> Callable[[bool], None]:
        return lambda isDown: self.takeUp(name) if isDown else self.putAway()

    def _stop(self) -> None:
        self._drags.stop()
        self._placing.stop()
        self._tool = None

    def _press(self, pressed: str) -> None:
        for name in self._tools:
            getattr(self._ui, name).checked = name == pressed

    def _onDrag(self, drag: Drag) -> None:
        session, tool = self._desk.session, self._tool
        if session is None or tool is None:
            return
        with self._desk.drawing(session) as lesionId:
            self._onBefore()
            addDrawn(session, tool, drag, lesionId)
        self._onDrawn()

    def _onRoi(self, node: Any) -> None:
        session = self._desk.session
        if session is None:
            return
        with self._desk.drawing(session) as lesionId:
            self._onBefore()
            session.controller.add_markup(node, lesionId)
        self._onDrawn()

    def _offerSegments(self) -> None:
        session, model = self._desk.session, self._desk.model
        if session is not None and model is not None:
            self._menu = segmentMenu(self._ui.segmentButton, session, model, self._desk.lesionId, self._take)

    def _take(self, give: Callable[[Session, str], Any]) -> None:
        session = self._desk.session
        if session is not None:
            with self._desk.drawing(session) as lesionId:
                self._onBefore()
                give(session, lesionId)
            self._onDrawn()


def sliceWidgets() -> list[Any]:
    """The slice views that are shown now."""
    layout = slicer.app.layoutManager()
    widgets = [layout.sliceWidget(name) for name in layout.sliceViewNames()]
    return [widget for widget in widgets if widget.visible]
