from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dataset_cases import SHAPE_KJI, a_folder, a_label, an_image, write

from SAMLesionLib.datasets.dataset import find_dataset
from SAMLesionLib.datasets.lesions import LesionRule
from SAMLesionLib.evaluation.checks import Finding, check_dataset


def findings(path: Path, **rule: object) -> list[Finding]:
    return list(check_dataset(find_dataset(path, LesionRule(**rule))))


def test_a_sound_data_set_gives_notes_on_its_lesions(tmp_path: Path) -> None:
    found = findings(a_folder(tmp_path), least_voxels=4)

    sentence = "3 lesions of 0.01 to 0.07 ml, 1 too small to count."
    assert found == [
        Finding("anna", "note", "lesions", sentence),
        Finding("ben", "note", "lesions", sentence),
    ]


def with_nan() -> np.ndarray:
    image = an_image().astype(np.float32)
    image[0, 0, 0] = np.nan
    return image


@pytest.mark.parametrize(
    ("spoil", "severity", "topic", "said"),
    [
        (lambda f: write(f / "image.nrrd", with_nan()), "error", "image", "not finite numbers"),
        (lambda f: write(f / "image.nrrd", np.ones(SHAPE_KJI)), "error", "image", "is constant"),
        (lambda f: (f / "image.nrrd").write_bytes(b"NRRD"), "error", "image", "cannot be read as an image"),
        (lambda f: (f / "label.nrrd").unlink(), "error", "label", "There is no file or folder"),
        (lambda f: write(f / "label.nrrd", a_label()[:3]), "error", "grid", "its label has 12 x 10 x 3"),
        (lambda f: write(f / "label.nrrd", a_label(), (9, 0, 0)), "error", "grid", "up to 9 mm beside"),
        (lambda f: write(f / "instances.nrrd", a_label()[:3]), "error", "grid", "its instances has 12 x"),
        (
            lambda f: write(f / "label.nrrd", a_label() * 0.5),
            "error",
            "label",
            "other numbers than whole ones",
        ),
        (lambda f: write(f / "label.nrrd", a_label() * 0), "warning", "label", "its label is empty"),
    ],
)
def test_what_is_wrong_is_told_of_the_case(
    tmp_path: Path, spoil: Callable[[Path], object], severity: str, topic: str, said: str
) -> None:
    spoil(a_folder(tmp_path) / "anna")

    wrong = [finding for finding in findings(tmp_path) if finding.severity != "note"]

    assert [(f.case, f.severity, f.topic) for f in wrong] == [("anna", severity, topic)]
    assert said in wrong[0].sentence


def test_lesions_that_are_all_too_small_are_a_warning(tmp_path: Path) -> None:
    found = findings(a_folder(tmp_path, ("anna",)), least_ml=1.0)

    assert found == [
        Finding("anna", "warning", "lesions", "3 lesions of 0.01 to 0.07 ml, all too small to count.")
    ]


def test_a_value_that_one_case_lacks_is_a_warning_and_one_that_all_lack_an_error(tmp_path: Path) -> None:
    write(a_folder(tmp_path) / "anna" / "label.nrrd", np.minimum(a_label(), 1))

    some, none = findings(tmp_path, label=2), findings(tmp_path, label=7)

    assert [(f.case, f.severity) for f in some] == [("anna", "warning"), ("ben", "note")]
    assert "its label has no voxel of value 2, only 1" in some[0].sentence
    assert [(f.case, f.severity) for f in none] == [("anna", "warning"), ("ben", "warning"), ("", "error")]
    assert "The label value 7 never occurs in the 2 labels" in none[-1].sentence


def test_the_same_image_twice_is_told(tmp_path: Path) -> None:
    write(a_folder(tmp_path) / "ben" / "image.nrrd", an_image(0))
    (tmp_path / "manifest.json").unlink()

    twice = [finding for finding in findings(tmp_path) if finding.topic == "twice"]

    assert [(f.case, f.severity) for f in twice] == [("ben", "warning")]
    assert "its image is that of anna" in twice[0].sentence


def test_different_orientations_are_told_of_the_data_set(tmp_path: Path) -> None:
    import nibabel

    folder = a_folder(tmp_path) / "ben"
    for name, voxels in (("image", an_image(1)), ("label", a_label())):
        (folder / f"{name}.nrrd").unlink()
        nibabel.Nifti1Image(voxels.T, np.diag([-1.0, -2, 5, 1])).to_filename(folder / f"{name}.nii")

    assert findings(tmp_path)[-1] == Finding(
        "",
        "note",
        "orientation",
        "The images are oriented differently (1 RAS, 1 LPS); models see them as they are stored.",
    )
