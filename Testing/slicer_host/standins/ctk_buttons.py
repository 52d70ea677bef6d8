"""CTK's collapsible sections and message box."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QChildEvent, QEvent, QSettings, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QGroupBox,
    QMessageBox,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

from slicer_host.standins.properties import opposite_of_checked, stored

HEADER_PX = 24


class ctkCollapsibleButton(QAbstractButton):
    """A section with a head that shows or hides what is in it."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *arguments: Any) -> None:
        texts = [a for a in arguments if isinstance(a, str)]
        super().__init__(*[a for a in arguments if not isinstance(a, str)])
        self._hidden_by_us: set[QWidget] = set()
        self.setText(texts[0] if texts else "")
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, HEADER_PX, 0, 0)
        self.toggled.connect(self._show_contents)

    collapsed = opposite_of_checked()
    collapsedHeight = stored(int, "collapsedHeight", 10, "updateGeometry")
    contentsFrameShape = stored(int, "contentsFrameShape", 6, "update")
    contentsFrameShadow = stored(int, "contentsFrameShadow", 32, "update")
    contentsLineWidth = stored(int, "contentsLineWidth", 1, "update")
    contentsMidLineWidth = stored(int, "contentsMidLineWidth", 0, "update")
    buttonTextAlignment = stored(int, "buttonTextAlignment", 129, "update")
    indicatorAlignment = stored(int, "indicatorAlignment", 129, "update")

    def _show_contents(self, shown: bool) -> None:
        for child in self._contents():
            self._show(child, shown)
        self.setMaximumHeight(16777215 if shown else HEADER_PX + self._read(10))
        self.updateGeometry()
        self.contentsCollapsed.emit(not shown)

    def _read(self, default: int) -> int:
        return int(getattr(self, "_collapsedHeight", default))

    def _contents(self) -> list[QWidget]:
        return [c for c in self.children() if isinstance(c, QWidget) and not c.isWindow()]

    def _show(self, child: QWidget, shown: bool) -> None:
        if not shown and not child.isHidden():
            self._hidden_by_us.add(child)
            child.setVisible(False)
        elif shown and child in self._hidden_by_us:
            self._hidden_by_us.discard(child)
            child.setVisible(True)

    def childEvent(self, event: QChildEvent) -> None:
        child = event.child()
        if event.type() == QEvent.Type.ChildPolished and not self.isChecked() and isinstance(child, QWidget):
            self._show(child, False)
        super().childEvent(event)

    def hitButton(self, position: Any) -> bool:
        return bool(position.y() < HEADER_PX)

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self.text()) + 40
        if self.isChecked() and self.layout() is not None:
            inside = self.layout().totalSizeHint()
            return QSize(max(width, inside.width()), max(HEADER_PX, inside.height()))
        return QSize(width, HEADER_PX)

    def minimumSizeHint(self) -> QSize:
        if self.isChecked() and self.layout() is not None:
            return self.layout().totalMinimumSize()
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(HEADER_PX)
        option.state |= QStyle.StateFlag.State_Raised
        painter.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option)
        arrow = QStyle.PrimitiveElement.PE_IndicatorArrowDown
        if not self.isChecked():
            arrow = QStyle.PrimitiveElement.PE_IndicatorArrowRight
        head = option.rect.adjusted(24, 0, 0, 0)
        option.rect.adjust(6, 6, 6 - option.rect.width() + 6, -6)
        painter.drawPrimitive(arrow, option)
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic, self.text())


class ctkCollapsibleGroupBox(QGroupBox):
    """A group box whose tick shows or hides what is in it."""

    collapsedHeight = stored(int, "collapsedHeight", 14, "updateGeometry")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._expand)

    collapsed = opposite_of_checked()

    def _expand(self, expanded: bool) -> None:
        for child in self.children():
            if isinstance(child, QWidget):
                child.setVisible(expanded)
        self.updateGeometry()


class ctkMessageBox(QMessageBox):
    """A message box that the user can ask never to come back."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._box = QCheckBox("Don't show this message again", self)
        self._box.setVisible(False)

    def _settings_key(self) -> str:
        return getattr(self, "_dontShowAgainSettingsKey", "")

    def _read_again(self) -> bool:
        return self._box.isChecked()

    def _set_key(self) -> None:
        self.setCheckBox(self._box)
        self._box.setVisible(True)
        # InvalidRole, or nothing, means that the message is still wanted.
        stored_button = QSettings().value(self._settings_key())
        self._box.setChecked(stored_button is not None and int(stored_button) != -1)

    def _read_visible(self) -> bool:
        return self.checkBox() is not None

    def _write_visible(self, visible: bool) -> None:
        self.setCheckBox(self._box if visible else None)

    @Slot(bool)
    def setDontShowAgain(self, dont: bool) -> None:
        self._box.setChecked(dont)

    dontShowAgain = Property(bool, _read_again, setDontShowAgain)
    dontShowAgainSettingsKey = stored(str, "dontShowAgainSettingsKey", "", "_set_key")
    dontShowAgainVisible = Property(bool, _read_visible, _write_visible)

    def done(self, result: int) -> None:
        key = self._settings_key()
        if key and self._box.isChecked() and result != QMessageBox.StandardButton.Cancel.value:
            QSettings().setValue(key, result)
        super().done(result)
