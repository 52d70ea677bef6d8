from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from SAMLesionLib import Volume
from SAMLesionLib.cli import main
from SAMLesionLib.io import Segment, write_segmentation


def a_data_set(path: Path, *names: str) -> Path:
    """Each case is a label map that is image as well."""
    mask = np.zeros((4, 5, 6), bool)
    mask[1:3, 2, 2:5] = True
    for name in names:
        (path / name).mkdir(parents=True)
        for file in ("image", "label"):
            write_segmentation(path / name / f"{file}.nii.gz", [Segment("Lesion", mask)], Volume(mask))
    return path


def test_a_sound_data_set_is_told_case_by_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["data", "check", str(a_data_set(tmp_path / "legs", "anna"))])

    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        "anna: 1 lesion of 0.006 ml.",
        "legs (folder layout, 1 case): nothing wrong.",
    ]


def test_what_is_wrong_is_marked_and_gives_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (a_data_set(tmp_path / "legs", "anna", "ben") / "anna" / "label.nii.gz").unlink()

    code = main(["data", "check", str(tmp_path / "legs")])

    said = capsys.readouterr().out.splitlines()
    assert code == 2
    assert said[0].startswith("anna: ERROR: There is no file or folder")
    assert said[-1] == "legs (folder layout, 2 cases): 1 error and 1 warning."  # both have one image


def test_programs_get_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        [
            "data",
            "check",
            str(a_data_set(tmp_path / "legs", "anna")),
            "--json",
            "--label",
            "3",
            "--least-ml",
            "1",
        ]
    )

    told = json.loads(capsys.readouterr().out)
    assert code == 2
    assert (told["layout"], told["label"], told["least_ml"]) == ("folder", 3, 1.0)
    assert [(f["case"], f["severity"]) for f in told["findings"]] == [("anna", "warning"), ("", "error")]


def test_a_folder_without_cases_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["data", "check", str(tmp_path)])

    assert code == 2
    assert "holds no case" in capsys.readouterr().err
