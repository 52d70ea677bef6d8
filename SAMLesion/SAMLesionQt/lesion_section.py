"""The section Lesions: the list and what is done with the lesions in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from SAMLesionLib.host.lesion_table import LesionRow
from SAMLesionLib.lesions import Status
from SAMLesionQt.desk import Desk
from SAMLesionQt.lesion_table import LesionTable
from SAMLesionQt.organ_choice import OrganChoice


class LesionSection:
    """Shows the lesions of the session and acts on the chosen ones.

    Args:
        ui: the panel's widgets by name.
        desk: the session and the chosen lesion.
        iconFolder: where the icons are.
    """

    def __init__(self, ui: Any, desk: Desk, iconFolder: Path) -> None:
        self._ui, self._desk = ui, desk
        self._table = LesionTable(ui.lesionTable, iconFolder, self._onRowChosen, self._onRenamed)
        for text, statuses in (
            (_("All lesions"), ()),
            (_("Drafts"), (Status.DRAFT,)),
            (_("Flagged"), (Status.FLAGGED,)),
            (_("Accepted"), (Status.ACCEPTED,)),
        ):
            ui.statusFilter.addItem(text, [status.value for status in statuses])
        self._organ = OrganChoice(ui.organSelector, desk, self.refresh)
        for name, action in (
            ("newLesionButton", self.begin),
            ("nextLesionButton", self.next),
            ("acceptButton", self.accept),
            ("flagButton", self.flag),
            ("renameButton", self.rename),
            ("mergeButton", self.merge),
            ("splitButton", self.split),
            ("deleteButton", self.delete),
            ("undoButton", self.undo),
            ("redoButton", self.redo),
        ):
            getattr(ui, name).connect("clicked()", action)
        ui.statusFilter.connect("currentIndexChanged(int)", self._onFilter)

    def begin(self) -> None:
        """The next prompt begins another lesion."""
        self._desk.choose(None)
        self._desk.tell(_("The next prompt begins a new lesion."))
        self.refresh()

    def next(self) -> None:
        """Choose the next lesion of the list and show it in all views."""
        session = self._desk.session
        if session is not None:
            lesionId = session.table.next_id(self._desk.lesionId, self.statuses or None)
            if lesionId is not None:
                self._choose(lesionId)

    def accept(self) -> None:
        """Accept the chosen lesions, or reopen them when all are accepted."""
        session = self._desk.session
        if session is None:
            return
        chosen = [session.annotation.lesion(i) for i in self._table.chosenIds]
        isBack = all(lesion.is_accepted for lesion in chosen)
        with self._desk.guarded():
            for lesion in chosen:
                if isBack:
                    session.annotation.reopen(lesion.lesion_id)
                elif not lesion.is_accepted:
                    session.controller.accept(lesion.lesion_id)
        self.refresh()

    def flag(self) -> None:
        """Flag the chosen lesions for a second look, or take the flag away when all have it."""
        session = self._desk.session
        if session is None:
            return
        chosen = [session.annotation.lesion(i) for i in self._table.chosenIds]
        isBack = all(lesion.status is Status.FLAGGED for lesion in chosen)
        act = session.annotation.reopen if isBack else session.annotation.flag
        with self._desk.guarded():
            for lesion in chosen:
                act(lesion.lesion_id)
        self.refresh()

    def rename(self) -> None:
        """Let the reader type another name for the chosen lesion."""
        if self._desk.lesionId is not None:
            self._table.rename(self._desk.lesionId)

    def merge(self) -> None:
        """Make one lesion of the chosen ones."""
        if self._desk.session is not None:
            with self._desk.guarded():
                self._desk.session.controller.merge(self._table.chosenIds)
            self.refresh()

    def split(self) -> None:
        """Make a lesion of each connected part of the chosen one."""
        if self._desk.session is not None and self._desk.lesionId is not None:
            with self._desk.guarded():
                self._desk.session.controller.split(self._desk.lesionId)
            self.refresh()

    def delete(self) -> None:
        """Delete the chosen lesions; undo brings them back."""
        if self._desk.session is not None:
            with self._desk.guarded():
                for lesionId in self._table.chosenIds:
                    self._desk.session.annotation.delete(lesionId)
            self.refresh()

    def undo(self) -> None:
        """Take the last action back."""
        if self._desk.session is not None:
            with self._desk.guarded():
                self._desk.session.controller.undo()
            self.refresh()

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self._desk.session is not None:
            with self._desk.guarded():
                self._desk.session.controller.redo()
            self.refresh()

    @property
    def statuses(self) -> tuple[Status, ...]:
        """Which lesions the list shows; empty for all."""
        return tuple(Status(value) for value in self._ui.statusFilter.currentData or ())

    def refresh(self) -> bool:
        """Show the lesions as they are now; False when a long list is not wholly shown yet."""
        session = self._desk.session
        rows = session.table.rows(self.statuses or None) if session is not None else ()
        if session is not None and self._desk.lesion is None:
            self._desk.choose(None)
        isWhole = self._table.show(rows, self._desk.lesionId)
        self._ui.lesionSummary.text = summary(rows)
        self._enable()
        return isWhole

    def _enable(self) -> None:
        ui, session, lesion = self._ui, self._desk.session, self._desk.lesion
        chosen = len(self._table.chosenIds)
        isOpen = lesion is not None and not lesion.is_accepted
        ui.newLesionButton.enabled = session is not None
        ui.nextLesionButton.enabled = bool(self._table.ids)
        ui.acceptButton.enabled = ui.flagButton.enabled = chosen > 0
        ui.renameButton.enabled = lesion is not None
        ui.mergeButton.enabled = chosen > 1
        ui.splitButton.enabled = isOpen and chosen == 1
        ui.deleteButton.enabled = isOpen
        ui.undoButton.enabled = session is not None and session.annotation.can_undo
        ui.redoButton.enabled = session is not None and session.annotation.can_redo
        self._organ.show(lesion)

    def _choose(self, lesionId: str) -> None:
        self._desk.choose(lesionId)
        session = self._desk.session
        assert session is not None
        row = next((row for row in session.table.rows() if row.lesion_id == lesionId), None)
        if row is not None and row.centre_ras is not None:
            jump = slicer.vtkMRMLSliceNode
            jump.JumpAllSlices(slicer.mrmlScene, *row.centre_ras, jump.CenteredJumpSlice)
        self.refresh()

    def _onRowChosen(self, lesionId: str | None) -> None:
        if lesionId is None:
            self._desk.choose(None)
            self._enable()
        else:
            self._choose(lesionId)

    def _onRenamed(self, lesionId: str, name: str) -> None:
        if self._desk.session is not None:
            with self._desk.guarded():
                self._desk.session.annotation.rename(lesionId, name)
            self.refresh()

    def _onFilter(self, _index: int) -> None:
        self.refresh()


def summary(rows: tuple[LesionRow, ...] | list[LesionRow]) -> str:
    """How many lesions there are, how far they are, and how much they hold together."""
    if not rows:
        return _("No lesion yet.")
    counts = {status: sum(row.status is status for row in rows) for status in Status}
    total = sum(row.volume_ml or 0.0 for row in rows)
    count = _("1 lesion") if len(rows) == 1 else _("{n} lesions").format(n=len(rows))
    return _("{count}, together {ml} ml. Accepted {accepted}, flagged {flagged}, draft {drafts}.").format(
        count=count,
        accepted=counts[Status.ACCEPTED],
        flagged=counts[Status.FLAGGED],
        drafts=counts[Status.DRAFT],
        ml=f"{total:.1f}",
    )
