"""A reader's part of a study goes away without anything that would unblind, and comes back."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from study_cases import a_cube, a_study, a_volume

from SAMLesionLib.cli import main
from SAMLesionLib.errors import InputError, OutputError
from SAMLesionLib.io import Segment, write_segmentation
from SAMLesionLib.study.dealing import deal
from SAMLesionLib.study.gathering import gather
from SAMLesionLib.study.packing import pack, unpack
from SAMLesionLib.study.study_folder import StudyFolder


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    study = a_study(tmp_path / "pilot")
    deal(study)
    return study


def read_one(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_segmentation(tmp_path / "mine.nrrd", [Segment("a", a_cube())], a_volume())
    monkeypatch.setattr("sys.stdin", io.StringIO(f"done {tmp_path / 'mine.nrrd'}\n"))
    assert main(["study", "read", str(folder), "--reader", "R1"]) == 0


def test_what_is_sent_holds_scans_and_work_list_and_nothing_else(study: StudyFolder, tmp_path: Path) -> None:
    assert main(["study", "pack", str(study.path), str(tmp_path / "away"), "--reader", "R1"]) == 0
    files = {p.relative_to(tmp_path / "away").as_posix() for p in (tmp_path / "away").rglob("*.*")}
    assert files == {"images/C1.nrrd", "images/C2.nrrd", "readers/R1/worklist.json"}


def test_readings_come_back_into_the_report(study: StudyFolder, tmp_path: Path, monkeypatch) -> None:
    away = tmp_path / "away"
    pack(study, "R1", away)
    read_one(away, tmp_path, monkeypatch)
    assert main(["study", "unpack", str(study.path), str(away), "--reader", "R1"]) == 0
    read_one(away, tmp_path, monkeypatch)
    unpack(study, "R1", away)  # once more, with more in it
    rows = [row for row in gather(study).rows if row.state == "finished"]
    assert [row.reader for row in rows] == ["R1", "R1"]
    assert all(row.dice == 1.0 for row in rows)


def test_nothing_is_put_over_other_readings(study: StudyFolder, tmp_path: Path, monkeypatch) -> None:
    away = tmp_path / "away"
    pack(study, "R1", away)
    with pytest.raises(InputError, match="nothing was read there"):
        unpack(study, "R1", away)
    read_one(away, tmp_path, monkeypatch)
    read_one(study.path, tmp_path, monkeypatch)
    with pytest.raises(InputError, match="not in"):
        unpack(study, "R1", away)
    with pytest.raises(OutputError, match="not empty"):
        pack(study, "R1", away)
