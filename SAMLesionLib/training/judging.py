"""How good a network is on samples it does not learn from, the same at every look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from SAMLesionLib.models.sam3d import Sam3D
from SAMLesionLib.training.arithmetic import Arithmetic
from SAMLesionLib.training.batches import Batch, Order, batches
from SAMLesionLib.training.click_rounds import click_rounds
from SAMLesionLib.training.config import TrainingConfig
from SAMLesionLib.training.samples import SampleSource
from SAMLesionLib.training.team import Team

JUDGING_SEED = 0
"""Of validation samples and prompts, whatever the run's own seed is: runs can be compared."""


class Scores(NamedTuple):
    """Mean Dice over the validation samples.

    Attributes:
        first: of the answer to the first prompt.
        last: after the last.
    """

    first: float
    last: float

    def best_at(self, choice: str) -> float:
        """The number that checkpoints are compared by."""
        return {"first": self.first, "last": self.last}.get(choice, (self.first + self.last) / 2)


class Judge:
    """Keeps the validation samples in memory and scores a network on them."""

    def __init__(
        self, source: SampleSource, config: TrainingConfig, arithmetic: Arithmetic, team: Team
    ) -> None:
        self._config, self._arithmetic, self._team = config, arithmetic, team
        self._source = source
        self._batches: list[Batch] = []

    def scores(self, network: Sam3D) -> Scores:
        """Ask the network as a reader would; processes share the work."""
        if not self._batches:
            self._batches = list(self._make())
        was_training = network.training
        network.eval()
        with torch.inference_mode():
            sums = sum(self._sums(network, batch) for batch in self._batches)
        network.train(was_training)
        first, last, n = self._team.sum(torch.as_tensor(sums, device=self._arithmetic.device)).tolist()
        return Scores(first / n, last / n)

    def _make(self) -> Iterator[Batch]:
        size = min(self._config.batch.samples, self._config.validation.samples)
        n_batches = -(-self._config.validation.samples // size)
        mine = len(range(self._team.rank, n_batches, self._team.size))
        order = Order(size, self._team.rank, self._team.size, mine)
        return batches(self._source, order, JUDGING_SEED, self._config.batch.workers)

    def _sums(self, network: Sam3D, batch: Batch) -> Tensor:
        """Sums over a batch of the first and the last Dice, and the number of samples."""
        batch = batch.to(self._arithmetic.device)
        with self._arithmetic.autocast():
            rounds = click_rounds(
                network,
                batch.images,
                batch.labels,
                batch.generator(JUDGING_SEED),
                self._config.validation.prompts,
            )
        first, last = (dice(rounds.logits[n], batch.labels).sum() for n in (0, -1))
        return torch.stack((first, last, torch.tensor(float(len(batch.names)), device=first.device)))


def dice(logits: Tensor, labels: Tensor) -> Tensor:
    """Dice of each sample, B, of what is above 0 and the labels (B x ..., booleans); 1 if both are empty."""
    found, wanted = (logits > 0).flatten(1), labels.flatten(1)
    common, both = (found & wanted).sum(dim=1), found.sum(dim=1) + wanted.sum(dim=1)
    return torch.where(both > 0, 2 * common / both.clamp(min=1), 1.0)
