"""The engine and its models: their sections, and what one of them tells the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib import ModelInfo
from SAMLesionQt.choices import Choices
from SAMLesionQt.engine_choice import isInstalled, savedChoice
from SAMLesionQt.engine_section import EngineSection
from SAMLesionQt.engine_switch import EngineSwitch
from SAMLesionQt.install_section import InstallSection
from SAMLesionQt.licences import Licences
from SAMLesionQt.model_commands import ModelCommands
from SAMLesionQt.model_selector import ModelSelector
from SAMLesionQt.models_section import ModelsSection
from SAMLesionQt.notice import Notice
from SAMLesionQt.services import Services


class EngineRoom:
    """Has the chosen engine, and shows its models.

    Attributes:
        engine: what makes the masks.
        models: the choice of a model.

    Args:
        ui: the panel's widgets by name.
        resources: the module's folder `Resources`.
        services: what is outside the panel.
        choices: remembers the model.
        notice: offers the installation.
        onChanged: called when another model is chosen, or none is known any more.
    """

    def __init__(
        self,
        ui: Any,
        resources: Path,
        services: Services,
        choices: Choices,
        notice: Notice,
        onChanged: Callable[[], None],
    ) -> None:
        self._ui, self._choices, self._notice, self._onChanged = ui, choices, notice, onChanged
        licences, confirm = Licences(), services.confirm
        self.engine = EngineSwitch(savedChoice(), services.makeSegmenter)
        self.models = ModelSelector(ui.modelSelector, licences, confirm, self._onModelChosen)
        self._engineSection = EngineSection(ui, self.engine, self.readModels)
        self._install = InstallSection(
            ui,
            resources / "engine-requirements.txt",
            services.commands,
            confirm,
            onBeforeChange=self.engine.restart,
            onChanged=self.readModels,
        )
        self._modelsSection = ModelsSection(
            ui,
            self.engine,
            ModelCommands(services.commands),
            licences,
            services.chooseWeights,
            confirm,
            self._onModels,
        )
        self._parts = (self._engineSection, self._install, self._modelsSection)

    def readModels(self) -> None:
        """Ask for the models, or offer the installation of an engine that has some."""
        if isInstalled(self.engine.choice):
            self._modelsSection.read()
        else:
            self.models.show((), self._choices.parameters.model)
            self._notice.show(
                _("The engine that makes the masks is not installed yet."), _("Install…"), self._showInstall
            )
            self._onChanged()

    def warmUp(self) -> None:
        """Start the engine, so that the first mask need not wait for it."""
        self._engineSection.warmUp()

    def pump(self) -> None:
        """Hand over what has come; the panel's timer calls this."""
        for part in self._parts:
            part.pump()

    def close(self) -> None:
        """End threads and engine."""
        for part in self._parts:
            part.close()

    def _onModels(self, models: tuple[ModelInfo, ...]) -> None:
        self.models.show(models, self._choices.parameters.model)
        if self.models.model is not None:
            self._onModelChosen(self.models.model)

    def _onModelChosen(self, model: ModelInfo) -> None:
        if model.name != self._choices.parameters.model:
            self._choices.change(model=model.name)
        self._onChanged()

    def _showInstall(self) -> None:
        self._ui.engineSection.collapsed = False
        self._install.install()
