from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from dataset_cases import SHAPE_KJI, VOXEL_ML, a_decathlon, a_folder, a_kits, a_label, an_nnunet, write

from SAMLesionLib import Affine, IndexBox
from SAMLesionLib.datasets.dataset import open_dataset
from SAMLesionLib.datasets.lesions import LesionRule, lesions_of
from SAMLesionLib.errors import ImageError, InputError
from SAMLesionLib.io import Segment, read_volume, write_segmentation


def test_each_piece_connected_over_faces_edges_or_corners_is_a_lesion(tmp_path: Path) -> None:
    case = open_dataset(a_folder(tmp_path)).load("anna")

    assert [(lesion.name, int(lesion.mask.sum())) for lesion in case.lesions] == [
        ("1", 1),
        ("2", 7),
        ("3", 4),
    ]
    bar = case.lesions[1]
    assert bar.box == IndexBox((2, 3, 2), (9, 5, 4))
    assert bar.mask.shape == bar.box.shape_kji
    assert bar.volume_ml == pytest.approx(7 * VOXEL_ML)
    np.testing.assert_array_equal(case.reference, a_label() > 0)
    np.testing.assert_array_equal(bar.whole(case.volume), a_label() == 1)


def test_without_components_all_voxels_of_a_label_are_one_lesion(tmp_path: Path) -> None:
    case = open_dataset(a_folder(tmp_path), components=False).load("anna")

    assert [int(lesion.mask.sum()) for lesion in case.lesions] == [12]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"least_voxels": 5}, ["2"]),
        ({"least_ml": 4 * VOXEL_ML}, ["2", "3"]),
        ({"least_ml": 1.0}, []),
        ({"label": 2}, ["1"]),
    ],
)
def test_small_lesions_are_dropped_and_the_others_keep_their_numbers(
    tmp_path: Path, options: dict, kept: list[str]
) -> None:
    case = open_dataset(a_folder(tmp_path), **options).load("anna")

    assert [lesion.name for lesion in case.lesions] == kept
    assert case.reference.sum() == sum(lesion.mask.sum() for lesion in case.lesions)


def test_the_experts_own_instances_are_the_lesions(tmp_path: Path) -> None:
    instances = np.zeros(SHAPE_KJI, np.uint8)
    instances[2, 3, 2:5], instances[2, 3, 5:8] = 4, 9
    write(a_folder(tmp_path) / "anna" / "instances.nrrd", instances)

    case = open_dataset(tmp_path).load("anna")

    assert [(lesion.name, int(lesion.mask.sum())) for lesion in case.lesions] == [("4", 3), ("9", 3)]


def test_labels_named_as_lesions_are_the_lesions_and_the_rest_is_organ(tmp_path: Path) -> None:
    for path, word in ((a_decathlon(tmp_path / "a"), "pancreas"), (a_kits(tmp_path / "b"), "kidney")):
        dataset = open_dataset(path)
        case = dataset.load(dataset.case_names[0])

        np.testing.assert_array_equal(case.reference, a_label() == 2)
        assert case.word == word
        assert case.organ is not None
        assert case.organ.mask.sum() == 7 + 4


def test_a_region_of_several_labels_is_an_organ_with_its_lesion(tmp_path: Path) -> None:
    case = open_dataset(an_nnunet(tmp_path)).load("liver_1")

    assert (case.word, case.organ is not None and case.organ.mask.sum()) == ("whole", 7 + 4)


def test_an_organ_file_goes_before_the_labels(tmp_path: Path) -> None:
    write(a_folder(tmp_path) / "anna" / "organ.nrrd", np.ones(SHAPE_KJI, np.uint8))

    case = open_dataset(tmp_path).load("anna")

    assert case.organ is not None
    assert case.organ.mask.all()


def test_a_cropped_segmentation_of_slicer_is_laid_on_the_image(tmp_path: Path) -> None:
    a_folder(tmp_path)
    image = read_volume(tmp_path / "anna" / "image.nrrd")
    (tmp_path / "anna" / "label.nrrd").unlink()
    segment = Segment("Lesion", a_label() == 1)
    write_segmentation(tmp_path / "anna" / "label.seg.nrrd", [segment], image)

    case = open_dataset(tmp_path).load("anna")

    np.testing.assert_array_equal(case.reference, a_label() == 1)


@pytest.mark.parametrize("make", [a_folder, a_decathlon])
def test_a_label_value_that_never_occurs_is_refused(tmp_path: Path, make) -> None:
    with pytest.raises(InputError, match="label value 7 never occurs"):
        open_dataset(make(tmp_path), label=7)


@pytest.mark.parametrize(
    ("voxels", "origin_ras", "said"),
    [
        (a_label()[:-1], (0, 0, 0), "Case anna: its label has 12 x 10 x 5 voxels and its image 12 x 10 x 6"),
        (a_label(), (0, 0, 3), "Case anna: its label lies up to 3 mm beside its image"),
    ],
)
def test_a_label_on_another_grid_is_refused(
    tmp_path: Path, voxels: np.ndarray, origin_ras: tuple[float, float, float], said: str
) -> None:
    write(a_folder(tmp_path) / "anna" / "label.nrrd", voxels, origin_ras)

    with pytest.raises(ImageError, match=said):
        open_dataset(tmp_path).load("anna")


def test_a_label_turned_against_its_image_is_refused(tmp_path: Path) -> None:
    import nibabel

    (a_folder(tmp_path) / "anna" / "label.nrrd").unlink()
    nibabel.Nifti1Image(a_label().T, np.diag([-1.0, -2, 5, 1])).to_filename(tmp_path / "anna" / "label.nii")

    with pytest.raises(ImageError, match="its label is oriented LPS and its image RAS"):
        open_dataset(tmp_path).load("anna")


def test_a_rounded_matrix_is_no_other_grid(tmp_path: Path) -> None:
    write(a_folder(tmp_path) / "anna" / "label.nrrd", a_label(), (0.001, 0, 0))

    assert open_dataset(tmp_path).load("anna").lesions


def test_a_missing_label_and_an_unknown_case_are_refused(tmp_path: Path) -> None:
    (a_folder(tmp_path) / "anna" / "label.nrrd").unlink()
    dataset = open_dataset(tmp_path)

    with pytest.raises(ImageError, match=r"Case anna: There is no file or folder .*label.nrrd"):
        dataset.load("anna")
    with pytest.raises(InputError, match=r"has no case 'zoe'. It has anna, ben"):
        dataset.load("zoe")


def test_an_empty_label_has_no_lesions() -> None:
    assert lesions_of(np.zeros((2, 3, 4), bool), Affine(np.eye(4)), LesionRule()) == ()


def test_a_data_set_can_be_sent_to_another_process(tmp_path: Path) -> None:
    dataset = open_dataset(a_kits(tmp_path), least_ml=0.02)

    assert pickle.loads(pickle.dumps(dataset)) == dataset
