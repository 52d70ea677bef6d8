"""Which engine the reader chose, and how it is reached: kept in Slicer's settings, but for the token."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import qt
import slicer

import SAMLesionLib
from SAMLesionLib import Segmenter
from SAMLesionLib.errors import EngineUnavailable
from SAMLesionLib.transport import EngineClient, LaunchSettings, LocalEngine
from SAMLesionQt.folders import engineRoot
from SAMLesionQt.installed import InstalledEngine, newestEngine

PYTHON_SETTING = "SAMLesion/enginePython"
"""A Python of the reader's own that has `samlesion[engine]`; empty for the installed engine."""
ADDRESS_SETTING = "SAMLesion/engineAddress"
"""Where an engine answers that somebody else started; empty for an engine on this computer."""
TOKEN_VARIABLE = "SAMLESION_TOKEN"
LIBRARY_FOLDER = Path(SAMLesionLib.__file__).resolve().parents[1]


@dataclass(frozen=True)
class EngineChoice:
    """What makes the masks.

    Attributes:
        python: for an engine on this computer; empty for the one that was installed.
        address: of an engine that somebody else started; empty for one of our own.
        token: that engine's secret; never saved.
    """

    python: str = ""
    address: str = ""
    token: str = ""

    @property
    def isRemote(self) -> bool:
        """Whether somebody else started the engine."""
        return bool(self.address)


def savedChoice() -> EngineChoice:
    """What the settings say; the token comes from the environment, if it is there."""
    return EngineChoice(
        python=slicer.util.settingsValue(PYTHON_SETTING, ""),
        address=slicer.util.settingsValue(ADDRESS_SETTING, ""),
        token=os.environ.get(TOKEN_VARIABLE, ""),
    )


def saveChoice(choice: EngineChoice) -> None:
    """Keep a choice for the next start of Slicer; the token is not kept."""
    settings = qt.QSettings()
    settings.setValue(PYTHON_SETTING, choice.python)
    settings.setValue(ADDRESS_SETTING, choice.address)


def makeSegmenter(choice: EngineChoice, timeoutS: float = 300.0) -> Segmenter:
    """What makes the masks; an engine on this computer starts with its first question.

    Args:
        choice: which.
        timeoutS: how long an engine at an address may give no sign.

    Raises:
        EngineUnavailable: no engine is installed, or it was installed for another Python.
        InputError: the address is none.
    """
    if choice.isRemote:
        return EngineClient(choice.address, choice.token, timeoutS)
    arguments, environment = engineCommand(choice, "serve", "--port", "0", "--watch-stdin")
    return LocalEngine(LaunchSettings(command=arguments, environment=environment))


def engineCommand(choice: EngineChoice, *words: str) -> tuple[tuple[str, ...], dict[str, str | None]]:
    """The command line of SAMLesion in the engine's environment: its arguments and its variables.

    Raises:
        EngineUnavailable: no engine is installed, or it was installed for another Python.
    """
    return _command(choice, words, _checkedEngine)


def libraryCommand(choice: EngineChoice, *words: str) -> tuple[tuple[str, ...], dict[str, str | None]]:
    """The same for what needs no engine, with its packages where one is installed."""
    return _command(choice, words, lambda: newestEngine(engineRoot()))


def slicerPython() -> str:
    """The interpreter that runs with Slicer's libraries, for child processes."""
    return shutil.which("PythonSlicer") or sys.executable


def isInstalled(choice: EngineChoice) -> bool:
    """Whether an engine can be asked without installing one first."""
    if choice.isRemote or choice.python:
        return True
    return newestEngine(engineRoot()) is not None or _slicerHasEngine()


def _command(
    choice: EngineChoice, words: tuple[str, ...], find: Callable[[], InstalledEngine | None]
) -> tuple[tuple[str, ...], dict[str, str | None]]:
    module = ("-m", "SAMLesionLib.cli", *words)
    if choice.python:
        return (choice.python, *module), _foreignEnvironment()
    return (slicerPython(), *module), _ownEnvironment(find())


def _checkedEngine() -> InstalledEngine | None:
    engine = newestEngine(engineRoot())
    if engine is None and not _slicerHasEngine():
        raise EngineUnavailable("The engine is not installed. Press Install in the section Engine.")
    if engine is not None:
        engine.check()
    return engine


def _ownEnvironment(engine: InstalledEngine | None) -> dict[str, str | None]:
    folders = [str(LIBRARY_FOLDER)]
    if engine is not None:
        folders.append(str(engine.folder))
    folders.append(os.environ.get("PYTHONPATH", ""))
    # Packages in the reader's home folder must not mix with the engine's.
    return {"PYTHONPATH": os.pathsep.join(filter(None, folders)), "PYTHONNOUSERSITE": "1"}


def _foreignEnvironment() -> dict[str, str | None]:
    # Slicer's own library paths would make a foreign Python load Slicer's libraries.
    startup = slicer.util.startupEnvironment()
    environment: dict[str, str | None] = {key: startup.get(key) for key in {*os.environ, *startup}}
    environment["PYTHONPATH"] = str(LIBRARY_FOLDER)
    return environment


def _slicerHasEngine() -> bool:
    """Whether Slicer's own Python has all the engine needs, PyTorch by the PyTorch extension for instance."""
    return all(importlib.util.find_spec(name) for name in ("torch", "safetensors", "starlette", "uvicorn"))
