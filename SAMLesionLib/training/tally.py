"""Sums over the batches of all processes, between two lines of the log."""

from __future__ import annotations

import torch
from torch import Tensor

from SAMLesionLib.training.click_rounds import RoundsResult
from SAMLesionLib.training.judging import dice
from SAMLesionLib.training.team import Team

STOP, LOSS, DICE, OPEN, BATCHES, SAMPLES = range(6)


class Tally:
    """Loss, Dice, open gates and numbers; one exchange with the device and the other processes a step."""

    def __init__(self, team: Team, device: torch.device) -> None:
        self._team = team
        self._device = device
        self._step = torch.zeros(6, device=device)
        self._sums = torch.zeros(6, dtype=torch.float64)
        self._n_steps = 0

    def add(self, loss: Tensor, rounds: RoundsResult, labels: Tensor) -> None:
        """Count a batch."""
        with torch.no_grad():
            self._step[LOSS] += loss.detach()
            self._step[DICE] += dice(rounds.logits[-1], labels).mean()
            for gate in rounds.gates:
                self._step[OPEN] += gate.is_open.float().mean() / len(rounds.gates)
        self._step[BATCHES] += 1
        self._step[SAMPLES] += len(labels)

    def close_step(self, stop_is_asked: bool) -> tuple[float, bool]:
        """The mean loss of the step, and whether any process was asked to stop."""
        self._step[STOP] = float(stop_is_asked)
        sums = self._team.sum(self._step).double().cpu()
        self._step = torch.zeros_like(self._step)
        self._sums += sums
        self._n_steps += 1
        return float(sums[LOSS] / sums[BATCHES]), bool(sums[STOP] > 0)

    def means(self) -> dict[str, float]:
        """The means of all steps since this was last asked, and the samples of a step."""
        sums, n_steps = self._sums.tolist(), self._n_steps
        self._sums.zero_()
        self._n_steps = 0
        loss, dice_, is_open = (sums[n] / sums[BATCHES] for n in (LOSS, DICE, OPEN))
        return {"loss": loss, "dice": dice_, "open": is_open, "samples": sums[SAMPLES] / n_steps}
