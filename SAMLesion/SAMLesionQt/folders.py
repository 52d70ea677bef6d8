"""The reader's own folders for what SAMLesion keeps on this computer."""

from __future__ import annotations

from pathlib import Path

import qt


def userFolder() -> Path:
    """The folder of all that is kept; the command line keeps its weights there, too."""
    location = qt.QStandardPaths.writableLocation(qt.QStandardPaths.GenericDataLocation)
    return Path(location) / "samlesion"


def engineRoot() -> Path:
    """The folder of installed engines."""
    return userFolder() / "engines"


def studyPackages() -> Path:
    """The folder of the packages that reports of studies need."""
    return userFolder() / "study-packages"


def niftiPackages() -> Path:
    """The folder of what Slicer lacks for NIfTI files."""
    return userFolder() / "nifti-packages"


def journalFolder() -> Path:
    """The folder of journals, which bring work back after a crash."""
    return userFolder() / "journals"
