"""A Slicer extension installs what its CMake files list: the lists are compared with the tree."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY_LIST = ROOT / "CMake" / "SAMLesionLib.cmake"
MODULE_LIST = ROOT / "SAMLesion" / "CMakeLists.txt"


def listed(cmake_file: Path, variable: str) -> list[str]:
    text = cmake_file.read_text(encoding="utf-8").replace("${MODULE_NAME}", "SAMLesion")
    found = re.search(rf"set\({variable}\s+(.*?)\)", text, re.DOTALL)
    assert found, f"{cmake_file} sets no {variable}"
    return found.group(1).split()


def in_tree(folder: Path, base: Path, is_python: bool) -> list[str]:
    files = (
        p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc" and p.name != "CMakeLists.txt"
    )
    return sorted(p.relative_to(base).as_posix() for p in files if (p.suffix == ".py") == is_python)


@pytest.mark.parametrize(("variable", "is_python"), [("SCRIPTS", True), ("RESOURCES", False)])
def test_the_library_list_names_every_file_of_the_package(variable: str, is_python: bool) -> None:
    expected = in_tree(ROOT / "SAMLesionLib", ROOT, is_python)
    assert listed(LIBRARY_LIST, f"SAMLesionLib_{variable}") == expected, "run `make lists`"


@pytest.mark.parametrize(("variable", "is_python"), [("SCRIPTS", True), ("RESOURCES", False)])
def test_the_module_list_names_every_file_of_the_module(variable: str, is_python: bool) -> None:
    expected = in_tree(ROOT / "SAMLesion", ROOT / "SAMLesion", is_python)
    assert sorted(listed(MODULE_LIST, f"MODULE_PYTHON_{variable}")) == expected


def test_no_loose_python_file_lies_beside_the_module() -> None:
    assert [p.name for p in (ROOT / "SAMLesion").glob("*.py")] == ["SAMLesion.py"], (
        "Slicer loads every .py file beside a module as a module of its own"
    )


def test_the_extension_describes_itself_completely() -> None:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    for name in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
        assert re.search(rf'set\(EXTENSION_{name} "[^"]+"\)', text), name
    assert re.search(r"project\(SAMLesion\b", text)


def test_the_pictures_that_the_extension_shows_are_in_the_tree() -> None:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    pictures = re.findall(r'URLS? "https://[^"]*/main/([^"]+)"', text)
    assert pictures, "the extension shows an icon and a screenshot"
    assert [p for p in pictures if not (ROOT / p).is_file()] == []


def test_a_wheel_carries_every_resource_too() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = re.search(r"\[tool\.setuptools\.package-data\]\n(.*?)\n\n", text, re.DOTALL)
    assert section, "pyproject.toml names the package's data"
    patterns = re.findall(r'"([^"]+)"', section.group(1).replace('"*" =', ""))
    left_out = [
        path
        for path in listed(LIBRARY_LIST, "SAMLesionLib_RESOURCES")
        if not any(PurePosixPath(path).match(pattern) for pattern in patterns)
    ]
    assert left_out == []
