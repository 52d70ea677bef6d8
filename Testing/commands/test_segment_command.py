"""`samlesion segment` on the real tumour with the real model, as people run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from samlesion_command import BOXES, IMAGE, SAMPLE, samlesion

from SAMLesionLib import PromptSet
from SAMLesionLib.io import read_mask, read_segmentation, read_volume
from SAMLesionLib.metrics import dice

LITE_MEDSAM = "79d8c9dca6db4d69d3f905579e5250af05e859fff9c1f543e89a513c3028ce76"


@pytest.fixture(scope="module")
def two_lesions(tmp_path_factory: pytest.TempPathFactory):
    """One run with two boxes: the file, and what was printed."""
    path = tmp_path_factory.mktemp("segment") / "two.seg.nrrd"
    said = samlesion("segment", IMAGE, "-o", path, *BOXES, "--modality", "MR", "--json")
    assert said.returncode == 0, said.stderr
    return path, said


def test_standard_output_is_one_json_object(two_lesions) -> None:
    path, said = two_lesions
    told = json.loads(said.stdout)
    assert told["output"] == str(path)
    assert told["weights_sha256"] == LITE_MEDSAM
    assert {"model", "device", "precision", "version", "timings", "segments"} <= told.keys()
    assert set(told["timings"]) == {"read_s", "encode_s", "decode_s", "total_s"}


def test_nothing_but_progress_is_on_standard_error(two_lesions) -> None:
    assert "Traceback" not in two_lesions[1].stderr
    assert "Warning" not in two_lesions[1].stderr


def test_the_numbers_told_are_those_of_the_file(two_lesions) -> None:
    path, said = two_lesions
    volume = read_volume(IMAGE)
    for told, segment in zip(
        json.loads(said.stdout)["segments"], read_segmentation(path).segments, strict=True
    ):
        assert told["name"] == segment.name
        assert told["voxels"] == segment.mask.sum()
        assert told["ml"] == pytest.approx(told["voxels"] * volume.affine.voxel_ml, rel=1e-3)
        assert 5 < told["longest_axial_diameter_mm"] < 80


def test_each_box_became_a_lesion_close_to_the_experts(two_lesions) -> None:
    volume = read_volume(IMAGE)
    expert = read_mask(SAMPLE / "label.nrrd", volume)
    assert dice(expert, read_mask(two_lesions[0], volume)) > 0.8


def test_each_segment_says_how_it_was_made(two_lesions) -> None:
    for segment in read_segmentation(two_lesions[0]).segments:
        assert segment.tags["SAMLesion.Model"] == "lite-medsam"
        assert segment.tags["SAMLesion.WeightsSHA256"] == LITE_MEDSAM
        assert segment.tags["DICOM.SegmentAlgorithmType"] == "SEMIAUTOMATIC"
        assert len(PromptSet.from_json(json.loads(segment.tags["SAMLesion.Prompts"]))) == 1
        assert "4147007^Mass" in segment.terminology


def test_a_world_box_and_a_label_map_give_the_same_voxels(two_lesions, tmp_path: Path) -> None:
    volume = read_volume(IMAGE)
    corners = volume.affine.to_ras([(159.5, 81.5, 11.5), (210.5, 119.5, 17.5)])
    box = ",".join(f"{v:.6f}" for v in corners.ravel())
    said = samlesion(
        "segment", IMAGE, "-o", tmp_path / "one.nii.gz", "--box", box, "--frame", "ras", "--modality", "MR"
    )
    assert said.returncode == 0, said.stderr
    assert "Lesion 1" in said.stdout
    assert "mm" in said.stdout
    first = read_segmentation(two_lesions[0]).segments[0]
    on_grid = np.zeros(volume.voxels.shape, bool)
    on_grid[first.block.slices_kji()] = first.mask
    label_map = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "one.nii.gz")))
    assert np.array_equal(label_map == 1, on_grid)


def test_a_slicer_roi_and_a_line_are_read(tmp_path: Path) -> None:
    volume = read_volume(IMAGE)
    (centre,) = volume.affine.to_ras([(185.0, 100.5, 14.5)])
    roi = {
        "type": "ROI",
        "coordinateSystem": "RAS",
        "center": centre.tolist(),
        "orientation": [1, 0, 0, 0, 1, 0, 0, 0, 1],
        "size": [51 * 0.78125, 38 * 0.78125, 6 * 6.5],
    }
    (tmp_path / "Tumour.mrk.json").write_text(json.dumps({"markups": [roi]}))
    out = tmp_path / "roi.seg.nrrd"
    said = samlesion("segment", IMAGE, "-o", out, "--prompts", tmp_path / "Tumour.mrk.json", "--json")
    assert said.returncode == 0, said.stderr
    assert [s["name"] for s in json.loads(said.stdout)["segments"]] == ["Tumour"]
    assert json.loads(said.stdout)["segments"][0]["voxels"] > 1000


def test_a_box_partly_off_the_image_is_told(tmp_path: Path) -> None:
    path = tmp_path / "edge.seg.nrrd"
    said = samlesion("segment", IMAGE, "-o", path, "--box", "160,82,-2,211,120,2", "--json")
    assert said.returncode == 0, said.stderr
    [notice] = json.loads(said.stdout)["segments"][0]["notices"]
    assert notice.startswith("The box 160,82,-2 to 211,120,2 reached beyond")
    assert f"samlesion: Lesion 1: {notice}" in said.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_ctrl_c_leaves_the_old_file(tmp_path: Path) -> None:
    old = tmp_path / "old.seg.nrrd"
    old.write_bytes(b"an earlier result")
    code = (
        "import os, signal, sys\n"
        "from SAMLesionLib import engine\n"
        "def stop(self, request):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    yield\n"
        "engine.Engine.segment = stop\n"
        "from SAMLesionLib.cli import main\n"
        "sys.exit(main())\n"
    )
    command = [sys.executable, "-c", code, "segment", str(IMAGE), "-o", str(old), *BOXES]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert said.returncode == 128 + signal.SIGINT
    assert said.stderr == "samlesion: Stopped; nothing was written over.\n"
    assert old.read_bytes() == b"an earlier result"
    assert [p.name for p in tmp_path.iterdir()] == ["old.seg.nrrd"]
