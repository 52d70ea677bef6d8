"""Which lesion each typed prompt belongs to."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pytest

from SAMLesionLib import Affine, BoxPrompt, LinePrompt, OrganMaskPrompt, OrganPrompt, PointPrompt, Volume
from SAMLesionLib.commands.prompt_options import add_prompt_options, lesions_of
from SAMLesionLib.errors import PromptError
from SAMLesionLib.io import LesionPrompts, Segment, write_segmentation

SCAN = Volume(np.arange(20**3, dtype=np.int16).reshape(20, 20, 20), Affine.from_spacing((1, 1, 2)), "scan")


def lesions(*words: str) -> list[LesionPrompts]:
    parser = argparse.ArgumentParser()
    add_prompt_options(parser)
    return lesions_of(parser.parse_args(words), SCAN)


def test_each_box_is_a_lesion_of_its_own() -> None:
    found = lesions("--box", "1,1,1,5,5,5", "--box", "8,8,8,12,12,12")
    assert [lesion.name for lesion in found] == ["Lesion 1", "Lesion 2"]
    assert [len(lesion.prompts) for lesion in found] == [1, 1]


def test_without_a_box_everything_is_one_lesion() -> None:
    (one,) = lesions("--box-2d", "k,3,1,1,5,5", "--box-2d", "k,6,1,1,5,5", "--line", "1,3,4,5,3,4")
    assert [type(p) for p in one.prompts] == [BoxPrompt, BoxPrompt, LinePrompt]


def test_with_one_box_every_point_is_of_its_lesion() -> None:
    (one,) = lesions("--box", "1,1,1,5,5,5", "--point", "3,3,3", "--point", "9,9,9,-")
    assert [p.is_positive for p in one.prompts.of(PointPrompt)] == [True, False]


def test_with_several_boxes_a_point_goes_to_the_box_it_lies_in() -> None:
    first, second = lesions("--box", "1,1,1,5,5,5", "--box", "8,8,8,12,12,12", "--point", "9,9,9")
    assert first.prompts.of(PointPrompt) == []
    assert second.prompts.of(PointPrompt) == [PointPrompt((9, 9, 9))]


@pytest.mark.parametrize(("point", "where"), [("7,7,7", "in none"), ("4,4,4", "in 2")])
def test_a_point_in_none_or_in_two_boxes_is_refused(point: str, where: str) -> None:
    with pytest.raises(PromptError, match=where):
        lesions("--box", "1,1,1,5,5,5", "--box", "3,3,3,6,6,6", "--point", point)


def test_prompt_files_come_first_and_the_numbers_go_on(tmp_path) -> None:
    file = tmp_path / "two.json"
    box = {"kind": "box", "start_ijk": [1, 1, 1], "stop_ijk": [4, 4, 4], "axis": None}
    file.write_text(json.dumps({"frame": "ijk", "lesions": [{"name": "Liver", "prompts": [box]}]}))
    found = lesions("--prompts", str(file), "--box", "8,8,8,12,12,12")
    assert [lesion.name for lesion in found] == ["Liver", "Lesion 2"]


def test_no_prompt_at_all_is_refused() -> None:
    with pytest.raises(PromptError, match="At least one prompt"):
        lesions()


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        ("5,5,5,5,9,9", "above its start"),
        ("9,5,5,5,9,9", "above its start"),
        ("30,1,1,40,5,5", "outside scan"),
    ],
)
def test_an_empty_inverted_or_outside_box_is_refused(box: str, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence):
        lesions("--box", box)


def test_the_organ_is_that_of_every_lesion(tmp_path, capsys) -> None:
    mask = np.zeros((20, 20, 20), bool)
    mask[2:12, 3:13, 4:14] = True
    write_segmentation(tmp_path / "kidney.nii.gz", [Segment("Kidney", mask, None, (1, 0, 0))], SCAN)
    organ = ("--organ", "Kidney", "--organ-mask", str(tmp_path / "kidney.nii.gz"))
    for lesion in lesions("--box", "1,1,1,5,5,5", "--box", "8,8,8,12,12,12", *organ):
        assert [p.kind for p in lesion.prompts] == ["box", "organ", "organ-mask"]
        assert lesion.prompts.of(OrganPrompt)[0].word == "kidney"
    assert capsys.readouterr().err == ""


def test_an_organ_on_another_grid_is_told(tmp_path, capsys) -> None:
    coarse = Volume(np.zeros((10, 10, 10), np.float32), Affine.from_spacing((2, 2, 4)), "coarse")
    write_segmentation(
        tmp_path / "organ.nrrd", [Segment("Organ", np.ones((10, 10, 10), bool), None, (1, 0, 0))], coarse
    )
    (one,) = lesions("--point", "3,3,3", "--organ-mask", str(tmp_path / "organ.nrrd"))
    assert one.prompts.of(OrganMaskPrompt)
    assert "organ.nrrd lies on another grid than scan" in capsys.readouterr().err


def test_an_organ_without_a_lesion_is_refused() -> None:
    with pytest.raises(PromptError, match="At least one prompt"):
        lesions("--organ", "kidney")
