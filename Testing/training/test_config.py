from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import SPHERES, a_config
from torch.nn import functional as F

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.config import OptimizerSettings, TrainingConfig, read_config
from SAMLesionLib.training.losses import dice_ce_loss, dice_loss, focal_loss
from SAMLesionLib.training.objectives import LossSettings, objective
from SAMLesionLib.training.optimizer import make_optimizer, set_learning_rate
from SAMLesionLib.training.tables import merge, read_changes, read_toml

DATA = {"source": SPHERES}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"stepz": 3}, "The run file has no key stepz. Did you mean steps?"),
        (
            {"optimizer": {"learning_rate": 1.0}},
            r"The table \[optimizer\] has no key learning_rate. Did you mean",
        ),
        (
            {"validation": {"prompts": {"leest": 1}}},
            r"\[validation.prompts\] has no key leest. Did you mean least",
        ),
        ({"data": {"source": SPHERES, "brokn": 1}}, r"\[data\] has no key brokn. Did you mean broken_from"),
        ({"data": {"source": "synthetik"}}, "no key synthetik. Did you mean synthetic"),
        ({"data": {"source": "nowhere:Nothing"}}, "cannot be loaded"),
        ({"data": {"source": ":Nothing"}}, "data.source :Nothing cannot be loaded"),
        ({"data": {"source": "json:loads"}}, "data.source json:loads must name a dataclass"),
        ({"loss": {"dice": 0, "focal": 0}}, "loss.dice and loss.focal are both 0"),
        ({"data": {}}, r"needs a table \[data\]"),
        ({"steps": 1.5}, "steps must be a whole number, got 1.5"),
        ({"steps": True}, "steps must be a whole number"),
        ({"steps": 0}, "steps must be 1 or more, got 0"),
        ({"points": {"organ": 2}}, "points.organ must be from 0 to 1, got 2"),
        ({"optimizer": {"lr": "fast"}}, "optimizer.lr must be a number, got 'fast'"),
        ({"optimizer": {"lr": float("inf")}}, "optimizer.lr must be a number, got inf"),
        ({"optimizer": {"betas": [0.9]}}, r"optimizer.betas must be two numbers .* got \[0.9\]"),
        ({"optimizer": {"betas": [2.0, 0.9]}}, "optimizer.betas must be two numbers"),
        ({"optimizer": {"averaged": 1.0}}, "optimizer.averaged must be from 0 to 0.99999, got 1.0"),
        ({"loss": {"alpha": 5}}, "loss.alpha must be from 0 to 1, got 5"),
        ({"prompts": {"least": 3, "most": 2}}, r"prompts.least must be at most prompts.most \(2\), got 3"),
        ({"optimizer": 3}, r"optimizer is a table: write \[optimizer\]"),
        ({"precision": "int8"}, "precision is one of auto, float32, bfloat16, float16; got 'int8'"),
        ({"compile": 1}, "compile must be true or false"),
    ],
)
def test_what_a_run_file_cannot_say_is_told_in_one_sentence(table: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        read_config({"data": DATA, **table})
    assert "\n" not in str(refused.value)


def test_a_config_comes_back_from_what_a_checkpoint_tells() -> None:
    config = a_config(optimizer={"decoder_lr": 1e-5})

    assert read_config(config.as_json()) == config


def test_a_run_file_holds_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(f'steps = 7\n[data]\nsource = "{SPHERES}"\n[optimizer]\nlr = 1\n')

    config = read_config(read_toml(tmp_path / "run.toml"))

    assert config.steps == 7
    assert config.optimizer == OptimizerSettings(lr=1.0)
    assert config.batch == TrainingConfig(data=config.data).batch


def test_a_broken_run_file_says_where(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("steps = \n")

    with pytest.raises(InputError, match=r"cannot be read as TOML .*line 1"):
        read_toml(tmp_path / "run.toml")
    with pytest.raises(InputError, match="no run file"):
        read_toml(tmp_path / "other.toml")


def test_values_can_be_changed_from_the_command_line() -> None:
    table = {"steps": 3, "optimizer": {"lr": 1.0, "clip": 2.0}}

    merge(table, read_changes(["optimizer.lr=1e-4", "model=sam-med3d", "data.path=a b"]))

    assert table == {
        "steps": 3,
        "optimizer": {"lr": 1e-4, "clip": 2.0},
        "model": "sam-med3d",
        "data": {"path": "a b"},
    }
    with pytest.raises(InputError, match="KEY=VALUE"):
        read_changes(["steps"])


def test_the_learning_rate_rises_then_falls_as_a_cosine() -> None:
    settings = OptimizerSettings(lr=2.0, warmup_share=0.1, final_share=0.01)
    optimizer = make_optimizer(torch.nn.Linear(2, 2), settings)
    heights = []
    for done in (0.05, 0.1, 0.55, 1.0):
        set_learning_rate(optimizer, settings, done)
        heights.append(optimizer.param_groups[0]["lr"])

    assert heights == pytest.approx([1.0, 2.0, 1.01, 0.02])


def test_norms_and_biases_do_not_decay_and_the_decoder_has_its_rate() -> None:
    network = torch.nn.ModuleDict(
        {"image_encoder": torch.nn.Linear(2, 2), "mask_decoder": torch.nn.Linear(2, 2)}
    )
    optimizer = make_optimizer(network, OptimizerSettings(lr=1.0, decoder_lr=0.1, weight_decay=0.5))

    told = {p: (g["highest_lr"], g["weight_decay"]) for g in optimizer.param_groups for p in g["params"]}
    encoder, decoder = network["image_encoder"], network["mask_decoder"]
    assert told[encoder.weight] == (1.0, 0.5)
    assert told[encoder.bias] == (1.0, 0.0)
    assert told[decoder.weight] == (0.1, 0.5)
    assert told[decoder.bias] == (0.1, 0.0)


def test_each_loss_is_the_one_of_its_name() -> None:
    logits, target = torch.randn(2, 50), (torch.rand(2, 50) > 0.7).float()

    assert objective(LossSettings("dice-ce"))(logits, target) == dice_ce_loss(logits, target)
    torch.testing.assert_close(
        objective(LossSettings("dice"))(logits, target), dice_loss(logits, target).mean()
    )
    both = objective(LossSettings("dice-focal", alpha=0.5, gamma=0.0))(logits, target)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target)
    torch.testing.assert_close(both, dice_loss(logits, target).mean() + cross_entropy / 2)


def test_in_the_focal_loss_all_voxels_weigh_alike() -> None:
    logits, target = torch.tensor([[0.5, -2.0, 1.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    p = torch.sigmoid(logits[0])
    by_hand = 0.75 * (1 - p[0]) ** 2 * -p[0].log()
    by_hand = by_hand + 0.25 * (p[1] ** 2 * -(1 - p[1]).log() + p[2] ** 2 * -(1 - p[2]).log())

    torch.testing.assert_close(focal_loss(logits, target, 0.75, 2.0)[0], by_hand / 3)
