"""The engines that were installed for Slicer: where they lie, and what is known of each."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from SAMLesionLib.errors import EngineUnavailable

MARKER = "samlesion-engine.json"
"""Written last, so that a folder without it is an installation that was never finished."""


@dataclass(frozen=True)
class InstalledEngine:
    """An environment of packages with which Slicer's Python can run the engine.

    Attributes:
        folder: holds the packages, for `PYTHONPATH`.
        python: the version of Python they were made for, "3.12".
        torch: version of PyTorch.
        device: what PyTorch found, "cpu", "cuda" or "mps".
        size_bytes: how much the folder holds.
    """

    folder: Path
    python: str
    torch: str
    device: str
    size_bytes: int

    def check(self) -> None:
        """Refuse packages made for another Python than Slicer's.

        Raises:
            EngineUnavailable: with what to do.
        """
        if self.python != pythonVersion():
            raise EngineUnavailable(
                f"The engine was installed for Python {self.python} and this Slicer has "
                f"{pythonVersion()}. Install it again in the section Engine."
            )

    def save(self) -> None:
        """Write the marker: from now on the folder counts as installed."""
        facts = {key: value for key, value in asdict(self).items() if key != "folder"}
        (self.folder / MARKER).write_text(json.dumps(facts), encoding="utf-8")


def pythonVersion() -> str:
    """The version of Slicer's Python as packages count it."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def newestEngine(root: Path) -> InstalledEngine | None:
    """The engine installed last in a folder of engines, None when there is none."""
    engines = _engines(root)
    return engines[-1] if engines else None


def newFolder(root: Path) -> Path:
    """A fresh folder for an engine.

    Raises:
        OSError: nothing can be written there.
    """
    root.mkdir(parents=True, exist_ok=True)
    taken = [int(p.name.removeprefix("engine-")) for p in root.glob("engine-*") if p.name[7:].isdigit()]
    folder = root / f"engine-{max(taken, default=0) + 1}"
    folder.mkdir()
    return folder


def removeEngines(root: Path, but: Path | None = None) -> int:
    """Delete all engines of a folder, finished or not; returns how many bytes that freed."""
    freed = 0
    for folder in root.glob("engine-*"):
        if folder != but:
            freed += folderSize(folder)
            # Windows keeps files that a running engine has loaded; the next installation tries again.
            (folder / MARKER).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
    return freed


def folderSize(folder: Path) -> int:
    """Size of all files below a folder, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _engines(root: Path) -> list[InstalledEngine]:
    found = []
    for marker in sorted(root.glob(f"engine-*/{MARKER}"), key=lambda path: path.stat().st_mtime_ns):
        with suppress(OSError, ValueError, TypeError):
            facts = json.loads(marker.read_text(encoding="utf-8"))
            found.append(InstalledEngine(marker.parent, **facts))
    return found
