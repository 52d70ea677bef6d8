"""A new study: the form, what comes of it, and the design that is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib.errors import InputError, SAMLesionError
from SAMLesionLib.study.dataset_cases import DatasetCases
from SAMLesionLib.study.design import StudyCase, StudyDesign
from SAMLesionLib.study.design_checks import check_design
from SAMLesionLib.study.design_file import DESIGN
from SAMLesionLib.study.new_design import beginning, check_free
from SAMLesionQt.background import Background
from SAMLesionQt.lead_form import LeadForm
from SAMLesionQt.lead_schedule import LeadSchedule
from SAMLesionQt.lead_size import LeadSize, casesText
from SAMLesionQt.nifti_package import NiftiPackage

THIS_STUDY = "This study"


class LeadDesign:
    """Shows who would read what, and writes the design.

    Args:
        ui: the window's widgets by name.
        size: is told how many cases there are.
        nifti: fetches what NIfTI files need.
        onWritten: receives the folder of the new study.
    """

    def __init__(
        self, ui: Any, size: LeadSize, nifti: NiftiPackage, onWritten: Callable[[Path], None]
    ) -> None:
        self._ui, self._size, self._nifti, self._onWritten = ui, size, nifti, onWritten
        self._background = Background("study design")
        self._source: DatasetCases | None = None
        self._isDirty = True
        self._schedule = LeadSchedule(ui.scheduleTable, ui.scheduleLegend)
        self._form = LeadForm(ui, self.look, self._readCases)
        self.setModels = self._form.setModels
        ui.writeDesignButton.connect("clicked()", self.write)
        ui.cancelDesignButton.connect("clicked()", self.cancel)
        self._readCases()

    def look(self) -> None:
        """Show what the form asks for, soon."""
        self._isDirty = True

    def write(self) -> None:
        """Read all cases and write the design, in a thread."""
        try:
            folder, draft, source = self._checked()
        except SAMLesionError as wrong:
            self._tell(str(wrong))
            return
        isFetching = any(map(self._nifti.isNeeded, source.paths()))
        if isFetching and not self._nifti.isAgreed():
            self._tell(_("These cases are NIfTI files, which need nibabel. No design was written."))
            return
        about, n = self._form.template.about, len(source.planned())
        self._ui.designProgress.value = 0

        def stream() -> Iterator[StudyCase]:
            for _line in self._nifti.installing() if isFetching else ():
                pass
            yield from beginning(folder, draft, source, about)

        def onCase(case: StudyCase) -> None:
            self._ui.designProgress.value += 1000 // n
            self._tell(_("Read {case} of {cases}…").format(case=case.id, cases=casesText(n)))

        self._tell(_("Fetching nibabel…") if isFetching else _("Reading the cases…"))
        self._background.follow("write", stream, onCase, lambda: self._onEnd(folder, n), self._onFailure)
        self._showBusy()

    def cancel(self) -> None:
        """Stop reading cases."""
        self._background.cancel()
        self._tell(_("Stopped. No design was written."))
        self._showBusy()

    def pump(self) -> None:
        """Hand over what has come, and show what has changed."""
        self._background.pump()
        if self._isDirty and self._ui.studyTabs.isVisible():
            self._isDirty = False
            self._show()

    def close(self) -> None:
        """Stop what is under way."""
        self._background.close()

    def _readCases(self) -> None:
        """List the cases that the form names, without reading a scan."""
        self._source, path = None, self._form.cases
        label, starts = self._form.label, self._form.starts
        self._ui.casesInfoLabel.text = ""
        self.look()
        if path is None:
            self._background.cancel()
        else:
            self._ui.casesInfoLabel.text = _("Looking for cases…")
            self._background.ask(
                "cases", lambda: DatasetCases.open(path, label, starts), self._onCases, self._onNoCases
            )

    def _onCases(self, source: DatasetCases) -> None:
        self._source = source
        told = _("{cases} (layout: {layout})")
        self._ui.casesInfoLabel.text = told.format(
            cases=casesText(len(source.planned())), layout=source.dataset.layout
        )
        self.look()

    def _onNoCases(self, error: SAMLesionError) -> None:
        self._ui.casesInfoLabel.text = str(error)
        self.look()

    def _show(self) -> None:
        n = len(self._source.planned()) if self._source is not None else 0
        self._ui.repeatsSpinBox.maximum = n
        self._size.setCases(n)
        try:
            self._schedule.show(self._whole()[0])
        except SAMLesionError:
            self._schedule.clear()
        if not self._background.isBusy:
            self._tell(self._advice())
        self._showBusy()

    def _advice(self) -> str:
        """What is wrong or missing, or that all is there."""
        try:
            self._checked()
        except SAMLesionError as wrong:
            return str(wrong)
        return _("Ready. Writing the design reads every case once, which takes seconds a case.")

    def _checked(self) -> tuple[Path, StudyDesign, DatasetCases]:
        """Where the study goes, what it asks, and its cases.

        Raises:
            InputError: when something is missing, or the design cannot be carried out.
            OutputError: when the folder holds a study already.
        """
        draft, source = self._whole()
        folder = self._form.folder
        if folder is None:
            raise InputError(_("Choose a folder for the study, then write the design."))
        check_free(folder)
        return folder, draft, source

    def _whole(self) -> tuple[StudyDesign, DatasetCases]:
        """The design with the cases as they will be called, and where they are."""
        draft, source = self._form.draft(), self._source
        if source is None:
            raise InputError(_("Choose the folder of cases: scans with the experts' masks."))
        whole = replace(draft, cases=source.planned())
        check_design(whole, THIS_STUDY)
        return whole, source

    def _onEnd(self, folder: Path, n: int) -> None:
        self._showBusy()
        self._onWritten(folder)
        self._tell(
            _("Written: {path} with {cases}. Read it, change it; then deal the work lists.").format(
                path=folder / DESIGN, cases=casesText(n)
            )
        )

    def _onFailure(self, error: SAMLesionError) -> None:
        self._showBusy()
        self._tell(str(error))

    def _showBusy(self) -> None:
        isBusy = self._background.isBusy and self._source is not None
        self._ui.designProgress.visible = self._ui.cancelDesignButton.visible = isBusy
        self._ui.writeDesignButton.enabled = self._ui.designContents.enabled = not isBusy

    def _tell(self, sentence: str) -> None:
        self._ui.leadStatusLabel.text = sentence
