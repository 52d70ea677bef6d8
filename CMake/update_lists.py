"""Writes the CMake lists of what a Slicer extension installs, from what lies in the tree.

Slicer packages only what a list names, so a forgotten file is missing at every user's. Run `make lists`
after adding or removing a file; `Testing/test_cmake_lists.py` says when that was forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST_FILE = ROOT / "CMake" / "SAMLesionLib.cmake"
HEADER = "# What the helper package installs; written by CMake/update_lists.py (make lists).\n"


def scripts(package: Path) -> list[str]:
    """The Python files of a package, relative to the repository."""
    return _below(package, lambda path: path.suffix == ".py")


def resources(package: Path) -> list[str]:
    """Every other file of a package, relative to the repository."""
    return _below(package, lambda path: path.suffix not in (".py", ".pyc"))


def text() -> str:
    """The list file as it should be."""
    package = ROOT / "SAMLesionLib"
    return (
        HEADER
        + _set("SAMLesionLib_SCRIPTS", scripts(package))
        + _set("SAMLesionLib_RESOURCES", resources(package))
    )


def _below(package: Path, is_wanted: Callable[[Path], bool]) -> list[str]:
    files = (p for p in package.rglob("*") if p.is_file())
    return sorted(p.relative_to(ROOT).as_posix() for p in files if is_wanted(p))


def _set(name: str, files: list[str]) -> str:
    return f"set({name}\n" + "".join(f"  {file}\n" for file in files) + ")\n"


if __name__ == "__main__":
    LIST_FILE.write_text(text(), encoding="utf-8")
    print(f"wrote {LIST_FILE.relative_to(ROOT)}")
