"""The form of a new study: what its fields ask for, as a design without cases."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib import ModelInfo
from SAMLesionLib.errors import InputError
from SAMLesionLib.study.design import AnalysisPlan, Order, StudyDesign
from SAMLesionLib.study.design_templates import CORRECT, MANUAL, TEMPLATES, DesignTemplate


class LeadForm:
    """Reads the fields, and fills them from a template.

    Args:
        ui: the window's widgets by name.
        onChanged: called when anything was changed.
        onCases: called when other cases were named.
    """

    def __init__(self, ui: Any, onChanged: Callable[[], None], onCases: Callable[[], None]) -> None:
        self._ui, self._onChanged = ui, onChanged
        for name, template in TEMPLATES.items():
            ui.templateSelector.addItem(template.title, name)
        for text, scheme in (
            (_("Latin square"), "latin-square"),
            (_("Random blocks, drawn for each case"), "random-blocks"),
            (_("Arm after arm, the same for all"), "sequence"),
        ):
            ui.schemeSelector.addItem(text, scheme)
        self._fill()
        self._listen(onCases)
        self.showArms()

    @property
    def template(self) -> DesignTemplate:
        """What the study begins with."""
        return TEMPLATES[self._ui.templateSelector.currentData]

    @property
    def folder(self) -> Path | None:
        """Where the study goes, None while nobody has said."""
        return _path(self._ui.studyFolderEdit)

    @property
    def cases(self) -> Path | None:
        """The data set, None while nobody has said."""
        return _path(self._ui.casesEdit)

    @property
    def label(self) -> int | None:
        """The label value of lesions, None for all."""
        return self._ui.labelSpinBox.value or None

    @property
    def starts(self) -> Path | None:
        """The folder of masks to correct, None when no arm does."""
        return _path(self._ui.startsEdit) if self._ui.correctArmCheckBox.checked else None

    def draft(self) -> StudyDesign:
        """What the fields ask for.

        Raises:
            InputError: when there are too few arms, or one has no model.
        """
        ui, words = self._ui, self._words()
        if len(words) < 2:
            raise InputError(_("Choose two arms or more: a study compares ways of working."))
        design = self.template.with_arms(words)
        ids = [arm.id for arm in design.arms]
        chosen = ui.baselineSelector.currentData
        order = Order(
            scheme=ui.schemeSelector.currentData,
            washout_days=ui.washoutSpinBox.value,
            repeat_cases=ui.repeatsSpinBox.value,
            is_arm_blinded=ui.blindedCheckBox.checked,
        )
        analysis = AnalysisPlan(
            baseline=chosen if chosen in ids else design.analysis.baseline,
            idle_after_s=ui.idleSpinBox.value,
            nsd_tolerance_mm=ui.toleranceSpinBox.value,
            dice_margin=round(ui.marginSpinBox.value, 3),
        )
        return replace(
            design,
            readers=tuple(re.split(r"[,;\s]+", ui.readersEdit.text.strip(" ,;"))),
            seed=ui.seedSpinBox.value,
            instructions=ui.instructionsEdit.plainText.strip(),
            order=order,
            analysis=analysis,
        )

    def showArms(self) -> None:
        """Offer what the chosen arms need, and each of them as the baseline."""
        ui = self._ui
        ui.assistedModelSelector.enabled = ui.assistedArmCheckBox.checked
        ui.secondModelSelector.enabled = ui.secondArmCheckBox.checked
        ui.startsEdit.enabled = ui.correctArmCheckBox.checked
        words = [word for word in self._words() if word]
        arms = self.template.with_arms(words).arms if words else ()
        chosen = ui.baselineSelector.currentData
        wasBlocked = ui.baselineSelector.blockSignals(True)
        ui.baselineSelector.clear()
        for arm in arms:
            ui.baselineSelector.addItem(arm.title, arm.id)
        ids = [arm.id for arm in arms]
        ui.baselineSelector.currentIndex = ids.index(chosen) if chosen in ids else 0 if ids else -1
        ui.baselineSelector.blockSignals(wasBlocked)

    def setModels(self, models: tuple[ModelInfo, ...]) -> None:
        """Offer these models by name; what was typed or chosen stays."""
        for selector in (self._ui.assistedModelSelector, self._ui.secondModelSelector):
            chosen = selector.currentText
            wasBlocked = selector.blockSignals(True)
            selector.clear()
            selector.addItems([model.name for model in models] or _templateModels())
            selector.currentText = chosen
            selector.blockSignals(wasBlocked)

    def _words(self) -> list[str]:
        ui = self._ui
        told = (
            (ui.manualArmCheckBox, MANUAL),
            (ui.assistedArmCheckBox, ui.assistedModelSelector.currentText.strip()),
            (ui.secondArmCheckBox, ui.secondModelSelector.currentText.strip()),
            (ui.correctArmCheckBox, CORRECT),
        )
        return [word for box, word in told if box.checked]

    def _fill(self) -> None:
        """Put what the template says into the fields."""
        ui, design = self._ui, self.template.design
        models = _templateModels()
        for selector, model in (
            (ui.assistedModelSelector, design.others[0].model),
            (ui.secondModelSelector, next(name for name in models if name != design.others[0].model)),
        ):
            if not selector.count:
                selector.addItems(models)
            selector.currentText = model
        schemes = [ui.schemeSelector.itemData(n) for n in range(ui.schemeSelector.count)]
        ui.schemeSelector.currentIndex = schemes.index(design.order.scheme)
        ui.washoutSpinBox.value = design.order.washout_days
        ui.instructionsEdit.plainText = design.instructions

    def _listen(self, onCases: Callable[[], None]) -> None:
        ui = self._ui
        ui.templateSelector.connect("activated(int)", self._onTemplate)
        for box in (ui.manualArmCheckBox, ui.assistedArmCheckBox, ui.secondArmCheckBox, ui.blindedCheckBox):
            box.connect("toggled(bool)", self._changed)
        ui.correctArmCheckBox.connect("toggled(bool)", self._changed)
        for selector in (ui.assistedModelSelector, ui.secondModelSelector):
            selector.connect("editTextChanged(QString)", self._changed)
        for selector in (ui.baselineSelector, ui.schemeSelector):
            selector.connect("currentIndexChanged(int)", self._changed)
        for spin in (ui.repeatsSpinBox, ui.seedSpinBox):
            spin.connect("valueChanged(int)", self._changed)
        for spin in (ui.washoutSpinBox, ui.idleSpinBox, ui.toleranceSpinBox, ui.marginSpinBox):
            spin.connect("valueChanged(double)", self._changed)
        ui.readersEdit.connect("textChanged(QString)", self._changed)
        ui.instructionsEdit.connect("textChanged()", self._changed)
        ui.studyFolderEdit.connect("currentPathChanged(QString)", self._changed)
        for edit in (ui.casesEdit, ui.startsEdit):
            edit.connect("currentPathChanged(QString)", lambda *_args: onCases())
        ui.labelSpinBox.connect("valueChanged(int)", lambda *_args: onCases())
        ui.correctArmCheckBox.connect("toggled(bool)", lambda *_args: onCases())

    def _onTemplate(self, *_args: object) -> None:
        self._fill()
        self._changed()

    def _changed(self, *_args: object) -> None:
        self.showArms()
        self._onChanged()


def _templateModels() -> list[str]:
    """What there is to choose while the engine's models are not known."""
    return [template.design.others[0].model for template in TEMPLATES.values()]


def _path(edit: Any) -> Path | None:
    text = edit.currentPath.strip()
    return Path(text).expanduser() if text else None
