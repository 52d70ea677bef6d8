"""Writes the CMake lists of what a Slicer extension installs, from what lies in the tree.

Slicer packages only what a list names, so a forgotten file is missing at every user's. Run `make lists`
after adding or removing a file; `Testing/test_cmake_lists.py` says when that was forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST_FILE = ROOT / "CMake" / "SAMLesionLib.cmake"
MODULE_FILE = ROOT / "SAMLesion" / "CMakeLists.txt"
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


def module_text() -> str:
    """The module's own CMake file as it should be."""
    folder = MODULE_FILE.parent
    text = MODULE_FILE.read_text(encoding="utf-8")
    for variable, files in (
        ("MODULE_PYTHON_SCRIPTS", scripts(folder)),
        ("MODULE_PYTHON_RESOURCES", [f for f in resources(folder) if not f.endswith("CMakeLists.txt")]),
    ):
        listed = "".join(f"\n  {file.removeprefix('SAMLesion/')}" for file in files)
        text = re.sub(rf"set\({variable}\s.*?\)", f"set({variable}{listed}\n  )", text, flags=re.DOTALL)
    return text


def _below(package: Path, is_wanted: Callable[[Path], bool]) -> list[str]:
    files = (p for p in package.rglob("*") if p.is_file())
    return sorted(p.relative_to(ROOT).as_posix() for p in files if is_wanted(p))


def _set(name: str, files: list[str]) -> str:
    return f"set({name}\n" + "".join(f"  {file}\n" for file in files) + ")\n"


if __name__ == "__main__":
    for file, content in ((LIST_FILE, text()), (MODULE_FILE, module_text())):
        file.write_text(content, encoding="utf-8")
        print(f"wrote {file.relative_to(ROOT)}")
