"""`samlesion demo`: what `make demo` shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samlesion_command import samlesion

from SAMLesionLib import BoxPrompt, IndexBox
from SAMLesionLib.commands.sample import SAMPLE, read_case
from SAMLesionLib.io import read_segmentation


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("demo") / "made" / "by the demo"
    said = samlesion("demo", "-o", folder, "--json")
    assert said.returncode == 0, said.stderr
    return folder, json.loads(said.stdout)


def test_the_segmentation_has_two_named_coloured_lesions(demo) -> None:
    segments = read_segmentation(demo[0] / "brain1.seg.nrrd").segments
    assert [s.name for s in segments] == ["Lesion 1", "Lesion 2"]
    assert len({s.colour for s in segments}) == 2
    assert all("SAMLesion.Prompts" in s.tags for s in segments)


def test_the_picture_is_a_png_of_some_size(demo) -> None:
    from matplotlib.image import imread

    height, width, _ = imread(demo[0] / "brain1.png").shape
    assert (width, height) > (1200, 600)


def test_both_lesions_agree_with_the_expert(demo) -> None:
    first, second, together = demo[1]["lesions"]
    assert together["name"] == "Together"
    assert together["dice"] > 0.85
    assert min(first["dice"], second["dice"]) > 0.7
    assert all(0 <= row["nsd_2mm"] <= 1 for row in demo[1]["lesions"])
    assert together["expert_ml"] == pytest.approx(16.413, abs=1e-3)


def test_the_times_and_the_memory_are_told(demo) -> None:
    told = demo[1]
    assert 0 < told["per_prompt_s"] < 60
    assert 0 < told["encode_s"] < 300
    assert 100 < told["peak_memory_mb"] < 8000


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = samlesion("demo", "-o", tmp_path / "file" / "demo")
    assert (said.returncode, said.stdout) == (2, "")
    assert "Cannot make the folder" in said.stderr


def test_the_boxes_are_the_experts_lesions_moved_out_by_two_voxels_in_the_plane() -> None:
    case = read_case()
    for lesion in case.lesions:
        (box,) = lesion.prompts.of(BoxPrompt)
        inside = case.expert.copy()
        inside[:] = False
        inside[box.box.slices_kji()] = case.expert[box.box.slices_kji()]
        tight = IndexBox.of_mask(inside)
        assert tight is not None
        assert tight.grow((2, 2, 0)) == box.box


def test_the_sample_carries_its_licence() -> None:
    assert "Harvard Medical School" in (SAMPLE / "LICENSE.txt").read_text()
