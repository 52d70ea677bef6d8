"""The choice of a model at the top of the panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib import ModelInfo
from SAMLesionQt.licences import Licences


class ModelSelector:
    """Shows the models and which one is chosen.

    Args:
        selector: the combo box.
        licences: which licences the reader has accepted.
        confirm: asks the reader a question.
        onChosen: receives the model that the reader chose.
    """

    def __init__(
        self,
        selector: Any,
        licences: Licences,
        confirm: Callable[[str], bool],
        onChosen: Callable[[ModelInfo], None],
    ) -> None:
        self._selector, self._licences = selector, licences
        self._confirm, self._onChosen = confirm, onChosen
        self._models: tuple[ModelInfo, ...] = ()
        self._name = ""
        selector.addItem(_("The engine's models are not known yet"))
        selector.enabled = False
        selector.connect("activated(int)", self._onActivated)

    @property
    def model(self) -> ModelInfo | None:
        """The chosen model, None while it is not known."""
        return next((model for model in self._models if model.name == self._name), None)

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """All models that are known."""
        return self._models

    def show(self, models: tuple[ModelInfo, ...], name: str) -> None:
        """Show these models with one of them chosen; the first where there is none of this name."""
        self._models = models
        names = [model.name for model in models]
        self._name = name if name in names or not names else names[0]
        self._selector.clear()
        for model in models:
            self._selector.addItem(itemText(model), model.name)
        if not models:
            self._selector.addItem(_("The engine's models are not known yet"))
        self._selector.enabled = bool(models)
        self._select()

    def _select(self) -> None:
        names = [model.name for model in self._models]
        if self._name in names:
            self._selector.currentIndex = names.index(self._name)
            self._selector.toolTip = self._models[names.index(self._name)].summary

    def _onActivated(self, index: int) -> None:
        model = self._models[index]
        if self._licences.areAccepted(model, self._confirm):
            self._name = model.name
            self._onChosen(model)
        self._select()


def itemText(model: ModelInfo) -> str:
    """A model in the list, with a word where it cannot be used yet."""
    return model.title if model.is_available else _("{title} (not downloaded)").format(title=model.title)
