"""Clicks in 3D through the command line and through the server.

The weights are random, which tests the way of a click and not what comes back; nobody else is given any.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from samlesion_command import IMAGE, samlesion

from SAMLesionLib import BoxPrompt, IndexBox, PointPrompt, PromptSet, SegmentRequest, collect
from SAMLesionLib.io import read_mask, read_segmentation, read_volume
from SAMLesionLib.models.sgp_sam import build_sgp_sam_small
from SAMLesionLib.transport import LaunchSettings, LocalEngine

POINTS = ("--point", "185,100,14", "--point", "150,60,14,-")
PROMPTS = PromptSet((PointPrompt((185, 100, 14)), PointPrompt((150, 60, 14), is_positive=False)))
MODEL = ("--model", "sgp-sam-small", "--modality", "MR")


@pytest.fixture(scope="module")
def weights_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in half precision, imported as a reader imports those of a colleague."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    tensors = {key: value.half().contiguous() for key, value in build_sgp_sam_small().state_dict().items()}
    save_file(tensors, folder / "mine.safetensors")
    said = samlesion(
        "models",
        "import",
        "sgp-sam-small",
        folder / "mine.safetensors",
        "--custom",
        SAMLESION_WEIGHTS=str(folder / "kept"),
    )
    assert said.returncode == 0, said.stderr
    return folder / "kept"


@pytest.fixture(scope="module")
def segmented(weights_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    path = tmp_path_factory.mktemp("segment") / "one.seg.nrrd"
    said = samlesion(
        "segment", IMAGE, "-o", path, *POINTS, *MODEL, "--json", SAMLESION_WEIGHTS=str(weights_folder)
    )
    assert said.returncode == 0, said.stderr
    return path, json.loads(said.stdout)


def test_a_click_becomes_a_segment_that_tells_its_clicks(segmented: tuple[Path, dict]) -> None:
    path, told = segmented
    assert told["model"] == "sgp-sam-small"
    assert len(told["weights_sha256"]) == 64
    assert told["timings"]["encode_s"] > 0
    (segment,) = read_segmentation(path).segments
    assert segment.mask.sum() == told["segments"][0]["voxels"]
    written = PromptSet.from_json(json.loads(segment.tags["SAMLesion.Prompts"]))
    assert written == PROMPTS


def test_the_server_gives_the_mask_of_the_command(segmented: tuple[Path, dict], weights_folder: Path) -> None:
    volume = read_volume(IMAGE, "MR")
    with LocalEngine(LaunchSettings(environment={"SAMLESION_WEIGHTS": str(weights_folder)})) as engine:
        (info,) = [m for m in engine.models() if m.name == "sgp-sam-small"]
        request = SegmentRequest(engine.load_volume(volume), info.name, PROMPTS)
        mask, report = collect(engine.segment(request), volume.shape_ijk)
        again, second = collect(engine.segment(request), volume.shape_ijk)
        box = PromptSet((BoxPrompt(IndexBox((160, 82, 12), (211, 120, 18))),))
        boxed, _ = collect(
            engine.segment(SegmentRequest(request.volume_id, info.name, box)), volume.shape_ijk
        )
    assert info.is_available
    assert info.dimensions == 3
    assert "point" in info.prompts
    assert report is not None
    assert second is not None
    assert report.n_encoded > second.n_encoded == 0
    assert np.array_equal(mask, again)
    if segmented[1]["segments"][0]["voxels"]:
        assert np.array_equal(mask, read_mask(segmented[0], volume))
    assert not boxed[:12].any()
    assert not boxed[18:].any()


def test_a_click_on_a_2d_model_names_the_3d_ones(tmp_path: Path) -> None:
    said = samlesion("segment", IMAGE, "-o", tmp_path / "x.seg.nrrd", *POINTS)
    assert said.returncode == 2
    assert "LiteMedSAM understands box, line, mask prompts, got point" in said.stderr
    assert "sgp-sam-small" in said.stderr


@pytest.mark.parametrize("model", ["sam-med3d", "sgp-sam"])
def test_a_model_without_weights_says_what_to_do_and_never_guesses(model: str, tmp_path: Path) -> None:
    said = samlesion(
        "segment",
        IMAGE,
        "-o",
        tmp_path / "x.seg.nrrd",
        *POINTS,
        "--model",
        model,
        SAMLESION_WEIGHTS=str(tmp_path),
    )
    assert said.returncode == 2
    assert "are not here" in said.stderr
    assert f"samlesion models import {model} FILE" in said.stderr
    assert not (tmp_path / "x.seg.nrrd").exists()
