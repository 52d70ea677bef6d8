"""A run between its steps: how it goes on, what it keeps, and why it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from SAMLesionLib.errors import TrainingFailed
from SAMLesionLib.models.sgp_sam import SgpSam
from SAMLesionLib.models.state_dicts import read_state_dict
from SAMLesionLib.training.adapters import plain_state_dict
from SAMLesionLib.training.alignment import Alignment
from SAMLesionLib.training.arithmetic import Arithmetic
from SAMLesionLib.training.asking import Network
from SAMLesionLib.training.checkpoints import BEST, LAST, read_last, write_last, write_weights
from SAMLesionLib.training.config import TrainingConfig
from SAMLesionLib.training.judging import Judge
from SAMLesionLib.training.optimizer import restore
from SAMLesionLib.training.run_log import RunLog
from SAMLesionLib.training.samples import SampleSource
from SAMLesionLib.training.start import load_start
from SAMLesionLib.training.tables import differences
from SAMLesionLib.training.team import Team
from SAMLesionLib.version import __version__


@dataclass(eq=False)
class Run:
    """The state of a run.

    Attributes:
        config: what was asked.
        folder: where it writes.
        team: the processes that train together.
        arithmetic: device and numbers.
        network: in training.
        optimizer: of its parameters that learn.
        average: the running average of its weights, None where none is wanted.
        scaler: of its gradients.
        source: what it learns from.
        examiner: what it is judged by.
        alignment: what its features are held against.
        log: what it tells.
        step: steps done.
        best: the best validation score so far.
        metrics: of the last look.
    """

    config: TrainingConfig
    folder: Path
    team: Team
    arithmetic: Arithmetic
    network: Network
    optimizer: torch.optim.AdamW
    average: AveragedModel | None
    scaler: torch.amp.GradScaler
    source: SampleSource
    examiner: Judge
    alignment: Alignment
    log: RunLog
    step: int = 0
    best: float = -inf
    metrics: dict[str, float] = field(default_factory=dict)

    def set_gates(self, done: float) -> None:
        """Hold the gates open at the beginning, so that what they open is learned first."""
        if isinstance(self.network, SgpSam):
            is_early = done <= self.config.gates.open_share and self.config.gates.mode == "hard"
            self.network.set_gates("open" if is_early else self.config.gates.mode)

    def check_finite(self, loss: float, norm: Tensor, names: list[str]) -> None:
        """Stop before the network learns from what is no number.

        Raises:
            TrainingFailed: saying where.
        """
        # float16 overflows now and then: the scaler leaves such a step out.
        if isfinite(loss) and (self.scaler.is_enabled() or torch.isfinite(norm)):
            return
        what = f"loss became {loss}" if not isfinite(loss) else "gradient became infinite"
        shown = ", ".join(self.team.gather(names)[:20])
        raise TrainingFailed(
            f"The {what} in step {self.step + 1}, with the samples {shown}. {self._what_is_kept()} Look at "
            "these samples, or lower optimizer.lr."
        )

    def after_step(self) -> None:
        """Count a step that the optimizer has done."""
        self.step += 1
        if self.average is not None:
            self.average.update_parameters(self.network)

    def judge(self) -> None:
        """Score the network, and keep it where it is the best so far."""
        judged = self.network if self.average is None else cast(Network, self.average.module)
        if isinstance(judged, SgpSam):
            judged.set_gates(self.config.gates.mode)
        scores = self.examiner.scores(judged)
        self.metrics = {"dice_first": scores.rounds[0], "dice_last": scores.rounds[-1]}
        if self.config.validation.best_at == "loss":
            self.metrics["loss"] = float(scores.loss.mean())
        self.log.judged(self.step, self.metrics)
        score = scores.best_at(self.config.validation.best_at)
        if score > self.best:
            self.best = score
            if self.team.leads and self.step > 0:
                plain = plain_state_dict(judged)
                dtype = getattr(torch, self.config.best_weights)
                weights = {k: v.to(dtype) if v.is_floating_point() else v for k, v in plain.items()}
                write_weights(self.folder / BEST, weights, self._about())

    def save(self) -> None:
        """Write the checkpoint to go on from."""
        if self.team.leads:
            state = {
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "rng": torch.get_rng_state(),
                "average": None if self.average is None else self.average.state_dict(),
            }
            write_last(self.folder, self.network.state_dict(), self._about(), state)
        self.team.wait()

    def stop(self) -> None:
        """End before the last step, because somebody asked for it; of several processes the first tells it.

        Raises:
            TrainingFailed: always, in the first process.
        """
        if not self.team.leads:
            sys.exit(1)
        raise TrainingFailed(
            f"Stopped after step {self.step}, which is saved in {self.folder}. Go on with --resume."
        )

    def resume(self) -> None:
        """Go on where the folder's checkpoint is.

        Raises:
            InputError: when there is none, or of another network.
        """
        path, about, state = read_last(self.folder)
        load_start(self.network, read_state_dict(path), self.config.model, path)
        restore(self.optimizer, state["optimizer"])
        if state["scaler"]:  # empty where the run did not need one
            self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["rng"])
        if self.average is not None and state.get("average"):
            self.average.load_state_dict(state["average"])
        self.step, self.best, self.metrics = about["step"], about["best"], about["metrics"]
        changed = changed_values(about, self.config)
        if changed:
            self.log.say(f"going on with other values than before of {', '.join(changed)}")

    def _about(self) -> dict[str, Any]:
        return {
            "version": __version__,
            "model": self.config.model,
            "step": self.step,
            "best": self.best,
            "metrics": self.metrics,
            "config": self.config.as_json(),
            "provenance": [origin._asdict() for origin in self.source.provenance],
        }

    def _what_is_kept(self) -> str:
        path = self.folder / LAST
        return (
            f"The last good checkpoint is {path}." if path.exists() else "No checkpoint was written before."
        )


def changed_values(about: Mapping[str, Any], config: TrainingConfig) -> list[str]:
    """The keys of a run whose values are not those that a checkpoint was trained with.

    Args:
        about: what the checkpoint tells, from `read_about`.
        config: of the run.
    """
    return differences(about["config"], json.loads(json.dumps(config.as_json(), default=str)))
