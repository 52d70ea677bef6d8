"""Every arm of a recipe in turn: trained, then tested on cases that no arm has seen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

from SAMLesionLib.errors import InputError
from SAMLesionLib.io import atomic_write
from SAMLesionLib.models.sgp_sam import SgpSam
from SAMLesionLib.models.state_dicts import read_state_dict
from SAMLesionLib.models.tags import Tags
from SAMLesionLib.training.adapters import take_plain
from SAMLesionLib.training.alignment import Alignment
from SAMLesionLib.training.arithmetic import choose_arithmetic
from SAMLesionLib.training.asking import Network
from SAMLesionLib.training.case_cubes import CubeSource
from SAMLesionLib.training.checkpoints import BEST, LAST, read_about
from SAMLesionLib.training.config import TrainingConfig, read_config
from SAMLesionLib.training.gate_savings import fusion_share
from SAMLesionLib.training.judging import Judge, Scores
from SAMLesionLib.training.loop import train
from SAMLesionLib.training.opening import card_of
from SAMLesionLib.training.point_protocol import PointScores, point_scores
from SAMLesionLib.training.recipe import Recipe
from SAMLesionLib.training.run import changed_values
from SAMLesionLib.training.simulated_reader import ClickSettings
from SAMLesionLib.training.start import load_start, start_network
from SAMLesionLib.training.team import Team
from SAMLesionLib.training.tuning import tune

TESTED = "test.json"

CHANGES_NOTHING = frozenset(
    ("device", "precision", "threads", "compile", "recompute", "log_every", "save_every", "tensorboard")
) | {"batch.workers", "data.path", "data.prepared"}
"""Values of a run that a finished arm may have had others of: the machine's, what is told, where data lie."""


S = TypeVar("S", Scores, PointScores)


@dataclass(frozen=True, eq=False)
class ArmResult(Generic[S]):
    """What a test found.

    Attributes:
        name: of the arm.
        n_learned: parameters that were trained.
        scores: on the test cases, by clicks or by points.
        fusion_share: of an encoding's arithmetic, where all gates are open; None where closed ones save
            nothing, since there are none or soft ones, and where it was not counted.
    """

    name: str
    n_learned: int
    scores: S
    fusion_share: float | None = None


def reproduce(
    recipe: Recipe,
    data: Path,
    folder: Path,
    arms: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
    team: Team | None = None,
) -> list[ArmResult[Any]]:
    """Train and test arms; what is done already in `folder` is not done again.

    Args:
        recipe: from `read_recipe`.
        data: the task's folder.
        folder: for the results, one folder an arm.
        arms: their names; empty for all.
        changes: of every arm's run file.
        team: the processes that train together.

    Raises:
        InputError: when data, weights or a name cannot be used.
        TrainingFailed: when a run cannot go on; the same command goes on from its last checkpoint.
    """
    team = team or Team()
    names = arms or recipe.arm_names()
    configs = {name: read_config(recipe.run_table(name, data, changes or {})) for name in names}
    return [_arm(recipe, name, config, folder / slug(name), team) for name, config in configs.items()]


def _arm(recipe: Recipe, name: str, config: TrainingConfig, folder: Path, team: Team) -> ArmResult[Any]:
    kept = folder / TESTED
    if kept.exists():
        _check_same(config, folder)
    else:
        train(config, folder, resume=(folder / LAST).exists(), team=team)
        result = _test(recipe, name, config, folder, team)
        if team.leads:
            with atomic_write(kept) as file:
                file.write(json.dumps(_plain(result)).encode())
        team.wait()
    return _read(kept)


def _check_same(config: TrainingConfig, folder: Path) -> None:
    """Refuse to take what an arm of other values found for this one's."""
    path = folder / LAST
    changed = changed_values(read_about(path), config) if path.exists() else []
    telling = [key for key in changed if key not in CHANGES_NOTHING]
    if telling:
        raise InputError(
            f"{folder} was trained and tested with other values of {', '.join(telling)}. Choose another "
            "folder with -o, or delete this one."
        )


def _test(recipe: Recipe, name: str, config: TrainingConfig, folder: Path, team: Team) -> ArmResult[Any]:
    network = _trained(config, folder)
    n_learned = sum(p.numel() for p in network.parameters() if p.requires_grad)
    if isinstance(network, Tags):
        return ArmResult(name, n_learned, point_scores(network, config, recipe.points, team))
    scores = _click_scores(network, config, max(recipe.clicks), team)
    if not isinstance(network, SgpSam) or config.gates.mode == "soft":
        return ArmResult(name, n_learned, scores)
    return ArmResult(name, n_learned, scores, fusion_share(network))


def _click_scores(network: Network, config: TrainingConfig, n_clicks: int, team: Team) -> Scores:
    source = config.data.open(replace(card_of(config), image_size=network.image_size), "test")
    prompts = ClickSettings(least=n_clicks, most=n_clicks, mask_only=0.0)
    assert isinstance(source, CubeSource), "a recipe for clicks learns from cubes of a data set"
    asked = replace(config, validation=replace(config.validation, samples=len(source.cases), prompts=prompts))
    arithmetic = choose_arithmetic(config, team.local_rank)
    judge = Judge(source, asked, arithmetic, team, Alignment(config.words, network), source.step_mm)
    return judge.scores(network.to(arithmetic.device))


def _trained(config: TrainingConfig, folder: Path) -> Network:
    """The network with the weights that validated best; those it started from where nothing was trained."""
    network = start_network(card_of(config), config.start)
    tune(network, config.tune)
    if (folder / BEST).exists():
        learned = take_plain(network, read_state_dict(folder / BEST))
        load_start(network, learned, config.model, folder / BEST)
    if isinstance(network, SgpSam):
        network.set_gates(config.gates.mode)
    return network


def slug(name: str) -> str:
    """A name as a folder's: lower case, with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _plain(result: ArmResult[Any]) -> dict[str, Any]:
    scores = {
        key: v.tolist() if isinstance(v, torch.Tensor) else v for key, v in result.scores._asdict().items()
    }
    return {**vars(result), "scores": scores}


def _read(path: Path) -> ArmResult[Any]:
    told = json.loads(path.read_text(encoding="utf-8"))
    scores = told["scores"]
    names = tuple(scores.pop("names"))
    kind = Scores if "open" in scores else PointScores
    tensors = {key: torch.tensor(values) for key, values in scores.items()}
    return ArmResult(**{**told, "scores": kind(names, **tensors)})
