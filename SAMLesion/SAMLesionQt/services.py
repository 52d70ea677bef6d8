"""What the panel needs from outside: the engine, child processes, files and questions to the reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from SAMLesionLib import Segmenter
from SAMLesionQt.commands import ChildCommands, Commands
from SAMLesionQt.engine_choice import makeSegmenter
from SAMLesionQt.folders import journalFolder


def confirm(question: str) -> bool:
    """Ask the reader; True for yes."""
    return bool(slicer.util.confirmOkCancelDisplay(question, windowTitle="SAMLesion"))


def chooseWeights() -> str:
    """Ask for a file of weights; empty when cancelled."""
    pattern = _("Weights (*.pth *.pt *.safetensors)")
    return str(
        qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), _("Import weights"), "", pattern) or ""
    )


def chooseTarget(name: str, pattern: str) -> str:
    """Ask for a file to write; empty when cancelled."""
    window = slicer.util.mainWindow()
    return str(qt.QFileDialog.getSaveFileName(window, _("Export lesions"), name, pattern) or "")


def chooseFolder() -> str:
    """Ask for a folder to write into; empty when cancelled."""
    window = slicer.util.mainWindow()
    return str(qt.QFileDialog.getExistingDirectory(window, _("Export DICOM SEG")) or "")


def chooseReaderFolder() -> str:
    """Ask for a reader's folder of a study; empty when cancelled."""
    window = slicer.util.mainWindow()
    return str(qt.QFileDialog.getExistingDirectory(window, _("Your folder of the study, such as R1")) or "")


def openPath(path: Path) -> None:
    """Show a page in the web browser, or a folder in the file browser."""
    qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path)))


@dataclass(frozen=True)
class Services:
    """What a panel is handed; tests hand in doubles.

    Attributes:
        makeSegmenter: makes the segmenter of an engine's choice.
        commands: runs programs.
        confirm: asks the reader a question.
        chooseWeights: asks for a file to read.
        chooseTarget: asks for a file to write, given its name and the filter of file names.
        chooseFolder: asks for a folder.
        chooseReaderFolder: asks for a reader's folder of a study.
        openPath: shows a file or folder in the program that the system has for it.
        journalFolder: where journals of sessions are kept.
    """

    makeSegmenter: Callable[..., Segmenter] = makeSegmenter
    commands: Commands = field(default_factory=ChildCommands)
    confirm: Callable[[str], bool] = confirm
    chooseWeights: Callable[[], str] = chooseWeights
    chooseTarget: Callable[[str, str], str] = chooseTarget
    chooseFolder: Callable[[], str] = chooseFolder
    chooseReaderFolder: Callable[[], str] = chooseReaderFolder
    openPath: Callable[[Path], None] = openPath
    journalFolder: Path = field(default_factory=journalFolder)
