"""Every bad input: one sentence, exit code 2, and a file that was there before stays as it was."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from ordinary_user import a_folder_for_all, as_ordinary_user
from samlesion_command import IMAGE, samlesion

from SAMLesionLib.commands.output import check_output
from SAMLesionLib.errors import OutputError

BOX = ("--box", "160,82,12,211,120,18")


@pytest.fixture
def old_result(tmp_path: Path) -> Path:
    path = tmp_path / "old.seg.nrrd"
    path.write_bytes(b"an earlier result")
    return path


def save(path: Path, voxels: np.ndarray, is_vector: bool = False) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(voxels, isVector=is_vector), str(path))
    return path


def truncated(path: Path) -> Path:
    path.write_bytes(IMAGE.read_bytes()[:50_000])
    return path


def garbage(path: Path) -> Path:
    path.write_bytes(b"this is no image")
    return path


IMAGES = {
    "missing": (lambda p: p / "none.nrrd", "no file"),
    "an unknown format": (lambda p: garbage(p / "scan.xyz"), "expected a name ending"),
    "unreadable": (lambda p: garbage(p / "scan.nrrd"), "scan"),
    "truncated": (lambda p: truncated(p / "scan.nrrd"), "scan"),
    "an empty folder": (lambda p: p, "DICOM"),
    "4D": (lambda p: save(p / "scan.nii.gz", np.ones((2, 3, 8, 8), np.int16)), "3D|4"),
    "colour": (
        lambda p: save(p / "scan.nrrd", np.ones((3, 8, 8, 3), np.uint8), True),
        "colour|grey|component",
    ),
    "constant": (lambda p: save(p / "scan.nrrd", np.full((3, 300, 300), 7, np.int16)), "constant"),
    "NaN": (lambda p: save(p / "scan.nrrd", np.full((3, 300, 300), np.nan, np.float32)), "finite"),
}


def assert_refused(said, sentence: str, old: Path) -> None:
    assert said.returncode == 2, said.stderr
    assert said.stdout == ""
    assert said.stderr.startswith("samlesion: ")
    assert said.stderr.count("\n") == 1, said.stderr
    assert re.search(sentence, said.stderr), said.stderr
    assert old.read_bytes() == b"an earlier result"
    assert [p.name for p in old.parent.iterdir() if p.name.endswith(".part")] == []


@pytest.mark.parametrize("kind", IMAGES)
def test_an_image_that_cannot_be_used_is_refused(kind: str, old_result: Path, tmp_path: Path) -> None:
    make, sentence = IMAGES[kind]
    folder = tmp_path / "scan"
    folder.mkdir()
    assert_refused(samlesion("segment", make(folder), "-o", old_result, *BOX), sentence, old_result)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "At least one prompt"),
        (("--box", "10,10,5,10,20,8"), "above its start"),
        (("--box", "20,20,8,10,10,5"), "above its start"),
        (("--box", "300,10,5,320,20,8"), "outside"),
        (("--box", "-30,-30,-5,-10,-10,-2"), "outside"),
        (("--box", "1,2,3"), "i0,j0,k0,i1,j1,k1"),
        (("--box", "100,100,10,101,101,11"), "single voxel"),
        ((*BOX, "--model", "nothing"), "no model 'nothing'"),
        ((*BOX, "--model", "medsam-vit-b"), "weights of MedSAM ViT-B are not here"),
        ((*BOX, "--window", "5,1"), "low below its high"),
        (("--point", "180,140,12,+"), "LiteMedSAM understands"),
        (("--prompts", "none.json"), "no prompt file"),
        ((*BOX, "--device", "toaster"), "--device"),
        ((*BOX, "--threads", "0"), "1 to 1024"),
    ],
)
def test_words_that_cannot_be_used_are_refused(
    words, sentence: str, old_result: Path, tmp_path: Path
) -> None:
    said = samlesion("segment", IMAGE, "-o", old_result, *words, SAMLESION_WEIGHTS=str(tmp_path / "weights"))
    assert_refused(said, sentence, old_result)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no/such/folder/out.seg.nrrd", "folder does not exist"),
        ("old.seg.nrrd/out.seg.nrrd", "folder is a file"),
        ("out.stl", "expected a name ending in"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    name: str, sentence: str, old_result: Path, tmp_path: Path
) -> None:
    assert_refused(samlesion("segment", IMAGE, "-o", tmp_path / name, *BOX), sentence, old_result)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_folder_that_may_not_be_looked_into_is_refused_as_a_place_for_results() -> None:
    with a_folder_for_all() as folder:
        closed = folder / "closed"
        closed.mkdir(mode=0)
        check_output(folder / "out.seg.nrrd", IMAGE)
        with as_ordinary_user(), pytest.raises(OutputError, match="the folder may not be written to"):
            check_output(closed / "out.seg.nrrd", IMAGE)
        closed.chmod(0o700)


def test_the_scan_itself_is_never_written_over(old_result: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan.nrrd"
    scan.write_bytes(IMAGE.read_bytes())
    assert_refused(samlesion("segment", scan, "-o", scan, *BOX), "the scan itself", old_result)
    assert scan.read_bytes() == IMAGE.read_bytes()


def test_a_missing_command_is_refused_with_one_sentence() -> None:
    said = samlesion("segmnt")
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize("action", ["info", "download", "verify", "remove"])
def test_an_unknown_model_is_refused_by_every_action(action: str) -> None:
    said = samlesion("models", action, "lite-medsan")
    assert (said.returncode, said.stdout) == (2, "")
    assert "Did you mean lite-medsam?" in said.stderr


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(b"no weights at all")
    said = samlesion("models", "import", "lite-medsam", file, SAMLESION_WEIGHTS=str(tmp_path / "kept"))
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(("--host", "0.0.0.0"), "this computer only"), (("--token-file", "none"), "cannot be read")],
)
def test_serving_with_a_wrong_address_or_token_file_is_refused(words, sentence: str) -> None:
    said = samlesion("serve", *words)
    assert said.returncode == 2
    assert sentence in said.stderr
