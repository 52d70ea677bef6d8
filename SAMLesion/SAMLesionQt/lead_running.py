"""A running study: its work lists are dealt, its readers followed, its report made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.study.dealing import deal, without_reference
from SAMLesionLib.study.design import StudyDesign
from SAMLesionLib.study.design_file import DESIGN, read_design
from SAMLesionLib.study.status import ReaderStatus, study_status
from SAMLesionLib.study.study_folder import freeze, read_start, read_study
from SAMLesionQt.background import Background
from SAMLesionQt.engine_switch import EngineSwitch
from SAMLesionQt.lead_readers import prepareReaders, showReaders
from SAMLesionQt.lead_size import casesText
from SAMLesionQt.report_commands import REPORT, PackagesMissing, ReportCommands
from SAMLesionQt.services import Services


@dataclass(frozen=True)
class _Seen:
    """A study as it is now; no reader while its work lists are not dealt."""

    design: StudyDesign
    since: str
    readers: tuple[ReaderStatus, ...]


class LeadRunning:
    """Follows one study.

    Args:
        ui: the window's widgets by name.
        services: asks questions, runs programs, opens files.
        engine: whose Python makes the report.
    """

    def __init__(self, ui: Any, services: Services, engine: EngineSwitch) -> None:
        self._ui, self._services, self._engine = ui, services, engine
        self._reports = ReportCommands(services.commands)
        self._background, self._reporting = Background("study"), Background("study report")
        self._seen: _Seen | None = None
        prepareReaders(ui.statusTable)
        ui.runningFolderEdit.connect("currentPathChanged(QString)", lambda *_args: self.refresh())
        ui.reportFolderEdit.connect("currentPathChanged(QString)", lambda *_args: self._show())
        for button, act in (
            (ui.dealButton, self.deal),
            (ui.openStudyFolderButton, lambda: self._open(self.folder)),
            (ui.refreshStatusButton, self.refresh),
            (ui.makeReportButton, self.report),
            (ui.cancelReportButton, self.cancel),
            (ui.openReportButton, lambda: self._open(self.target / REPORT)),
        ):
            button.connect("clicked()", act)
        self._show()

    @property
    def folder(self) -> Path:
        """The study's."""
        return Path(self._ui.runningFolderEdit.currentPath.strip()).expanduser()

    @property
    def target(self) -> Path:
        """The report's folder."""
        chosen = self._ui.reportFolderEdit.currentPath.strip()
        return Path(chosen).expanduser() if chosen else self.folder / "report"

    def choose(self, folder: Path) -> None:
        """Follow this study from now on."""
        self._ui.runningFolderEdit.currentPath = str(folder)
        self.refresh()

    def refresh(self) -> None:
        """Read design and logs again, in a thread."""
        folder = self.folder
        if self._ui.runningFolderEdit.currentPath.strip():
            self._background.ask("status", lambda: _look(folder), self._onSeen, self._onUnseen)
        else:
            self._seen = None
            self._tell(_("Choose the folder of a study."))
            self._show()

    def deal(self) -> None:
        """Ask the lead, then freeze the design and write the work lists."""
        folder = self.folder
        question = _(
            "The design will be frozen, and each reader gets a work list. Who changes the design afterwards "
            "raises its version and deals again; what was read stays."
        )
        isFirst = self._seen is not None and not self._seen.since
        if not isFirst or self._services.confirm(question):
            self._background.ask("status", lambda: _dealt(folder), self._onDealt, self._onFailure)

    def report(self) -> None:
        """Make the report in a program of its own, and show it."""
        choice, folder, target = self._engine.choice, self.folder, self.target
        self._follow(_("Making the report…"), lambda: self._reports.report(choice, folder, target))

    def cancel(self) -> None:
        """Stop making the report."""
        self._reporting.cancel()
        self._tell(_("Stopped."))
        self._show()

    def pump(self) -> None:
        """Hand over what has come; the panel's timer calls this."""
        self._background.pump()
        self._reporting.pump()

    def close(self) -> None:
        """Stop what is under way."""
        self._background.close()
        self._reporting.close()

    def _follow(self, sentence: str, stream: Callable[[], Iterator[str]]) -> None:
        self._tell(sentence)
        self._reporting.follow("report", stream, self._tell, self._onReport, self._onNoReport)
        self._show()

    def _onReport(self) -> None:
        path = self.target / REPORT
        self._tell(_("The report is in {path}.").format(path=path))
        self._open(path)
        self._show()

    def _onNoReport(self, error: SAMLesionError) -> None:
        if not isinstance(error, PackagesMissing) or not self._services.confirm(str(error)):
            self._onFailure(error)
            return
        choice, folder, target = self._engine.choice, self.folder, self.target
        self._follow(
            _("Installing the report's packages…"),
            lambda: self._reports.installAndReport(choice, folder, target),
        )

    def _onDealt(self, told: tuple[_Seen, str]) -> None:
        self._onSeen(told[0])
        self._tell(told[1])

    def _onSeen(self, seen: _Seen) -> None:
        self._seen = seen
        self._tell("" if seen.since else _("Read the design once more, then deal the work lists."))
        self._show()

    def _onUnseen(self, error: SAMLesionError) -> None:
        self._seen = None
        self._onFailure(error)

    def _onFailure(self, error: SAMLesionError) -> None:
        self._tell(str(error))
        self._show()

    def _show(self) -> None:
        ui, seen, isBusy = self._ui, self._seen, self._reporting.isBusy
        isDealt = seen is not None and bool(seen.since)
        hasDesign = bool(ui.runningFolderEdit.currentPath.strip()) and (self.folder / DESIGN).exists()
        for button in (ui.dealButton, ui.openStudyFolderButton, ui.refreshStatusButton):
            button.enabled = hasDesign  # a design that was changed is dealt again, or put back
        ui.dealButton.text = _("Deal again") if isDealt else _("Deal work lists")
        ui.makeReportButton.enabled = isDealt and not isBusy
        ui.cancelReportButton.visible = isBusy
        ui.openReportButton.enabled = isDealt and (self.target / REPORT).exists()
        ui.studySummaryLabel.text = _summary(seen) if seen is not None else ""
        showReaders(ui.statusTable, seen.readers if seen is not None else ())

    def _open(self, path: Path) -> None:
        self._services.openPath(path)

    def _tell(self, sentence: str) -> None:
        self._ui.leadStatusLabel.text = sentence


def _look(folder: Path) -> _Seen:
    design, start = read_design(folder / DESIGN), read_start(folder)
    if start is None:
        return _Seen(design, "", ())
    return _Seen(design, start.started[:10], tuple(study_status(read_study(folder))))


def _dealt(folder: Path) -> tuple[_Seen, str]:
    study = freeze(folder)
    lists = deal(study)
    readers = ", ".join(worklist.reader for worklist in lists)
    told = _("Work lists for {readers} in {folder}.").format(readers=readers, folder=folder / "readers")
    if bare := without_reference(study):
        told += " " + _("No reference mask for {cases}: quality is not measured there.").format(
            cases=", ".join(bare)
        )
    return _look(folder), told


def _summary(seen: _Seen) -> str:
    design = seen.design
    what = _("<b>{title}</b><br>{cases}, {arms} arms ({ids}), version {version}").format(
        title=design.title,
        cases=casesText(len(design.cases)),
        arms=len(design.arms),
        ids=", ".join(arm.id for arm in design.arms),
        version=design.version,
    )
    since = _("begun on {date}").format(date=seen.since) if seen.since else _("not dealt yet")
    return f"{what}, {since}"
