"""Cubes of organs and tumours out of data sets as they are published."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tumour_sets import (
    SHAPE_KJI,
    a_kidney_set,
    a_liver_set,
    a_pancreas_set,
    a_scan,
    an_nnunet_kidney_set,
    write,
)

from SAMLesionLib.errors import InputError
from SAMLesionLib.imaging.organ_intensity import ORGAN_INTENSITIES
from SAMLesionLib.models.registry import find
from SAMLesionLib.training.config import read_config
from SAMLesionLib.training.organ_source import OrganSettings, OrganSource

CARD = replace(find("tags"), image_size=16)
STILL = {"shift": 0.0, "zoom": 0.0, "flip": 0.0, "quarter": 0.0}


def settings(path: Path, **changes: Any) -> OrganSettings:
    table = {
        "source": "organs",
        "path": str(path),
        "label": 2,
        "organ": "kidney",
        "prepared": str(path.parent / "prepared"),
        "split": {"train": 0.5, "test": 0.25},
        **changes,
    }
    data = read_config({"data": table}).data
    assert isinstance(data, OrganSettings)
    return data


def opened(path: Path, part: Any = "train", **changes: Any) -> OrganSource:
    return settings(path, **changes).open(CARD, part)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (a_kidney_set, "case_0000"),
        (an_nnunet_kidney_set, "case_0000"),
        (a_pancreas_set, "pancreas_00"),
        (a_liver_set, "volume-"),
    ],
)
def test_every_layout_gives_the_same_cubes(
    make: Callable[[Path, tuple[int, ...]], Path], name: str, tmp_path: Path
) -> None:
    source = opened(make(tmp_path / "set", (0, 1, 2, 3)), changes=STILL)

    samples = [source.sample(n, 7) for n in range(6)]

    low, mean, spread = -54, 59.53867, 55.457336
    for sample in samples:
        assert sample.name.startswith(name)
        assert sample.word == "kidney"
        assert sample.organ is not None
        assert sample.image.shape == sample.label.shape == sample.organ.shape == (16, 16, 16)
        assert sample.image.min() >= (low - mean) / spread - 1e-4
        assert not (sample.label & ~sample.organ).any()
        assert sample.image[sample.label].mean() > sample.image[~sample.label].mean() + 1
    # 3 slices of 2 mm, 5 rows and 6 columns of 1 mm.
    assert max(int(s.label.sum()) for s in samples) == 6 * 5 * 6


def test_a_case_is_cut_to_the_body_and_mapped(tmp_path: Path) -> None:
    (case, *_) = opened(a_pancreas_set(tmp_path / "set", (0, 1, 2, 3))).cases

    # Eight slices of 2 mm, less the outermost cells, a quarter of which is the air outside.
    assert case.shape == (14, 18, 20)
    assert case.is_ct
    assert isinstance(case.image(), np.memmap)
    assert case.image().dtype == np.int16
    image, label = (array[1:-1, 3:-3, 2:-2] for array in a_scan(int(case.name[-3:])))
    np.testing.assert_array_equal(case.label(), (label == 2).repeat(2, axis=0)[1:-1])
    np.testing.assert_array_equal(case.tumour(), np.argwhere(case.label()))
    between = 0.75 * image[4, 8, 8] + 0.25 * image[3, 8, 8]
    assert abs(case.image()[7, 8, 8] - between) <= 0.5


def test_cases_are_prepared_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = a_pancreas_set(tmp_path / "set", (0, 1, 2, 3))
    opened(path)
    assert capsys.readouterr().err.count("preparing") == 2

    first = opened(path).sample(0, 1)

    assert capsys.readouterr().err == ""
    np.testing.assert_array_equal(first.image, opened(path).sample(0, 1).image)


def test_organs_come_from_a_folder_from_beside_the_image_or_from_the_labels(tmp_path: Path) -> None:
    numbers = (0, 1, 2, 3)
    kidneys, plain = (
        a_kidney_set(tmp_path / "kits", numbers),
        an_nnunet_kidney_set(tmp_path / "nnunet", numbers),
    )
    for n in numbers:
        write(tmp_path / "organs" / f"case_{n:05}" / "kidney.nii.gz", np.ones(SHAPE_KJI, np.uint8))

    def n_organ(path: Path, **changes: Any) -> int:
        return int(opened(path, **changes).cases[0].organ().sum())

    from_labels, beside = n_organ(plain), n_organ(kidneys)
    everywhere = n_organ(plain, organ_masks=str(tmp_path / "organs"))
    assert from_labels == 10 * 13 * 13
    assert beside == 8 * 13 * 13  # the machine left a slice out
    assert everywhere == np.prod(opened(plain, organ_masks=str(tmp_path / "organs")).cases[0].shape)
    notes = [opened(path).provenance[0].note for path in (kidneys, plain)]
    assert [note.split(", ")[2] for note in notes] == ["2 organs from files", "0 organs from files"]


def test_a_case_is_prepared_anew_when_its_organ_is_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_kidney_set(tmp_path / "set", (0, 1, 2, 3))
    first = opened(path).cases[0]
    (path / first.name / "kidney.nii.gz").unlink()
    capsys.readouterr()

    again = opened(path).cases[0]

    assert capsys.readouterr().err.count("preparing") == 1
    assert again.organ().sum() == 10 * 13 * 13


def test_a_missing_organ_mask_is_named(tmp_path: Path) -> None:
    path = a_pancreas_set(tmp_path / "set", (0, 1, 2, 3))
    (tmp_path / "organs").mkdir()
    with pytest.raises(
        InputError, match=r"holds neither pancreas_00\d.nii.gz nor pancreas_00\d/kidney.nii.gz"
    ):
        opened(path, organ_masks=str(tmp_path / "organs"))


def test_cases_without_a_tumour_are_left_out(tmp_path: Path) -> None:
    path = a_liver_set(tmp_path / "set", (0, 1, 2))
    named = {"validation_cases": ["volume-0"], "test_cases": []}

    assert [c.name for c in opened(path, organ="liver", split=named).cases] == ["volume-1"]
    with pytest.raises(InputError, match="None of 1 cases of set has a tumour"):
        opened(path, "validation", organ="liver", split={**named, "validation_cases": ["volume-2"]})


def test_validation_cubes_are_plain_and_the_same_each_time(tmp_path: Path) -> None:
    path = a_pancreas_set(tmp_path / "set", (0, 1, 2, 3))
    first, second = (opened(path, "validation", changes={"flip": 1.0}).sample(0, 0) for _ in range(2))

    np.testing.assert_array_equal(first.image, second.image)
    assert first.label.any()


def test_grey_values_are_shifted_within_the_window(tmp_path: Path) -> None:
    path = a_pancreas_set(tmp_path / "set", (0, 1, 2, 3))
    low, mean, spread = -39, 68.45214, 63.422806
    assert ORGAN_INTENSITIES["pancreas"] == ((-39, 204), mean, spread)
    shifted = opened(path, organ="pancreas", changes={**STILL, "shift": 1.0})
    plain = opened(path, organ="pancreas", changes=STILL)

    moved = []
    for n in range(4):
        before, after = plain.sample(n, 3), shifted.sample(n, 3)
        assert before.organ is not None
        moved.append((after.image - before.image)[before.organ].mean() * spread)
    assert all(abs(by) <= 20.01 for by in moved)
    assert max(abs(by) for by in moved) > 2
    assert min(shifted.sample(n, 3).image.min() for n in range(4)) >= (low - 20 - mean) / spread - 1e-4


def test_the_fold_of_a_data_set_decides(tmp_path: Path) -> None:
    told = json.loads((Path(__file__).parents[2] / "SAMLesionLib/training/recipes/folds.json").read_text())[
        "pancreas"
    ]["folds"][0]
    test, validation = told["test"][0], told["validation"][:2]
    path = a_pancreas_set(tmp_path / "set", (1, 4, *validation, test))
    folds = {"folds": "pancreas", "incomplete": True}

    parts = {part: opened(path, part, split=folds).cases for part in ("train", "validation", "test")}

    assert [c.name for c in parts["train"]] == ["pancreas_001", "pancreas_004"]
    assert [c.name for c in parts["validation"]] == [f"pancreas_{n:03}" for n in sorted(validation)]
    assert [c.name for c in parts["test"]] == [f"pancreas_{test:03}"]
    with pytest.raises(InputError, match=r"276 of the 281 cases in the folds of pancreas are missing here"):
        opened(path, split={"folds": "pancreas"})
