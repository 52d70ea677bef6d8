"""TAGS's recipes through the command line, on small data sets in the layouts of the published ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tiny_organs import a_words_file
from tumour_sets import a_kidney_set, a_liver_set, a_pancreas_set, an_nnunet_kidney_set

from SAMLesionLib import cli
from SAMLesionLib.training.checkpoints import read_about
from SAMLesionLib.training.config import TrainingConfig, read_config
from SAMLesionLib.training.organ_source import OrganSettings
from SAMLesionLib.training.point_comparison import point_comparison
from SAMLesionLib.training.point_protocol import PointScores
from SAMLesionLib.training.recipe import read_recipe
from SAMLesionLib.training.reproduction import ArmResult

RECIPES = {"tags-msd-pancreas": (196, 28), "tags-kits": (209, 30), "tags-lits": (83, 11)}
FOLDS = json.loads((Path(__file__).parents[2] / "SAMLesionLib/training/recipes/folds.json").read_text())


def configs_of(name: str) -> dict[str, TrainingConfig]:
    recipe = read_recipe(name)
    return {arm: read_config(recipe.run_table(arm, Path("data"), {})) for arm in recipe.arm_names()}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_as_published(name: str) -> None:
    n_cases, n_validation = RECIPES[name]
    arms = configs_of(name)
    tags = arms["TAGS"]

    assert isinstance(tags.data, OrganSettings)
    assert (tags.steps, tags.validation.every, tags.validation.samples) == (
        200 * n_cases,
        n_cases,
        n_validation,
    )
    assert (tags.batch.samples, tags.batch.per_step, tags.precision) == (1, 1, "float32")
    assert (tags.points.inside, tags.points.anywhere, tags.points.organ) == (10, 20, 1.0)
    assert (tags.validation.points.inside, tags.validation.points.anywhere) == (10, 0)
    assert tags.words.double_softmax
    assert tags.words.said == "key"
    assert (tags.data.spacing_mm, tags.data.label, tags.data.split.fold) == (1.0, 2, 0)
    is_flat = name == "tags-msd-pancreas"
    changes = tags.data.changes
    assert (changes.zoom, changes.rotate, changes.stretch) == (
        (0.0, 0.3, 0.3) if is_flat else (0.8, 0.0, 0.0)
    )
    # 1 - 0.99 * 200 / 500
    assert tags.optimizer.final_share == pytest.approx(0.604)
    assert tags.optimizer.hold == n_cases
    assert len({(c.steps, c.batch, c.data, c.seed, c.start, c.optimizer) for c in arms.values()}) == 1


def test_every_arm_differs_in_what_it_is_called_by() -> None:
    arms = configs_of("tags-kits")

    assert not arms["one softmax"].words.double_softmax
    assert {arms[name].words.said for name in ("TAGS", "organ's name", "random directions")} == {
        "key",
        "organ",
        "random",
    }
    assert arms["no words"].words.weight == 0
    assert "3dsam_adapter" in arms["no alignment"].architecture
    assert arms["no organ"].points.organ == arms["no organ"].validation.points.organ == 0
    trained = {arm: c.points for arm, c in arms.items() if arm.startswith("trained")}
    assert [p.inside + p.anywhere for p in trained.values()] == [0, 1, 3]


def a_set(make: Callable[[Path, tuple[int, ...]], Path], path: Path, dataset: str) -> Path:
    """Two cases to learn from, one to choose checkpoints by and two to test on, by the first fold."""
    fold = FOLDS[dataset]["folds"][0]
    kept = {*fold["validation"], *fold["test"]}
    learned = [n for n in FOLDS[dataset]["cases"] if n not in kept][:2]
    return make(path, (*learned, fold["validation"][0], *fold["test"][:2]))


def reproduce(recipe: str, data: Path, folder: Path, arms: str, *changes: str) -> int:
    words = a_words_file(folder, "kidney", "liver", "pancreas")
    small = (
        'architecture="tiny_organs:build_tinier_tags"',
        'start=""',
        "steps=2",
        'device="cpu"',
        "threads=1",
        f"words.file={json.dumps(str(words))}",
        f"data.prepared={json.dumps(str(folder / 'prepared'))}",
        "data.split.incomplete=true",
        "batch.workers=0",
        "validation.every=2",
        "validation.samples=1",
        'tune.method="full"',
        *changes,
    )
    told = [word for change in small for word in ("--set", change)]
    out = folder / "out"
    return cli.main(
        ["train", "--reproduce", recipe, "--data", str(data), "-o", str(out), "--arms", arms, *told]
    )


def test_arms_are_trained_tested_and_put_beside_what_was_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = a_set(a_pancreas_set, tmp_path / "Task07_Pancreas", "pancreas")
    arms = ("TAGS", "no organ", "random directions", "trained without points")

    assert reproduce("tags-msd-pancreas", data.parent, tmp_path, ";".join(arms)) == 0

    table = capsys.readouterr().out
    assert (tmp_path / "out" / "table.md").read_text() == table
    assert "MSD Pancreas, tumour: 2 test cases" in table
    for arm in arms:
        assert table.count(f"\n| {arm} |") == 1
    assert "| 3DSAM-adapter, 3 points (published) | 25.46 M | 54.8 | 78.6 | - | - | - | - |" in table
    about = read_about(tmp_path / "out" / "tags" / "last.safetensors")
    assert about["provenance"][0]["note"] == "2 cases, label 2, 0 organs from files, the others from labels"
    assert "loss" in about["metrics"]

    assert reproduce("tags-msd-pancreas", data.parent, tmp_path, ";".join(arms)) == 0
    told = capsys.readouterr()
    assert told.out == table
    assert "step" not in told.err  # nothing is done twice

    assert reproduce("tags-msd-pancreas", data.parent, tmp_path, ";".join(arms), "device=auto") == 0
    capsys.readouterr()
    others = ("data.split.fold=1", "words.weight=0.5")
    assert reproduce("tags-msd-pancreas", data.parent, tmp_path, ";".join(arms), *others) == 2
    assert "with other values of data.split.fold, words.weight. Choose" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("recipe", "make", "dataset", "arm"),
    [
        ("tags-kits", a_kidney_set, "kits", "TAGS"),
        ("tags-kits", an_nnunet_kidney_set, "kits", "one softmax"),
        ("tags-lits", a_liver_set, "lits", "organ's name"),
    ],
)
def test_kidneys_and_livers_too(
    recipe: str,
    make: Callable[[Path, tuple[int, ...]], Path],
    dataset: str,
    arm: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert reproduce(recipe, a_set(make, tmp_path / "set", dataset), tmp_path, arm) == 0

    table = capsys.readouterr().out
    assert f"\n| {arm} |" in table
    assert "(published)" in table
    # The last of the livers has no tumour.
    assert ("1 test case\n" if dataset == "lits" else "2 test cases\n") in table


def test_a_network_without_alignment_needs_no_words(tmp_path: Path) -> None:
    data = a_set(a_pancreas_set, tmp_path / "Task07_Pancreas", "pancreas")
    changes = ('architecture="tiny_organs:build_tinier_adapter"', 'words.file="none.safetensors"')
    assert reproduce("tags-msd-pancreas", data, tmp_path, "TAGS", *changes) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("data.split.incomplete=false",), "276 of the 281 cases in the folds of pancreas are missing here"),
        (('words.file="none.safetensors"',), "neither CLIP's weights nor computed words"),
        (('words.clip="none.pt"',), "There is no file none.pt. Check the path in words.clip."),
        (('data.organ_masks="organs"',), "organs holds neither"),
    ],
)
def test_what_is_missing_is_told_in_one_sentence(
    changes: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = a_set(a_pancreas_set, tmp_path / "Task07_Pancreas", "pancreas")

    assert reproduce("tags-msd-pancreas", data, tmp_path, "TAGS", *changes) == 2

    assert said in capsys.readouterr().err.splitlines()[-1]


def test_another_folder_is_not_taken_for_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce("tags-kits", tmp_path, tmp_path, "TAGS") == 2
    assert "data of KiTS21's repository, with its case_00000" in capsys.readouterr().err


def test_the_table_holds_what_was_worked_out_by_hand() -> None:
    names = tuple(f"case {n}" for n in range(6))
    base = torch.tensor([0.5, 0.4, 0.6, 0.5, 0.3, 0.7])

    def scores(gain: float) -> PointScores:
        dice = torch.stack([base + gain, base - 0.2, base - 0.1, base + 0.1], dim=1)
        return PointScores(names, dice, dice + 0.2)

    results = [ArmResult("TAGS", 27_821_696, scores(0.1)), ArmResult("no organ", 27_821_696, scores(0.05))]
    lines = point_comparison(read_recipe("tags-kits"), results).splitlines()

    assert lines[2] == (
        "| method | trained | Dice, 3 points | NSD at 5 mm, 3 points | Dice, 0 | Dice, 1 | Dice, 10 | "
        "Dice beside TAGS |"
    )
    whole, without = (next(x for x in lines if x.startswith(f"| {name} |")) for name in ("TAGS", "no organ"))
    assert whole.startswith("| TAGS | 27,821,696 | 60.0 (")
    assert whole.endswith("| 30.0 | 40.0 | 60.0 | - |")
    assert " | 80.0 (" in whole
    assert without.endswith("| -5.0 (-5.0 to -5.0, p 0.031) |")
    assert "| nnU-Net (published) | 30.76 M | 73.1 | 77.4 | - | - | - | - |" in lines
