"""The section Export: lesions as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.host.exports import Export, exporting_labelmap, exporting_segmentation, exporting_table
from SAMLesionLib.host.session import Session
from SAMLesionQt.background import Background
from SAMLesionQt.desk import Desk
from SAMLesionQt.nifti_package import NiftiPackage


class ExportSection:
    """Writes the session's lesions where the reader says.

    Args:
        ui: the panel's widgets by name.
        desk: the session.
        chooseTarget: asks the reader for a file, given its proposed name and the filter of file names; empty
            when cancelled.
        exportDicom: writes a DICOM segmentation object with the host.
        nifti: fetches what NIfTI files need.
    """

    def __init__(
        self,
        ui: Any,
        desk: Desk,
        chooseTarget: Callable[[str, str], str],
        exportDicom: Callable[[Any], str],
        nifti: NiftiPackage,
    ) -> None:
        self._ui, self._desk, self._chooseTarget, self._exportDicom = ui, desk, chooseTarget, exportDicom
        self._nifti = nifti
        self._background = Background("export")
        ui.exportProgress.visible = False
        ui.exportSegmentationButton.connect("clicked()", self.exportSegmentation)
        ui.exportNiftiButton.connect("clicked()", self.exportLabelmap)
        ui.exportCsvButton.connect("clicked()", self.exportTable)
        ui.exportDicomButton.connect("clicked()", self.exportDicom)
        self.refresh()

    def exportSegmentation(self) -> None:
        """Write a `.seg.nrrd`."""
        self._write(exporting_segmentation, ".seg.nrrd", _("Segmentation (*.seg.nrrd)"))

    def exportLabelmap(self) -> None:
        """Write a NIfTI label map."""
        self._write(exporting_labelmap, ".nii.gz", _("NIfTI label map (*.nii.gz)"))

    def exportTable(self) -> None:
        """Write the lesion table."""
        self._write(exporting_table, ".csv", _("Table (*.csv)"))

    def exportDicom(self) -> None:
        """Write a DICOM segmentation object."""
        if self._desk.session is not None:
            with self._desk.guarded():
                self._tell(self._exportDicom(self._desk.session))

    def pump(self) -> None:
        """Hand over what was written; the panel's timer calls this."""
        self._background.pump()

    def close(self) -> None:
        """Let a file that is being written be finished, and tell nobody."""
        self._background.close()

    def refresh(self) -> None:
        """Offer what can be written now."""
        session = self._desk.session
        hasLesions = session is not None and bool(session.annotation.snapshot.lesions)
        for button in (
            self._ui.exportSegmentationButton,
            self._ui.exportNiftiButton,
            self._ui.exportCsvButton,
            self._ui.exportDicomButton,
        ):
            button.enabled = hasLesions and not self._background.isBusy

    def _write(self, begin: Callable[[Session, Path], Export], ending: str, pattern: str) -> None:
        session = self._desk.session
        if session is None:
            return
        name = f"{session.controller.segments.volume_node.GetName()}-lesions{ending}"
        path = self._chooseTarget(name, pattern)
        if not path:
            return
        target = Path(path if path.endswith(ending) else f"{path}{ending}")
        isFetching = self._nifti.isNeeded(target)
        if isFetching and not self._nifti.isAgreed():
            return
        with self._desk.guarded():
            # What the lesions are now is taken here; packing it takes seconds, and a thread does it.
            write = begin(session, target)
            if isFetching:
                write = self._afterFetching(write)
            self._tell(_("Writing {name}…").format(name=target.name))
            self._background.ask("write", write, self._onWritten, self._onFailure)
            self._showBusy()

    def _afterFetching(self, write: Export) -> Export:
        def both() -> Path:
            for _line in self._nifti.installing():
                pass
            return write()

        return both

    def _onWritten(self, path: Path) -> None:
        self._tell(_("Written: {path}").format(path=path))
        self._showBusy()

    def _onFailure(self, error: SAMLesionError) -> None:
        self._tell("")
        self._desk.tell(str(error))
        self._showBusy()

    def _showBusy(self) -> None:
        self._ui.exportProgress.visible = self._background.isBusy
        self.refresh()

    def _tell(self, sentence: str) -> None:
        self._ui.exportStatusLabel.text = sentence
