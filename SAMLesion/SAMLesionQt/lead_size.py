"""How many cases a study needs, answered while its numbers are turned."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.study.sample_size import cases_needed, effect_of, power


class LeadSize:
    """Answers below its fields.

    Args:
        ui: the window's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._nCases = 0
        for spin in (ui.savingSpinBox, ui.spreadSpinBox, ui.powerSpinBox):
            spin.connect("valueChanged(double)", lambda *_args: self._answer())
        self._answer()

    def setCases(self, nCases: int) -> None:
        """Compare with so many cases, 0 while they are not known."""
        if nCases != self._nCases:
            self._nCases = nCases
            self._answer()

    def _answer(self) -> None:
        ui = self._ui
        saving, spread = ui.savingSpinBox.value / 100, ui.spreadSpinBox.value
        try:
            needed = cases_needed(saving, spread, ui.powerSpinBox.value / 100)
        except SAMLesionError as refused:
            ui.sizeAnswerLabel.text = str(refused)
            return
        text = _("<b>{cases}</b>, each read in both arms, find this saving with this chance.").format(
            cases=casesText(needed)
        )
        if self._nCases > 1:
            chance = f"{power(self._nCases, effect_of(saving, spread)):.0%}"
            text += " " + _("With the {n} chosen the chance is {chance}.").format(
                n=self._nCases, chance=chance
            )
        elif self._nCases == 1:
            text += " " + _("One case is too few for a test.")
        ui.sizeAnswerLabel.text = text


def casesText(n: int) -> str:
    """So many cases, in words."""
    return _("1 case") if n == 1 else _("{n} cases").format(n=n)
