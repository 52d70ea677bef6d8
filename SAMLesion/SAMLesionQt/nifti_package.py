"""nibabel, which reads and writes NIfTI files: Slicer lacks it, so it is fetched when it is first needed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from slicer.i18n import tr as _

from SAMLesionLib.errors import EngineUnavailable
from SAMLesionQt.commands import CommandFailed, Commands
from SAMLesionQt.engine_choice import slicerPython
from SAMLesionQt.failures import installFailure
from SAMLesionQt.folders import niftiPackages

PACKAGES = ("nibabel>=5.2", "packaging", "typing_extensions", "importlib_resources")
"""nibabel and what it needs beside numpy, which is Slicer's own."""
ENDINGS = (".nii", ".nii.gz")


class NiftiPackage:
    """Fetches nibabel into a folder of its own, which Python searches last.

    Args:
        commands: what runs pip.
        confirm: asks the reader a question; True for yes.
    """

    def __init__(self, commands: Commands, confirm: Callable[[str], bool]) -> None:
        self._commands, self._confirm = commands, confirm
        _search(niftiPackages())

    def isNeeded(self, path: Path) -> bool:
        """Whether a file is NIfTI and nibabel is not there."""
        return path.name.endswith(ENDINGS) and isMissing()

    def isAgreed(self) -> bool:
        """Ask whether it may be fetched."""
        question = _(
            "NIfTI files need the package nibabel (15 MB), which will be fetched into\n{folder}\n\n"
            "Slicer's own packages are not changed."
        )
        return self._confirm(question.format(folder=niftiPackages()))

    def installing(self) -> Iterator[str]:
        """Fetch it, in any thread; gives what pip prints.

        Raises:
            EngineUnavailable: one sentence with what went wrong.
        """
        pip = (slicerPython(), "-m", "pip", "install", "--no-input", "--disable-pip-version-check")
        folder = ("--no-deps", "--upgrade", "--target", str(niftiPackages()))
        try:
            yield from (line for line in self._commands.lines((*pip, *folder, *PACKAGES), {}) if line)
        except CommandFailed as failed:
            raise EngineUnavailable(installFailure(str(failed))) from failed
        _search(niftiPackages())
        importlib.invalidate_caches()


def isMissing() -> bool:
    """Whether nibabel cannot be imported."""
    return importlib.util.find_spec("nibabel") is None


def _search(folder: Path) -> None:
    # At the end: what Slicer or another extension brings goes before.
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.append(str(folder))
