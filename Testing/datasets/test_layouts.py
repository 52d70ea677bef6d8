from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dataset_cases import a_decathlon, a_folder, a_kits, a_lits, a_table, an_image, an_nnunet, write

from SAMLesionLib.datasets.dataset import open_dataset
from SAMLesionLib.datasets.layouts import find_layout
from SAMLesionLib.datasets.layouts.listing import modality_of
from SAMLesionLib.errors import ImageError, InputError


@pytest.mark.parametrize(
    ("make", "layout", "names"),
    [
        (a_folder, "folder", ("anna", "ben")),
        (a_decathlon, "msd", ("pancreas_001",)),
        (an_nnunet, "nnunet", ("liver_1", "liver_2")),
        (a_kits, "kits", ("case_00007",)),
        (a_lits, "lits", ("volume-3",)),
        (a_table, "csv", ("x",)),
    ],
)
def test_each_layout_is_recognised_and_read(
    tmp_path: Path, make, layout: str, names: tuple[str, ...]
) -> None:
    path = make(tmp_path)

    dataset = open_dataset(path)

    assert find_layout(path) == dataset.describe()["layout"] == layout
    assert dataset.case_names == names
    case = dataset.load(names[0])
    np.testing.assert_array_equal(case.volume.voxels, an_image())
    assert case.name == case.volume.name == names[0]
    assert case.volume.affine.spacing_mm == pytest.approx((1, 2, 5))


def test_the_manifest_tells_modality_and_organ(tmp_path: Path) -> None:
    dataset = open_dataset(a_folder(tmp_path))

    cases = [dataset.load(name) for name in dataset.case_names]
    assert [(c.volume.modality, c.word) for c in cases] == [("MR", "leg"), ("OT", None)]


def test_of_several_readings_that_of_most_readers_is_taken(tmp_path: Path) -> None:
    a_kits(tmp_path)
    case = tmp_path / "case_00007"
    (case / "segmentation.nii.gz").rename(case / "aggregated_MAJ_seg.nii.gz")

    assert open_dataset(tmp_path).load("case_00007").reference.sum() == 4


def test_livers_of_lits_are_told_from_their_tumours(tmp_path: Path) -> None:
    case = open_dataset(a_lits(tmp_path)).load("volume-3")

    assert (case.reference.sum(), case.word, case.volume.modality) == (4, "liver", "CT")


def test_a_case_without_lesions_by_its_manifest_is_left_out(tmp_path: Path) -> None:
    a_folder(tmp_path)
    cases = [{"name": "ben", "lesion_type": "none: the label is the liver"}]
    (tmp_path / "manifest.json").write_text(json.dumps({"cases": cases}))

    dataset = open_dataset(tmp_path)

    assert dataset.case_names == ("anna",)
    assert dataset.describe()["left_out"] == ["ben"]


def test_one_channel_of_a_decathlon_image_is_read(tmp_path: Path) -> None:
    case = open_dataset(a_decathlon(tmp_path, ("FLAIR", "T1w")), channel=1).load("pancreas_001")

    np.testing.assert_array_equal(case.volume.voxels, an_image(1))
    assert case.volume.modality == "MR"


@pytest.mark.parametrize("has_json", [True, False])
def test_one_channel_file_of_nnunet_is_read(tmp_path: Path, has_json: bool) -> None:
    case = open_dataset(an_nnunet(tmp_path, 2, has_json), channel=1).load("liver_2")

    np.testing.assert_array_equal(case.volume.voxels, an_image(1))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: a_decathlon(p, ("FLAIR", "T1w")), "Pancreas have the channels 0 FLAIR, 1 T1w, none was"),
        (lambda p: an_nnunet(p, 2), "channels 0 T2, 1 ADC, none was chosen. Choose one with --channel"),
    ],
)
def test_a_multi_channel_data_set_asks_for_a_channel(tmp_path: Path, make, said: str) -> None:
    with pytest.raises(InputError, match=said):
        open_dataset(make(tmp_path))


def test_a_channel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="channels 0 CT, got 3"):
        open_dataset(a_decathlon(tmp_path), channel=3)


def test_a_four_dimensional_image_of_a_folder_asks_for_a_channel(tmp_path: Path) -> None:
    (a_folder(tmp_path) / "anna" / "image.nrrd").unlink()
    write(tmp_path / "anna" / "image.nii.gz", np.stack([an_image(n) for n in range(3)]))

    with pytest.raises(ImageError, match=r"Case anna: image.nii.gz holds 3 channels.*--channel \(0 to 2\)"):
        open_dataset(tmp_path).load("anna")
    np.testing.assert_array_equal(open_dataset(tmp_path, channel=2).load("anna").volume.voxels, an_image(2))


@pytest.mark.parametrize("content", ["nothing", "dataset.json"])
def test_a_data_set_without_a_case_is_refused(tmp_path: Path, content: str) -> None:
    if content == "dataset.json":
        (tmp_path / "dataset.json").write_text('{"training": []}')

    with pytest.raises(InputError, match="holds no case"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read as JSON"),
        ("[1]", "must hold one JSON object, got a list"),
        ('{"training": ["a.nii"]}', "must list pairs of image and label under training, got a.nii"),
    ],
)
def test_a_broken_dataset_json_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "dataset.json").write_text(text)

    with pytest.raises(InputError, match=said):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("columns", "line", "said"),
    [
        (
            "scan,label",
            "a.nrrd,b.nrrd",
            "needs the columns image and label in its first line, got label, scan",
        ),
        ("case,image,label", "x,a.nrrd,b.nrrd\nx,a.nrrd,b.nrrd", "names more than one case x"),
        ("image,label", "", "holds no case with an image and a label"),
    ],
)
def test_a_broken_table_is_refused(tmp_path: Path, columns: str, line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        open_dataset(a_table(tmp_path, columns, line))


def test_a_missing_data_set_and_an_unknown_layout_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no data set .*nowhere"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"A layout is auto, csv, .*got 'bids'"):
        open_dataset(a_folder(tmp_path), layout="bids")


def test_modalities_are_known_by_peoples_words() -> None:
    words = {
        "CT": "CT",
        "mri": "MR",
        "FLAIR": "MR",
        "t1gd": "MR",
        "PET": "PT",
        "PT": "PT",
        "US": "OT",
        "": "OT",
    }

    assert {word: modality_of(word) for word in words} == words
