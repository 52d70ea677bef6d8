"""The window of study leads: a new study, and one that runs.

lead = StudyLead(uiFile, services, engine)
lead.show(models)      made when it is first shown
lead.pump()            from the panel's timer
lead.close()           with the panel
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer

from SAMLesionLib import ModelInfo
from SAMLesionQt.engine_switch import EngineSwitch
from SAMLesionQt.lead_design import LeadDesign
from SAMLesionQt.lead_running import LeadRunning
from SAMLesionQt.lead_size import LeadSize
from SAMLesionQt.nifti_package import NiftiPackage
from SAMLesionQt.services import Services


class StudyLead:
    """Assembles the window; costs nothing until somebody leads a study.

    Args:
        uiFile: `StudyLead.ui`.
        services: what is outside the panel.
        engine: whose Python makes reports.
    """

    def __init__(self, uiFile: Path, services: Services, engine: EngineSwitch) -> None:
        self._uiFile, self._services, self._engine = uiFile, services, engine
        self.window: Any = None
        self.ui: Any = None

    def show(self, models: tuple[ModelInfo, ...]) -> None:
        """Show the window in front.

        Args:
            models: what arms can use.
        """
        if self.window is None:
            self._make()
        self.design.setModels(models)
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def pump(self) -> None:
        """Hand over what has come, and show what has changed; the panel's timer calls this."""
        if self.window is not None:
            self.design.pump()
            self.running.pump()

    def close(self) -> None:
        """End what is under way, and forget the window."""
        if self.window is not None:
            self.design.close()
            self.running.close()
            self.window.hide()
            self.window.deleteLater()
            self.window = None

    def _make(self) -> None:
        self.window = slicer.util.loadUI(str(self._uiFile))
        self.window.setParent(slicer.util.mainWindow())
        self.window.setWindowFlags(qt.Qt.Window)
        self.ui = slicer.util.childWidgetVariables(self.window)
        self.size = LeadSize(self.ui)
        self.running = LeadRunning(self.ui, self._services, self._engine)
        nifti = NiftiPackage(self._services.commands, self._services.confirm)
        self.design = LeadDesign(self.ui, self.size, nifti, self.running.choose)
        self.ui.studyTabs.connect("currentChanged(int)", self._onTab)

    def _onTab(self, index: int) -> None:
        """What is told of a new study says nothing of one that runs."""
        if index == 0:
            self.design.look()
        else:
            self.running.refresh()
