"""The training loop: all that happens in a step, from top to bottom."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from SAMLesionLib.training.asking import ask
from SAMLesionLib.training.batches import Order, batches, told_of_deaths
from SAMLesionLib.training.click_rounds import RoundsResult
from SAMLesionLib.training.config import TrainingConfig
from SAMLesionLib.training.losses import gate_loss
from SAMLesionLib.training.objectives import objective
from SAMLesionLib.training.opening import open_run
from SAMLesionLib.training.optimizer import clip_gradients, set_learning_rate
from SAMLesionLib.training.stopping import StopSignal
from SAMLesionLib.training.tally import Tally
from SAMLesionLib.training.team import Team


def train(config: TrainingConfig, folder: Path, resume: bool = False, team: Team | None = None) -> float:
    """Train a network; `folder` gets its checkpoints and tables.

    Args:
        config: the run.
        folder: for the results.
        resume: go on with the run that the folder holds, bit by bit as if it had never stopped.
        team: the processes that train together; None for this one alone.

    Returns:
        The best validation score, as `validation.best_at` counts it: Dice, or a loss times -1.

    Raises:
        InputError: when the data, the weights or the folder cannot be used.
        TrainingFailed: when the loss is no number or a process was killed; the last checkpoint stays.
    """
    run = open_run(config, folder, resume, team or Team())
    network, optimizer, scaler, arithmetic = run.network, run.optimizer, run.scaler, run.arithmetic
    learning = [p for p in network.parameters() if p.requires_grad]
    loss_of = objective(config.loss)
    per_step, n_mine = config.batch.per_step, config.batch.per_step // run.team.size
    order = Order(config.batch.samples, run.step * per_step + run.team.rank, run.team.size)
    pin = arithmetic.device.type == "cuda"
    stream = batches(run.source, order, config.seed, config.batch.workers, pin)
    tally = Tally(run.team, arithmetic.device)

    with told_of_deaths(config.batch.workers), closing(stream), StopSignal() as stop:
        if run.step == 0:
            run.judge()
        while run.step < config.steps and learning:
            done = (run.step + 1) / config.steps
            held = run.step - run.step % config.optimizer.hold
            set_learning_rate(optimizer, config.optimizer, (held + 1) / config.steps)
            run.set_gates(done)
            names: list[str] = []
            for batch in islice(stream, n_mine):
                names += batch.names
                batch = batch.to(arithmetic.device)
                with arithmetic.autocast():
                    rounds = ask(network, batch, batch.generator(config.seed), config)
                losses = [loss_of(logits, batch.labels) for logits in rounds.logits]
                loss = torch.stack(losses).mean() + _wish_of_gates(rounds, config)
                loss = loss + run.alignment.loss(rounds, batch)
                scaler.scale(loss / per_step).backward()
                tally.add(loss, rounds, batch.labels)

            run.team.sum_gradients(learning)
            scaler.unscale_(optimizer)
            norm = clip_gradients(network, config.optimizer)
            step_loss, is_stopping = tally.close_step(stop.is_asked)
            run.check_finite(step_loss, norm, names)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            run.after_step()

            is_last = run.step == config.steps
            if is_last or run.step % config.log_every == 0:
                run.log.steps(run.step, {**tally.means(), "lr": optimizer.param_groups[0]["lr"]})
            if is_last or run.step % config.validation.every == 0:
                run.judge()
            if is_last or is_stopping or run.step % config.save_every == 0:
                run.save()
            if is_stopping and not is_last:
                run.stop()
    return run.best


def _wish_of_gates(rounds: RoundsResult, config: TrainingConfig) -> Tensor | float:
    if not rounds.gates or not config.gates.weight:
        return 0.0
    probabilities = torch.stack([gate.probability for gate in rounds.gates])
    return config.gates.weight * gate_loss(probabilities, config.gates.wanted)
