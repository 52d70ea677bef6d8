"""The report of a study, made by the command line in a Python of its own: it needs more than Slicer has."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from slicer.i18n import tr as _

from SAMLesionLib.errors import EngineUnavailable, InputError
from SAMLesionQt.commands import CommandFailed, Commands
from SAMLesionQt.engine_choice import EngineChoice, libraryCommand, slicerPython
from SAMLesionQt.failures import installFailure
from SAMLesionQt.folders import studyPackages

REPORT = "report.html"
PACKAGES = ("statsmodels>=0.14", "matplotlib>=3.8", "jinja2>=3.1")
"""Those of the extra `study`; a test compares them with pyproject.toml."""
MISSING = "which is not installed"


class PackagesMissing(EngineUnavailable):
    """The packages of the report are not installed; the message asks whether they shall be."""


class ReportCommands:
    """Makes reports, and installs what they need; works in any thread.

    Args:
        commands: what runs programs.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def report(self, choice: EngineChoice, study: Path, target: Path) -> Iterator[str]:
        """Make a report; gives what is printed, line by line. Closing the iterator stops it.

        Raises:
            PackagesMissing: the report needs packages that are not installed.
            InputError: one sentence with what is wrong with the study.
        """
        words = ("study", "report", str(study), "-o", str(target))
        arguments, environment = libraryCommand(choice, *words)
        try:
            yield from self._lines(arguments, _withPackages(choice, environment))
        except CommandFailed as failed:
            sentence = str(failed).splitlines()[-1].removeprefix("samlesion: ")
            if MISSING in sentence and not choice.python:
                raise PackagesMissing(_question()) from failed
            raise InputError(sentence) from failed

    def installAndReport(self, choice: EngineChoice, study: Path, target: Path) -> Iterator[str]:
        """Install the packages into a folder of their own, then make the report.

        Raises:
            EngineUnavailable: they cannot be installed.
            InputError: one sentence with what is wrong with the study.
        """
        pip = (slicerPython(), "-m", "pip", "install", "--no-input", "--disable-pip-version-check")
        folder = ("--target", str(studyPackages()), "--upgrade")
        try:
            yield from self._lines((*pip, *folder, *PACKAGES), {})
        except CommandFailed as failed:
            raise EngineUnavailable(installFailure(str(failed))) from failed
        try:
            yield from self.report(choice, study, target)
        except PackagesMissing as still:
            raise EngineUnavailable(
                _("The report's packages were installed into {folder} and are not found there.").format(
                    folder=studyPackages()
                )
            ) from still

    def _lines(self, arguments: tuple[str, ...], environment: Mapping[str, str | None]) -> Iterator[str]:
        yield from (line for line in self._commands.lines(arguments, environment) if line)


def _withPackages(choice: EngineChoice, environment: dict[str, str | None]) -> dict[str, str | None]:
    if choice.python or not studyPackages().is_dir():  # a Python of the lead's own has packages of its own
        return environment
    paths = (environment.get("PYTHONPATH") or "", str(studyPackages()))
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _question() -> str:
    return _(
        "The report needs the packages statsmodels, matplotlib and jinja2. They will be installed into\n"
        "{folder}\n\nThis needs about 0.5 GB of disk and the internet. Slicer's own packages are not changed."
    ).format(folder=studyPackages())
