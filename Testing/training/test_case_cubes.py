from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from liver_set import a_liver_set

from SAMLesionLib.errors import ImageError, InputError
from SAMLesionLib.models.registry import find
from SAMLesionLib.training.augmentation import AugmentationSettings, augment
from SAMLesionLib.training.case_cubes import CaseSettings
from SAMLesionLib.training.samples import Part
from SAMLesionLib.training.splits import SplitSettings, split

PARTS: tuple[Part, ...] = ("train", "validation", "test")
CARD = replace(find("sam-med3d"), image_size=16)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> CaseSettings:
    folder = tmp_path_factory.mktemp("liver")
    return CaseSettings(a_liver_set(folder / "data"), label=2, prepared=folder / "prepared", jitter=2)


def test_a_sample_is_the_same_each_time_and_pickles(settings: CaseSettings) -> None:
    source = settings.open(CARD, "train")
    again = pickle.loads(pickle.dumps(source))

    for index in (0, 3, 1000):
        ours, theirs = source.sample(index, 7), again.sample(index, 7)
        np.testing.assert_array_equal(ours.image, theirs.image)
        np.testing.assert_array_equal(ours.label, theirs.label)
        assert ours.name == theirs.name
    assert not np.array_equal(source.sample(0, 7).image, source.sample(0, 8).image)


def test_a_cube_shows_the_tumour_where_its_label_is(settings: CaseSettings) -> None:
    for part in PARTS:
        image, label, *_ = settings.open(CARD, part).sample(1, 0)
        assert image.shape == label.shape == (16, 16, 16)
        assert image[label].mean() > image[~label].mean() + 1
        # 9 x 6 x 4 voxels of 1 x 1.5 x 3 mm in cells of 1.5 mm, where it is not cut off
        assert 0.5 < label.sum() / (9 * 6 * 4 * 4.5 / 1.5**3) < 1.15


def test_each_case_comes_once_in_a_round(settings: CaseSettings) -> None:
    source = settings.open(CARD, "train")
    names = [source.sample(n, 0).name.split()[0] for n in range(2 * len(source.cases))]

    assert sorted(names[: len(source.cases)]) == sorted(case.name for case in source.cases)
    assert names[: len(source.cases)] != names[len(source.cases) :]


def test_cases_without_a_tumour_are_left_out_and_parts_share_none(settings: CaseSettings) -> None:
    parts = [{c.name for c in settings.open(CARD, p).cases} for p in PARTS]

    assert [len(p) for p in parts] == [6, 1, 2]
    assert len(set.union(*parts)) == 9
    assert "liver_009" not in set.union(*parts)


def test_the_decathlons_livers_are_dealt_out_as_planned() -> None:
    names = [f"liver_{n}" for n in range(118)]
    sizes = [len(split(names, SplitSettings(), part)) for part in PARTS]

    assert sizes == [83, 11, 24]


def test_cases_of_a_patient_stay_together() -> None:
    names = [f"sts{n:03}_{kind}" for n in range(20) for kind in ("ct", "mr", "pet")]
    settings = SplitSettings(patient=r"sts\d+")
    parts = [{name[:6] for name in split(names, settings, p)} for p in PARTS]

    assert [len(p) for p in parts] == [14, 2, 4]
    assert len(set.union(*parts)) == 20


def test_cases_can_be_dealt_out_by_name() -> None:
    settings = SplitSettings(validation_cases=("b",), test_cases=("c",))

    assert split("abcd", settings, "train") == ("a", "d")
    with pytest.raises(InputError, match="names x"):
        split("abcd", replace(settings, test_cases=("x",)), "test")
    with pytest.raises(InputError, match="none for validation"):
        split("a", SplitSettings(), "validation")


def test_named_test_cases_are_tested_on_and_nothing_else() -> None:
    names = [f"c{n}" for n in range(12)]
    train, validation, test = (split(names, SplitSettings(test_cases=("c0", "c1")), p) for p in PARTS)

    assert test == ("c0", "c1")
    assert (len(train), len(validation)) == (9, 1)  # as 70 to 10 %, to whole cases
    assert {*train, *validation, *test} == set(names)


@pytest.mark.parametrize("n_cases", range(3, 12))
def test_of_few_cases_too_one_chooses_the_checkpoint(n_cases: int) -> None:
    names = [f"c{n}" for n in range(n_cases)]

    assert split(names, SplitSettings(), "validation")
    assert len(split(names, SplitSettings(), "train")) >= n_cases // 2 - 1


def test_a_split_without_a_share_for_it_leaves_none_to_choose_by() -> None:
    with pytest.raises(InputError, match="none for validation"):
        split("abcd", SplitSettings(train=0.8, test=0.2), "validation")


def test_a_case_cannot_choose_and_be_tested_on() -> None:
    settings = SplitSettings(validation_cases=("a", "b"), test_cases=("b",))
    with pytest.raises(InputError, match="names b in validation_cases and in test_cases"):
        split("abcd", settings, "train")


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match=r"data.split.patient must be a regular expression, got 'case"):
        split("abcd", SplitSettings(patient="case["), "train")


def test_a_case_whose_label_was_drawn_anew_is_prepared_anew(tmp_path: Path) -> None:
    data = a_liver_set(tmp_path / "data", 4)
    settings = CaseSettings(data, label=2, prepared=tmp_path / "p", split=SplitSettings(1.0, 0.0))
    before = settings.open(CARD, "train").sample(0, 0).label
    for path in (data / "labelsTr").glob("*.nii.gz"):
        label = sitk.ReadImage(str(path))
        sitk.WriteImage(sitk.Cast(sitk.BinaryErode(label == 2), label.GetPixelID()) * 2, str(path))

    after = settings.open(CARD, "train").sample(0, 0).label
    assert 0 < after.sum() < before.sum()


def test_a_scan_with_voxels_that_are_no_numbers_is_named(tmp_path: Path) -> None:
    data = a_liver_set(tmp_path / "data", 4)
    path = data / "imagesTr" / "liver_002.nii.gz"
    scan = sitk.Cast(sitk.ReadImage(str(path)), sitk.sitkFloat32)
    scan[0, 0, 0] = float("nan")
    sitk.WriteImage(scan, str(path))

    with pytest.raises(ImageError, match=r"Case liver_002: .*NaN"):
        CaseSettings(data, label=2, prepared=tmp_path / "p").open(CARD, "train")


def test_prepared_cases_are_used_again(settings: CaseSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.open(CARD, "train")

    def unasked(*args: Any) -> Any:
        raise AssertionError("read again")

    monkeypatch.setattr("SAMLesionLib.datasets.FileDataset.load", unasked)
    assert settings.open(CARD, "train").sample(0, 0).label.any()
    with pytest.raises(AssertionError, match="read again"):
        replace(settings, jitter=9).open(CARD, "train")


def test_a_case_without_its_label_is_named(tmp_path: Path) -> None:
    data = a_liver_set(tmp_path / "data", 3)
    (data / "labelsTr" / "liver_001.nii.gz").unlink()

    with pytest.raises(ImageError, match=r"liver_001.*\.") as refused:
        CaseSettings(data, label=2, prepared=tmp_path / "prepared").open(CARD, "train")
    assert "\n" not in str(refused.value)


def test_a_lesion_smaller_than_a_cell_keeps_one(tmp_path: Path) -> None:
    data = a_liver_set(tmp_path / "data", 4)
    coarse = CaseSettings(
        data, label=2, prepared=tmp_path / "p", spacing_mm=40.0, split=SplitSettings(1.0, 0.0)
    )

    assert 1 <= coarse.open(CARD, "train").sample(0, 0).label.sum() <= 8


def test_flips_turn_image_and_label_alike_and_greys_change_little() -> None:
    label = np.zeros((6, 6, 6), bool)
    label[0, 1, 2] = True
    image = label.astype(np.float32)
    settings = AugmentationSettings(flip=0.5, intensity=1.0)
    seen = set()
    for seed in range(40):
        changed, moved = augment(image, label, settings, np.random.default_rng(seed))
        assert moved.sum() == 1
        seen.add(tuple(np.argwhere(moved)[0]))
        assert np.argmax(changed) == np.argmax(moved)
        assert 0.8 <= changed[moved][0] <= 1.2
    assert len(seen) == 8
