"""The panel: its parts are made here, handed what they need, and told when something has changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from SAMLesionLib.events import LesionEvent, MaskShown, WorkFailed, WorkProgressed
from SAMLesionLib.host.kept_journals import discard_kept
from SAMLesionLib.host.prompt_nodes import PromptNodes
from SAMLesionQt.buttons import buttons, prepareButtons
from SAMLesionQt.choices import Choices
from SAMLesionQt.desk import Desk
from SAMLesionQt.dicom_export import exportDicomSegmentation
from SAMLesionQt.drawing import Drawing
from SAMLesionQt.edit_section import EditSection
from SAMLesionQt.engine_room import EngineRoom
from SAMLesionQt.export_section import ExportSection
from SAMLesionQt.failures import engineFailure
from SAMLesionQt.glance import glance
from SAMLesionQt.lead_window import StudyLead
from SAMLesionQt.lesion_section import LesionSection
from SAMLesionQt.nifti_package import NiftiPackage
from SAMLesionQt.notice import Notice
from SAMLesionQt.prompt_list import PromptList
from SAMLesionQt.recovery_offer import RecoveryOffer
from SAMLesionQt.services import Services
from SAMLesionQt.session_keeper import SessionKeeper
from SAMLesionQt.shortcuts import HelpPopover, Shortcuts
from SAMLesionQt.status_line import StatusLine
from SAMLesionQt.study_section import StudySection

PUMP_MS = 15
PUMP_S = 0.008
"""How long one tick may hand over results: the views stay smooth."""
STUDY_VARIABLE = "SAMLESION_STUDY"
"""Names a reader's folder of a study that is opened with the panel."""
GLANCE_TICKS = 20
"""So many ticks pass between two looks at which slice the reader sees."""


class Panel:
    """The reader's cockpit.

    Args:
        ui: the widgets of `SAMLesion.ui` by name.
        resources: the module's folder `Resources`.
        services: what is outside the panel.
    """

    def __init__(self, ui: Any, resources: Path, services: Services) -> None:
        icons = resources / "Icons"
        self.ui, self._services = ui, services
        prepareButtons(ui, icons)
        self.status = StatusLine(ui)
        self.notice = Notice(ui)
        self.desk = Desk(self.status.tell)
        self.choices = Choices(ui, self.desk)
        self.engineRoom = EngineRoom(ui, resources, services, self.choices, self.notice, self.refresh)
        self.engine, self.models = self.engineRoom.engine, self.engineRoom.models
        self._makeSections(icons)
        self.recovery = RecoveryOffer(self.desk, self.notice, self.refresh)
        self.keeper = SessionKeeper(
            self.desk,
            self.engine,
            services.journalFolder,
            onChanged=self._onSession,
            onEvent=self._onLesionEvent,
            onProgress=self._onProgress,
            onFailed=self._onFailed,
        )
        self._promptNodes: PromptNodes | None = None
        self.desk.lesionChosen.connect(self._onLesionChosen)
        ui.runButton.connect("clicked()", self.run)
        ui.cancelButton.connect("clicked()", self.cancel)
        self._isDirty, self._isMeasuring, self._tick = True, False, 0
        self._timer = qt.QTimer()
        self._timer.setInterval(PUMP_MS)
        self._timer.connect("timeout()", self.tick)

    def _makeSections(self, icons: Path) -> None:
        ui, services = self.ui, self._services
        self.drawing = Drawing(ui, self.desk, self._onTool, self.choices.takeWindow, self.refresh)
        self.lesions = LesionSection(ui, self.desk, icons)
        self.prompts = PromptList(ui, self.desk)
        self.edit = EditSection(ui, self.desk, self.drawing.putAway)
        nifti = NiftiPackage(services.commands, services.confirm)
        self.export = ExportSection(ui, self.desk, services.chooseTarget, self._exportDicom, nifti)
        layout = ui.noticeFrame.parentWidget().layout()
        self.study = StudySection(layout, self.desk, ui.volumeSelector.setCurrentNode, self._chooseModel)
        self.studyLead = StudyLead(icons.parent / "UI" / "StudyLead.ui", services, self.engine)
        ui.takePartButton.connect("clicked()", self._takePart)
        ui.leadStudyButton.connect("clicked()", lambda: self.studyLead.show(self.models.models))
        self.shortcuts = Shortcuts(ui)
        self.help = HelpPopover(ui.helpButton, {name: button.title for name, button in buttons().items()})

    def enter(self, parameterNode: Any) -> None:
        """The module is shown."""
        self.choices.follow(parameterNode, self._onNodes)
        self.shortcuts.install(slicer.util.mainWindow())
        self._timer.start()
        if self.models.model is None:
            self.engineRoom.readModels()
        self._chooseActiveVolume()
        self._onNodes()
        if self.desk.session is None:
            self._onSession()
        folder = os.environ.get(STUDY_VARIABLE)
        if folder and not self.study.isOpen:
            self.openStudy(Path(folder))

    def openStudy(self, folder: Path) -> None:
        """Lead the reader through a study from now on.

        Args:
            folder: the reader's, such as `study/readers/R1`.
        """
        self.study.open(folder)
        for widget in (self.ui.modelLabel, self.ui.modelSelector):  # the study chooses, and may be blinded
            widget.visible = not self.study.isOpen

    def _takePart(self) -> None:
        folder = self._services.chooseReaderFolder()
        if folder:
            self.openStudy(Path(folder))

    def exit(self) -> None:
        """Another module is shown; masks on their way still come."""
        self.shortcuts.remove()
        self.drawing.putAway()
        self.edit.close()
        self.choices.leave()

    def sceneClosing(self) -> None:
        """The scene is about to be emptied: the reader gives up what is in it, and not saved."""
        self.study.sceneClosing()
        self.drawing.putAway()
        self.edit.close()
        self.keeper.close()
        discard_kept(slicer.mrmlScene)
        self.choices.leave()
        self._onSession()

    def close(self) -> None:
        """The panel is taken apart."""
        self.exit()
        self._timer.stop()
        self.study.close()
        self.keeper.close()
        self.edit.cleanup()
        self.help.close()
        for part in (self.recovery, self.export, self.engineRoom, self.studyLead):
            part.close()

    def run(self) -> None:
        """Ask for the masks that are not up to date; when all are, for the chosen lesion's anew."""
        session = self.desk.session
        if session is None:
            return
        self.choices.takeWindow()
        with self.desk.guarded():
            ids = [lesion.lesion_id for lesion in session.annotation.snapshot.lesions]
            if any(session.controller.is_outdated(i) for i in ids):
                session.controller.run()
            elif self.desk.lesionId is not None:
                session.controller.run_again(self.desk.lesionId)

    def cancel(self) -> None:
        """Stop what is on its way, at once."""
        if self.desk.session is not None:
            self.desk.session.controller.cancel()
            self.status.tell(_("Stopped. The prompts are still there: press Segment to ask again."))
        self._isDirty = True

    def tick(self) -> None:
        """Hand over what has come, and show it the next time: the views get their turn in between."""
        self._tick += 1
        if self._tick % 2:
            self._handOver()
        elif self._isDirty:
            self.refresh()
        if self._tick % GLANCE_TICKS == 0 and self.desk.session is not None:
            glance(self.desk.session)

    def _handOver(self) -> None:
        self.study.beforeTick()
        self.keeper.pump()
        session = self.desk.session
        if session is not None:
            session.pump(PUMP_S)
        for part in (self.recovery, self.export, self.engineRoom, self.studyLead):
            part.pump()
        session = self.desk.session  # it may have ended meanwhile
        self.study.tick()
        self.status.setBusy(session is not None and session.controller.is_busy)
        self._isDirty |= self._isMeasuring

    def refresh(self) -> None:
        """Show everything as it is now."""
        self.desk.model = self.models.model
        self.drawing.refresh()
        self._isDirty = not self.lesions.refresh()
        # Sizes are measured in a thread, beginning with the refresh that first needs them.
        self._isMeasuring = self.desk.session is not None and self.desk.session.table.is_measuring
        self.prompts.refresh()
        self.edit.refresh()
        self.export.refresh()
        lesion = self.desk.lesion
        self.ui.runButton.enabled = lesion is not None and not lesion.is_accepted and not lesion.is_untouched

    def _chooseActiveVolume(self) -> None:
        node = self.choices.node
        if node.volume is None:
            selection = slicer.app.applicationLogic().GetSelectionNode()
            active = slicer.mrmlScene.GetNodeByID(selection.GetActiveVolumeID() or "")
            if active is not None and active.GetClassName() == "vtkMRMLScalarVolumeNode":
                node.volume = active

    def _chooseModel(self, name: str) -> None:
        self.choices.change(model=name)
        self.engineRoom.readModels()

    def _onNodes(self) -> None:
        node = self.choices.node
        self.keeper.open(node.volume, node.segmentation, self.choices.parameters)

    def _onSession(self) -> None:
        session, node = self.desk.session, self.choices.node
        if self._promptNodes is not None:
            self._promptNodes.close()
        self._promptNodes = None if session is None else PromptNodes(session.controller)
        if session is None:
            self.drawing.putAway()
            isOpening = self.keeper.isOpening
            self.status.hint(
                _("Reading the lesions of this scan…")
                if isOpening
                else _("Load a scan and choose it as volume.")
            )
        else:
            if node is not None:
                node.segmentation = session.controller.segments.node
            self.status.hint(_("Choose a tool and mark a lesion."))
            self.recovery.look(session)
        self.refresh()

    def _onLesionEvent(self, event: LesionEvent) -> None:
        self._isDirty = True
        if isinstance(event, MaskShown):
            self.status.finished(_("The mask is ready."))

    def _onProgress(self, work: WorkProgressed) -> None:
        self.status.progressed(work)

    def _onFailed(self, failed: WorkFailed) -> None:
        self._isDirty = True
        self.status.tell(engineFailure(failed.message))

    def _onLesionChosen(self, lesionId: str | None) -> None:
        self._isDirty = True
        if self._promptNodes is not None:
            self._promptNodes.show(lesionId)

    def _onTool(self, hint: str) -> None:
        if hint:
            self.edit.close()
            self.engineRoom.warmUp()
        self.status.hint(hint or _("Choose a tool and mark a lesion."))

    def _exportDicom(self, session: Any) -> str:
        folder = self._services.chooseFolder()
        return exportDicomSegmentation(session, folder) if folder else ""
