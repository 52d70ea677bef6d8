"""The section Edit mask: Slicer's Segment Editor on the chosen lesion, with all others protected."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from SAMLesionQt.desk import Desk

EDITOR_NODE_TAG = "SAMLesionSegmentEditor"
"""Our own editor node: the reader's settings in the module Segment Editor stay as they are."""


class EditSection:
    """Opens and closes the embedded editor; it is made when it is first needed.

    Args:
        ui: the panel's widgets by name.
        desk: the session and the chosen lesion.
        onOpened: called when the editor opens: prompt tools must be put away.
    """

    def __init__(self, ui: Any, desk: Desk, onOpened: Any) -> None:
        self._ui, self._desk, self._onOpened = ui, desk, onOpened
        self._editor: Any = None
        ui.editButton.connect("toggled(bool)", self._onButton)
        ui.editSection.connect("contentsCollapsed(bool)", self._onCollapsed)
        self.refresh()

    @property
    def isOpen(self) -> bool:
        """Whether the reader is editing."""
        return not self._ui.editSection.collapsed

    def close(self) -> None:
        """Put the editor away; what was drawn stays."""
        self._ui.editSection.collapsed = True

    def cleanup(self) -> None:
        """Take the editor apart with the panel."""
        if self._editor is not None:
            self._editor.setActiveEffectByName("")
            self._editor.removeViewObservations()
            self._editor = None

    def refresh(self) -> None:
        """Let the editor follow the chosen lesion."""
        lesion = self._desk.lesion
        reason = ""
        if self._desk.session is None or lesion is None:
            reason = _("Choose a lesion to edit its mask.")
        elif lesion.is_accepted:
            reason = _("{name} is accepted. Reopen it to edit its mask.").format(name=lesion.name)
        self._ui.editHint.text = reason or _(
            "What is drawn here joins the next request as a mask to start from."
        )
        self._ui.editButton.enabled = not reason or self.isOpen
        self._ui.editorFrame.visible = not reason
        if self.isOpen:
            self._show(not reason)

    def _onButton(self, isOn: bool) -> None:
        self._ui.editSection.collapsed = not isOn

    def _onCollapsed(self, isCollapsed: bool) -> None:
        self._ui.editButton.checked = not isCollapsed
        if isCollapsed:
            if self._editor is not None:
                self._editor.setActiveEffectByName("")
                self._editor.removeViewObservations()
        else:
            self._onOpened()
            self._makeEditor()
            self._editor.setupViewObservations()
        self.refresh()

    def _makeEditor(self) -> None:
        if self._editor is None:
            self._editor = slicer.qMRMLSegmentEditorWidget()
            self._editor.setMaximumNumberOfUndoStates(10)
            self._editor.setMRMLScene(slicer.mrmlScene)
            self._editor.setSegmentationNodeSelectorVisible(False)
            self._editor.setSourceVolumeNodeSelectorVisible(False)
            self._editor.setAddRemoveSegmentButtonsVisible(False)
            self._editor.setSwitchToSegmentationsButtonVisible(False)
            # Which lesion is edited is chosen in our own list.
            for table in slicer.util.findChildren(self._editor, className="qMRMLSegmentsTableView"):
                table.hide()
            self._ui.editorFrame.layout().addWidget(self._editor)

    def _show(self, canEdit: bool) -> None:
        session, lesion = self._desk.session, self._desk.lesion
        if not canEdit or session is None or lesion is None:
            self._editor.setActiveEffectByName("")
            return
        self._editor.setMRMLSegmentEditorNode(self._editorNode())
        self._editor.setSegmentationNode(session.controller.segments.node)
        self._editor.setSourceVolumeNode(session.controller.segments.volume_node)
        self._editor.setCurrentSegmentID(lesion.lesion_id)

    def _editorNode(self) -> Any:
        node = slicer.mrmlScene.GetSingletonNode(EDITOR_NODE_TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)
            node.SetSingletonTag(EDITOR_NODE_TAG)
            node = slicer.mrmlScene.AddNode(node)
        # The edited lesion stays editable, and no stroke reaches another one.
        node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedOutsideAllSegments)
        node.SetOverwriteMode(node.OverwriteNone)
        return node
