"""The section Models: what each model is for, its licence, and its weights on this computer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from SAMLesionLib import ModelInfo
from SAMLesionLib.errors import SAMLesionError
from SAMLesionQt.background import Background
from SAMLesionQt.engine_switch import EngineSwitch
from SAMLesionQt.failures import engineFailure
from SAMLesionQt.licences import Licences
from SAMLesionQt.model_commands import ModelCommands, Moved


class ModelsSection:
    """Lists the engine's models and manages their weights.

    Args:
        ui: the panel's widgets by name.
        engine: whose models they are.
        commands: what manages weights on this computer.
        licences: which licences the reader has accepted.
        chooseFile: asks the reader for a file; empty when cancelled.
        confirm: asks the reader a question; True for yes.
        onModels: receives the models whenever they are read.
    """

    def __init__(
        self,
        ui: Any,
        engine: EngineSwitch,
        commands: ModelCommands,
        licences: Licences,
        chooseFile: Callable[[], str],
        confirm: Callable[[str], bool],
        onModels: Callable[[tuple[ModelInfo, ...]], None],
    ) -> None:
        self._ui, self._engine, self._commands, self._licences = ui, engine, commands, licences
        self._chooseFile, self._confirm, self._onModels = chooseFile, confirm, onModels
        self._background = Background("models")
        self._models: tuple[ModelInfo, ...] = ()
        self._prepareTable()
        ui.modelTable.connect("itemSelectionChanged()", self._showChosen)
        ui.downloadModelButton.connect("clicked()", self.download)
        ui.importModelButton.connect("clicked()", self.importFile)
        ui.verifyModelButton.connect("clicked()", self.verify)
        ui.deleteModelButton.connect("clicked()", self.delete)
        ui.cancelModelButton.connect("clicked()", self.cancel)
        self._showChosen()

    def read(self) -> None:
        """Ask for the models; an engine on this computer is not started for that."""
        self._tell(_("Reading the list of models…"))
        self._background.ask("models", self._question(), self._show, self._onFailure)

    def download(self) -> None:
        """Fetch the chosen model's weights."""
        model = self.chosen
        if model is not None and self._licences.areAccepted(model, self._confirm):
            choice = self._engine.choice
            self._follow(_("Downloading…"), lambda: self._commands.download(choice, model.name))

    def importFile(self) -> None:
        """Take a file as the chosen model's weights."""
        model = self.chosen
        if model is None or not self._licences.areAccepted(model, self._confirm):
            return
        path = self._chooseFile()
        if path:
            choice = self._engine.choice
            self._ask(_("Importing…"), lambda: self._commands.importFile(choice, model.name, Path(path)))

    def verify(self) -> None:
        """Compare the chosen model's weights with what was published."""
        model, choice = self.chosen, self._engine.choice
        if model is not None:
            self._ask(_("Verifying…"), lambda: self._commands.verify(choice, model.name))

    def delete(self) -> None:
        """Delete the chosen model's weights."""
        model, choice = self.chosen, self._engine.choice
        if model is not None and self._confirm(
            _("The weights of {title} will be deleted from this computer.").format(title=model.title)
        ):
            self._ask(_("Deleting…"), lambda: self._commands.delete(choice, model.name))

    def cancel(self) -> None:
        """Stop what is under way; a download resumes the next time."""
        self._background.cancel()
        self._tell(_("Stopped. A download goes on from here the next time."))
        self._showChosen()

    def pump(self) -> None:
        """Hand over what has come; the panel's timer calls this."""
        self._background.pump()

    def close(self) -> None:
        """Stop what is under way."""
        self._background.close()

    @property
    def chosen(self) -> ModelInfo | None:
        """The model whose row is chosen."""
        row = self._ui.modelTable.currentRow()
        return self._models[row] if 0 <= row < len(self._models) else None

    def _question(self) -> Callable[[], tuple[ModelInfo, ...]]:
        choice = self._engine.choice
        return self._engine.models if choice.isRemote else lambda: self._commands.models(choice)

    def _ask(self, sentence: str, question: Callable[[], str]) -> None:
        def stream() -> Iterator[Moved]:
            yield Moved(1.0, question())

        self._follow(sentence, stream)

    def _follow(self, sentence: str, stream: Callable[[], Iterator[Moved]]) -> None:
        self._tell(sentence)
        self._ui.modelProgress.value = 0
        self._background.follow("action", stream, self._onMoved, self._onEnd, self._onFailure)
        self._showChosen()

    def _onMoved(self, moved: Moved) -> None:
        self._ui.modelProgress.value = max(self._ui.modelProgress.value, int(1000 * moved.fraction))
        if moved.sentence:
            self._tell(moved.sentence)

    def _onEnd(self) -> None:
        self._background.ask("models", self._question(), self._showQuietly, self._onFailure)
        self._showChosen()

    def _onFailure(self, error: SAMLesionError) -> None:
        self._tell(engineFailure(str(error)))
        self._showChosen()

    def _show(self, models: tuple[ModelInfo, ...]) -> None:
        self._tell("")
        self._showQuietly(models)

    def _showQuietly(self, models: tuple[ModelInfo, ...]) -> None:
        table, row = self._ui.modelTable, max(0, self._ui.modelTable.currentRow())
        self._models = models
        table.setRowCount(len(models))
        for n, model in enumerate(models):
            here = _("here") if model.is_available else _("not here")
            for column, text in enumerate((model.title, here, sizeText(model.size_bytes), model.licence)):
                table.setItem(n, column, qt.QTableWidgetItem(text))
        if models:
            table.selectRow(min(row, len(models) - 1))
        self._showChosen()
        self._onModels(models)

    def _prepareTable(self) -> None:
        table = self._ui.modelTable
        table.setColumnCount(4)
        table.setHorizontalHeaderLabels([_("Model"), _("Weights"), _("Size"), _("Licence")])
        table.verticalHeader().visible = False
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        for column in (1, 2, 3):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)

    def _showChosen(self) -> None:
        ui, model, isBusy = self._ui, self.chosen, self._background.isBusy
        ui.modelDetails.text = detailsText(model) if model is not None else ""
        isHere = model is not None and not self._engine.choice.isRemote
        reason = "" if isHere else _("The engine runs elsewhere, and so are its models. ")
        for button, canBe in (
            (ui.downloadModelButton, model is not None and not model.is_available),
            (ui.importModelButton, model is not None),
            (ui.verifyModelButton, model is not None and model.is_available),
            (ui.deleteModelButton, model is not None and model.is_available),
        ):
            button.enabled = canBe and isHere and not isBusy
        ui.modelDetails.toolTip = reason + _(
            "What the chosen model is for, whose work it is, and its licence."
        )
        ui.cancelModelButton.visible = isBusy
        ui.modelProgress.visible = isBusy

    def _tell(self, sentence: str) -> None:
        self._ui.modelStatusLabel.text = sentence
        self._ui.modelStatusLabel.visible = bool(sentence)


def sizeText(nBytes: int) -> str:
    """A size for people, in MB; a dash when it is not known."""
    return f"{nBytes / 1e6:.0f} MB" if nBytes else "–"


def detailsText(model: ModelInfo) -> str:
    """What a model is for, what it understands, and whose work it is."""
    kinds = ", ".join(sorted(model.prompts))
    sees = _("Sees volumes.") if model.dimensions == 3 else _("Sees slices.")
    what = _("{summary} {sees} Understands: {kinds}.").format(summary=model.summary, sees=sees, kinds=kinds)
    licence = _("Licence of the weights: {licence}.").format(licence=model.licence)
    return "\n".join(filter(None, (what, model.paper, licence)))
