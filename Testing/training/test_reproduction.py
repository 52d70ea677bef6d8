from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from liver_set import a_liver_set
from torch.utils.flop_counter import FlopCounterMode

from SAMLesionLib import cli
from SAMLesionLib.errors import InputError
from SAMLesionLib.models.sgp_sam import build_tiny_sgp_sam
from SAMLesionLib.training.comparison import comparison
from SAMLesionLib.training.config import read_config
from SAMLesionLib.training.gate_savings import fusion_share
from SAMLesionLib.training.judging import Scores
from SAMLesionLib.training.recipe import RECIPES, find_data, read_recipe
from SAMLesionLib.training.reproduction import ArmResult

ARMS = ("zero-shot", "fine-tuning", "LoRA", "M-SAM", "3D adapter", "SGP-SAM")
SMALL = (
    'architecture="SAMLesionLib.models.sgp_sam:build_tiny_sgp_sam"',
    'start=""',
    "steps=2",
    'device="cpu"',
    'precision="float32"',
    "threads=1",
    "data.spacing_mm=2.0",
    "data.jitter=2",
    "batch={samples=2, per_step=1, workers=0}",
    "validation={every=1, samples=1}",
)


def train(*words: str | Path) -> int:
    changes = [word for change in SMALL for word in ("--set", change)]
    return cli.main(["train", *map(str, words), *changes])


@pytest.mark.parametrize("name", [name for name in RECIPES if name.startswith("sgp-sam")])
def test_every_arm_of_a_recipe_is_a_run_file(name: str) -> None:
    recipe = read_recipe(name)
    configs = {arm: read_config(recipe.run_table(arm, Path("data"), {})) for arm in recipe.arm_names()}

    assert recipe.reference in configs
    assert {c.tune.method for c in configs.values()} >= {
        "zero-shot",
        "full",
        "decoder",
        "lora",
        "m-sam",
        "adapter",
        "bias",
        "tokens",
        "sgp",
    }
    assert {c.loss.name for c in configs.values()} == {"dice-ce", "zoom", "dice", "dice-focal"}
    assert {c.gates.mode for c in configs.values()} == {"hard", "soft", "open", "closed"}
    assert len({(c.steps, c.batch, c.data, c.seed, c.start) for c in configs.values()}) == 1
    assert configs["SGP-SAM"].data.label == (2 if "liver" in name else 3)  # type: ignore[attr-defined]


def test_arms_are_trained_tested_and_put_beside_what_was_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = a_liver_set(tmp_path / "Task03_Liver")
    words = (
        "--reproduce",
        "sgp-sam-msd-liver",
        "--data",
        tmp_path,
        "-o",
        tmp_path / "out",
        "--arms",
        ";".join(ARMS),
    )
    prepared = f"data.prepared={json.dumps(str(tmp_path / 'prepared'))}"

    assert train(*words, "--set", prepared) == 0
    table = capsys.readouterr().out
    assert (tmp_path / "out" / "table.md").read_text() == table
    assert "MSD Liver, tumour: 2 test cases" in table
    assert "+7.3 % mDice" in table
    for arm in ARMS:
        assert table.count(f"\n| {arm} |") == 2
    assert (tmp_path / "out" / "3d-adapter" / "best.safetensors").exists()

    capsys.readouterr()
    assert train(*words, "--set", prepared) == 0
    told = capsys.readouterr()
    assert told.out == table
    assert "step" not in told.err  # nothing is done twice
    assert data.exists()


def test_the_table_holds_what_was_worked_out_by_hand() -> None:
    names = tuple(f"case {n}" for n in range(6))
    sizes = torch.tensor([10, 20, 30, 40, 50, 60])
    base = torch.tensor([0.5, 0.4, 0.6, 0.5, 0.3, 0.7])
    none, gates = torch.zeros(6, 0), torch.tensor([[1.0, 1.0]] * 3 + [[0.0, 1.0]] * 3)

    def scores(gain: float, is_open: torch.Tensor) -> Scores:
        dice = (base + gain)[:, None] + torch.arange(10) / 100
        measures = torch.tensor([[0.5, 1.0]] * 3 + [[0.75, 0.5]] * 3) if gain else torch.zeros(0, 0)
        seconds = torch.tensor([1.0, 2.0, 3.0, 1.0, 2.0, 3.0]) if gain else torch.zeros(0)
        return Scores(names, sizes, dice, is_open, measures=measures, seconds=seconds)

    results = [
        ArmResult("fine-tuning", 100_509_232, scores(0.0, none)),
        ArmResult("SGP-SAM", 8_433_640, scores(0.073, gates), fusion_share=0.08),
    ]
    lines = comparison(read_recipe("sgp-sam-msd-liver"), results).splitlines()

    tuned, gated = (
        next(x for x in lines if x.startswith(f"| {name} | ")) for name in ("fine-tuning", "SGP-SAM")
    )
    assert tuned.startswith("| fine-tuning | 100,509,232 | 50.0 (")
    assert tuned.endswith("| 52.0 | 54.0 | 59.0 | - | - | - | - | - | - |")
    assert "| 8,433,640 | 57.3 (" in gated
    assert "| +7.3 (7.3 to 7.3, p 0.031) | 62.5 | 75.0 | 75 % | 2.0 % | 2.00 |" in gated
    soft = ArmResult("soft gates", 8_433_640, scores(0.073, gates))
    assert "| 75 % | - | 2.00 |" in comparison(read_recipe("sgp-sam-msd-liver"), [results[0], soft])
    assert "| SGP-SAM | 52.3 (100 %) | 62.3 (75 %) | 57.3 (50 %) |" in lines


def test_a_network_without_fusion_saves_what_its_blocks_would_cost() -> None:
    network = build_tiny_sgp_sam().eval()
    # Two tokens a side, eight in all: in each of the two blocks 48 channels become 16 and 16 become 48, three
    # scales are merged, and three filters of 27 taps see 16 channels.
    block = 8 * 2 * (48 * 16 + 16 * 48 + 48 * 16 + 3 * 27 * 16)
    network.set_gates("open")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.encode(torch.zeros(1, 1, 32, 32, 32))
    assert fusion_share(network) == pytest.approx(2 * block / counter.get_total_flops())


def test_what_is_not_there_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="Did you mean sgp-sam-msd-liver"):
        read_recipe("sgp-sam-msd-livre")
    with pytest.raises(InputError, match=r"dataset\.json"):
        find_data(read_recipe("sgp-sam-msd-brain"), tmp_path)
    for words, said in (
        (["--reproduce", "sgp-sam-msd-liver"], "name it with --data"),
        ([], "Name one run file"),
        ([tmp_path / "none.toml"], "There is no run file"),
    ):
        assert train(*words) == 2
        told = capsys.readouterr().err
        assert said in told
        assert told.count("\n") == 1
