"""The Segment Editor's effects: which there are, which is active, and what the brush does."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QToolButton, QWidget

from slicer_host.standins.properties import stored
from slicer_host.standins.segment_editor_parts import SegmentEditorParts
from slicer_host.standins.segment_effects import BRUSHES, NAMES, qSlicerSegmentEditorAbstractEffect
from slicer_host.standins.strokes import Strokes

EFFECT_COLUMNS = 4


class SegmentEditorEffects(SegmentEditorParts):
    """The rows of effects."""

    unorderedEffectsVisible = stored(bool, "unorderedEffectsVisible", True, "updateEffectList")
    effectButtonStyle = stored(int, "effectButtonStyle", 2)
    effectColumnCount = stored(int, "effectColumnCount", EFFECT_COLUMNS, "updateEffectList")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor_node: Any = None
        self._effects = {name: qSlicerSegmentEditorAbstractEffect(name, self) for name in NAMES}
        self._order: list[str] = []
        self._strokes: Strokes | None = None
        self.updateEffectList()

    def activeEffect(self) -> Any:
        name = self._editor_node.GetActiveEffectName() if self._editor_node is not None else ""
        return self._effects.get(name or "")

    @Slot(str)
    def setActiveEffectByName(self, name: str) -> None:
        if self._editor_node is not None:
            self._editor_node.SetActiveEffectName(name)

    def setActiveEffect(self, effect: Any) -> None:
        self.setActiveEffectByName(effect.property("name") if effect is not None else "")

    def effectByName(self, name: str) -> Any:
        return self._effects.get(name)

    def availableEffectNames(self) -> list[str]:
        return list(self._effects)

    def setEffectNameOrder(self, names: list[str]) -> None:
        self._order = list(names)
        self.updateEffectList()

    def effectNameOrder(self) -> list[str]:
        return self._order

    def effectCount(self) -> int:
        return len(self._shown_effects())

    def effectByIndex(self, index: int) -> Any:
        return self._effects[self._shown_effects()[index]]

    def _shown_effects(self) -> list[str]:
        ordered = [name for name in self._order if name in self._effects]
        others = [name for name in self._effects if name not in ordered]
        return ordered + (others if self.unorderedEffectsVisible else [])

    @Slot()
    def updateEffectList(self) -> None:
        while self._effect_grid.count():
            self._effect_grid.takeAt(0).widget().deleteLater()
        for place, name in enumerate(("None", *self._shown_effects())):
            button = QToolButton(self._effects_area)
            button.setText(name)
            button.setCheckable(True)
            button.clicked.connect(
                lambda checked=False, name=name: self.setActiveEffectByName("" if name == "None" else name)
            )
            self._effect_grid.addWidget(button, *divmod(place, self.effectColumnCount))

    def setupViewObservations(self) -> None:
        if self._strokes is None:
            self._strokes = Strokes(slicer.app.layoutManager, self._brush)

    def removeViewObservations(self) -> None:
        if self._strokes is not None:
            self._strokes.close()
            self._strokes = None

    def _brush(self) -> Any:
        """The brush in the user's hand, None when a click is none of the editor's business."""
        effect = self.activeEffect()
        if self.readOnly or effect is None or effect.property("name") not in BRUSHES:
            return None
        return effect if self.currentSegmentID() and self.sourceVolumeNode() is not None else None
