"""The catalogue entry agrees with the extension."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENTRY = json.loads((ROOT / "SAMLesion.json").read_text(encoding="utf-8"))
CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")


def test_the_entry_has_what_the_catalogue_requires() -> None:
    assert {"$schema", "category", "scm_url"} <= ENTRY.keys()
    assert ENTRY["tier"] in (1, 3, 5)
    assert b"\r" not in (ROOT / "SAMLesion.json").read_bytes()


def test_name_and_dependencies_agree_with_the_build() -> None:
    name = re.search(r"project\((\w+)", CMAKE)[1]
    assert (ROOT / f"{name}.json").is_file()
    assert not name.startswith("Slicer")
    depends = re.search(r'EXTENSION_DEPENDS "([^"]*)"', CMAKE)[1]
    assert ENTRY["build_dependencies"] == ([] if depends == "NA" else depends.split())


def test_the_icon_is_a_png_of_128_pixels() -> None:
    data = (ROOT / "SAMLesion" / "Resources" / "Icons" / "SAMLesion.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (128, 128)


def test_the_description_is_one_or_two_sentences() -> None:
    description = re.search(r'EXTENSION_DESCRIPTION "([^"]*)"', CMAKE)[1]
    assert 1 <= description.count(". ") + 1 <= 2
    assert len(description) < 300


def test_the_pictures_of_the_catalogue_are_in_the_repository() -> None:
    addresses = re.search(r'EXTENSION_SCREENSHOTURLS "([^"]*)"', CMAKE)[1].split()
    assert addresses
    for address in addresses:
        assert (ROOT / address.partition("/main/")[2]).is_file(), address
