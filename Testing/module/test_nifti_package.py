"""NIfTI files in a Slicer that lacks nibabel: it is fetched when the reader agrees, and never otherwise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from panel_cases import FakeCommands
from panel_fixtures import Reader

from SAMLesionLib.errors import EngineUnavailable
from SAMLesionLib.io import read_mask


@pytest.fixture
def nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Slicer without nibabel, and the folder for it."""
    from SAMLesionQt import nifti_package

    monkeypatch.setattr(nifti_package, "isMissing", lambda: True)
    monkeypatch.setattr(nifti_package, "niftiPackages", lambda: tmp_path / "packages")
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "packages"


def test_an_export_fetches_it_and_writes(
    a_reader_with_a_scan: Reader, nothing_fetched: Path, tmp_path: Path
) -> None:
    reader = a_reader_with_a_scan
    commands = reader.panel.export._nifti._commands
    commands.answers["pip"] = ["Successfully installed nibabel"]
    nothing_fetched.mkdir()
    reader.drawBox((20, 20), (40, 40), 7)
    path = tmp_path / "lesions.nii.gz"
    reader.targets.append(str(path))
    reader.ui.exportNiftiButton.click()
    reader.wait(path.exists)
    assert read_mask(path).any()
    assert f"--target|{nothing_fetched}|nibabel" in "|".join(commands.asked[-1])
    assert sys.path[-1] == str(nothing_fetched)


def test_who_declines_gets_no_file_and_no_package(
    a_reader_with_a_scan: Reader, nothing_fetched: Path, tmp_path: Path
) -> None:
    reader = a_reader_with_a_scan
    nifti = reader.panel.export._nifti
    nifti._confirm = lambda question: str(nothing_fetched) not in question
    asked = list(nifti._commands.asked)
    reader.drawBox((20, 20), (40, 40), 7)
    reader.targets.append(str(tmp_path / "lesions.nii.gz"))
    reader.ui.exportNiftiButton.click()
    reader.waitForMask()
    assert nifti._commands.asked == asked
    assert not (tmp_path / "lesions.nii.gz").exists()
    assert not nifti.isNeeded(tmp_path / "lesions.seg.nrrd")


def test_what_pip_says_becomes_a_sentence(a_slicer: Any, nothing_fetched: Path) -> None:
    from SAMLesionQt.commands import CommandFailed
    from SAMLesionQt.nifti_package import NiftiPackage

    offline = CommandFailed("ERROR: No matching distribution found for nibabel")
    nifti = NiftiPackage(FakeCommands({"pip": [offline]}), lambda question: True)
    with pytest.raises(EngineUnavailable):
        list(nifti.installing())
    assert str(nothing_fetched) not in sys.path
