"""A run at its beginning, or where it was interrupted: network, data and optimizer put together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from SAMLesionLib.errors import InputError
from SAMLesionLib.io import used_folder
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.registry import find
from SAMLesionLib.models.tags import Tags
from SAMLesionLib.training.alignment import Alignment
from SAMLesionLib.training.arithmetic import Arithmetic, choose_arithmetic
from SAMLesionLib.training.asking import Network, compile_blocks, let_learn
from SAMLesionLib.training.checkpoints import LAST
from SAMLesionLib.training.config import TrainingConfig
from SAMLesionLib.training.judging import Judge
from SAMLesionLib.training.optimizer import make_average, make_optimizer
from SAMLesionLib.training.organ_source import OrganSettings
from SAMLesionLib.training.run import Run
from SAMLesionLib.training.run_log import RunLog
from SAMLesionLib.training.start import start_network
from SAMLesionLib.training.team import Team
from SAMLesionLib.training.tuning import tune


def open_run(config: TrainingConfig, folder: Path, resume: bool, team: Team) -> Run:
    """A run at its beginning, or where it was interrupted.

    Raises:
        InputError: when something of it cannot be used.
    """
    _check_shares(config, team)
    card = card_of(config)
    arithmetic = choose_arithmetic(config, team.local_rank)
    torch.manual_seed(config.seed)
    network = start_network(card, config.start)
    card = replace(card, image_size=network.image_size)
    if (folder / LAST).exists() and not resume:
        raise InputError(
            f"{folder} holds a run. Go on with it by --resume, or choose another folder with -o."
        )
    tune(network, config.tune)
    if isinstance(network, Tags):
        network.image_encoder.checkpoints_blocks = config.recompute
    network.to(arithmetic.device)
    with used_folder(folder):
        run = _put_together(config, folder, team, card, arithmetic, network)
        if resume:
            run.resume()
        run.log.begin(run.step)
    if config.compile:
        compile_blocks(network)
    let_learn(network)
    return run


def _put_together(
    config: TrainingConfig,
    folder: Path,
    team: Team,
    card: ModelCard,
    arithmetic: Arithmetic,
    network: Network,
) -> Run:
    """Network, data, optimizer and log as a run at its first step."""
    alignment = Alignment(config.words, network)
    with team.one_first():
        if isinstance(config.data, OrganSettings) and config.data.word:
            # One that cannot be had is refused before scans are prepared.
            alignment.directions([config.data.word])
        source = config.data.open(card, "train")
        judge = Judge(config.data.open(card, "validation"), config, arithmetic, team, alignment)
        # Words that must be computed are, before the first step; so is one refused that cannot be.
        alignment.directions([source.sample(0, config.seed).word])
    optimizer, average = make_optimizer(network, config.optimizer), make_average(network, config.optimizer)
    scaler = arithmetic.scaler()
    log = RunLog(folder, config.steps, team.leads, config.tensorboard)
    return Run(
        config, folder, team, arithmetic, network, optimizer, average, scaler, source, judge, alignment, log
    )


def card_of(config: TrainingConfig) -> ModelCard:
    """The model of a run, with the network that the run gives it."""
    card = find(config.model)
    return replace(card, architecture=config.architecture or card.architecture)


def _check_shares(config: TrainingConfig, team: Team) -> None:
    if config.batch.per_step % team.size:
        raise InputError(
            f"batch.per_step must be a multiple of the {team.size} processes that share it, got "
            f"{config.batch.per_step}."
        )
