"""The section Engine: where the models run, how the engine is, and its restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib.errors import SAMLesionError
from SAMLesionQt.background import Background
from SAMLesionQt.engine_choice import isInstalled, saveChoice
from SAMLesionQt.engine_switch import EngineSwitch
from SAMLesionQt.failures import engineFailure

HERE, ELSEWHERE = 0, 1


class EngineSection:
    """Shows and changes the choice of an engine.

    Args:
        ui: the panel's widgets by name.
        engine: what is chosen.
        onChanged: called when another engine answers from now on.
    """

    def __init__(self, ui: Any, engine: EngineSwitch, onChanged: Callable[[], None]) -> None:
        self._ui, self._engine, self._onChanged = ui, engine, onChanged
        self._background = Background("engine")
        ui.engineModeSelector.addItems([_("On this computer"), _("At an address")])
        self._show()
        ui.engineModeSelector.connect("activated(int)", self._onMode)
        ui.enginePythonEdit.connect("currentPathChanged(QString)", self._onEdited)
        for edit in (ui.engineAddressEdit, ui.engineTokenEdit):
            edit.connect("editingFinished()", self._onEdited)
        ui.testConnectionButton.connect("clicked()", self.test)
        ui.restartEngineButton.connect("clicked()", self.restart)

    def test(self) -> None:
        """Ask the engine how it is, and tell the reader."""
        self._ui.engineStatusLabel.text = _("Asking the engine…")
        self._ui.testConnectionButton.enabled = False
        self._background.ask("test", self._engine.health, self._onHealth, self._onFailure)

    def warmUp(self) -> None:
        """Start the engine, so that the first mask need not wait for it."""
        if not self._engine.isStarted and isInstalled(self._engine.choice):
            self._background.ask("test", self._engine.health, self._onHealth, self._onFailure)

    def restart(self) -> None:
        """End the engine and start a new one; lesions and prompts stay."""
        self._engine.restart()
        self._ui.engineStatusLabel.text = _("The engine was ended; the next prompt starts a new one.")
        self._onChanged()

    def pump(self) -> None:
        """Hand over what has come; the panel's timer calls this."""
        self._background.pump()

    def close(self) -> None:
        """End the thread and the engine."""
        self._background.close()
        self._engine.restart()

    def _show(self) -> None:
        ui, choice = self._ui, self._engine.choice
        ui.engineModeSelector.currentIndex = ELSEWHERE if choice.isRemote else HERE
        ui.enginePythonEdit.currentPath = choice.python
        ui.engineAddressEdit.text = choice.address
        ui.engineTokenEdit.text = choice.token
        self._showMode()

    def _showMode(self) -> None:
        ui = self._ui
        isElsewhere = ui.engineModeSelector.currentIndex == ELSEWHERE
        for widget in (ui.enginePythonLabel, ui.enginePythonEdit, ui.installFrame):
            widget.visible = not isElsewhere
        for widget in (ui.engineAddressLabel, ui.engineAddressEdit, ui.engineTokenLabel, ui.engineTokenEdit):
            widget.visible = isElsewhere
        ui.restartEngineButton.visible = not isElsewhere

    def _onMode(self, *_args: object) -> None:
        self._showMode()
        self._onEdited()

    def _onEdited(self, *_args: object) -> None:
        ui = self._ui
        isElsewhere = ui.engineModeSelector.currentIndex == ELSEWHERE
        choice = replace(
            self._engine.choice,
            python=ui.enginePythonEdit.currentPath.strip(),
            address=ui.engineAddressEdit.text.strip() if isElsewhere else "",
            token=ui.engineTokenEdit.text.strip(),
        )
        if choice != self._engine.choice and (choice.address or not isElsewhere):
            saveChoice(choice)
            self._engine.use(choice)
            ui.engineStatusLabel.text = ""
            self._onChanged()

    def _onHealth(self, health: Any) -> None:
        self._ui.testConnectionButton.enabled = True
        device = health.device or _("an unknown device")
        text = _("The engine answers: version {version}, computing on {device}.").format(
            version=health.version, device=device
        )
        if device.startswith("cpu"):
            text += " " + _("It uses no graphics card, so a mask takes seconds.")
        self._ui.engineStatusLabel.text = text

    def _onFailure(self, error: SAMLesionError) -> None:
        self._ui.testConnectionButton.enabled = True
        self._ui.engineStatusLabel.text = engineFailure(str(error))
