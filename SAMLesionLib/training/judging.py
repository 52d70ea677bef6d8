"""How good a network is on samples it does not learn from, the same at every look."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor

from SAMLesionLib.geometry import Affine
from SAMLesionLib.metrics import detect_lesions, nsd
from SAMLesionLib.training.alignment import Alignment
from SAMLesionLib.training.arithmetic import Arithmetic
from SAMLesionLib.training.asking import Network, ask, let_learn
from SAMLesionLib.training.batches import Batch, Order, batches
from SAMLesionLib.training.config import TrainingConfig
from SAMLesionLib.training.samples import SampleSource
from SAMLesionLib.training.tags_losses import dice_of_probabilities
from SAMLesionLib.training.team import Team

NSD_MM = 2.0
"""How far two surfaces may lie apart to count as the same."""

JUDGING_SEED = 0
"""Of validation samples and prompts, whatever the run's own seed is: runs can be compared."""


class Scores(NamedTuple):
    """What was found on every validation sample.

    Attributes:
        names: of the samples.
        n_voxels: of each lesion, N.
        dice: after every prompt, N x rounds.
        open: which gates were, N x gates, 1 or 0; no column for a network without.
        loss: Dice loss of the last answer and alignment with the words, N, the mean of each batch.
        measures: NSD at `NSD_MM` and the share of lesions that were met, after the first prompt, N x 2; no
            column where the size of a cell is not known.
        seconds: that encoding the sample and answering all its prompts took, with the simulated reader's
            own time, N.
    """

    names: tuple[str, ...]
    n_voxels: Tensor
    dice: Tensor
    open: Tensor
    loss: Tensor = torch.zeros(0)
    measures: Tensor = torch.zeros(0, 0)
    seconds: Tensor = torch.zeros(0)

    @property
    def rounds(self) -> list[float]:
        """The mean Dice after each prompt."""
        means: list[float] = self.dice.mean(dim=0).tolist()
        return means

    def best_at(self, choice: str) -> float:
        """The number that checkpoints are compared by; the highest is the best."""
        if choice == "loss":
            return -float(self.loss.mean())
        first, last = self.rounds[0], self.rounds[-1]
        return {"first": first, "last": last}.get(choice, (first + last) / 2)


Row = tuple[str, int, list[float], list[float], float, list[float], float]


class Judge:
    """Keeps the validation samples in memory and scores a network on them.

    Args:
        source: of the samples.
        config: of the run.
        arithmetic: of the run.
        team: the processes that train together.
        alignment: what features are held against.
        cell_mm: of a cube, to measure surfaces and lesions too; None to leave that out.
    """

    def __init__(
        self,
        source: SampleSource,
        config: TrainingConfig,
        arithmetic: Arithmetic,
        team: Team,
        alignment: Alignment,
        cell_mm: float | None = None,
    ) -> None:
        self._config, self._arithmetic, self._team = config, arithmetic, team
        self._source, self._alignment, self._cell_mm = source, alignment, cell_mm
        self._batches: list[Batch] = []

    def scores(self, network: Network) -> Scores:
        """Ask the network as a reader would; processes share the work."""
        if not self._batches:
            self._batches = list(self._make())
        network.eval()
        with torch.inference_mode():
            found = [row for batch in self._batches for row in self._look(network, batch)]
        let_learn(network)
        names, *columns = zip(*self._team.gather(found), strict=True)
        return Scores(names, *(torch.tensor(column) for column in columns))

    def _make(self) -> Iterator[Batch]:
        size = min(self._config.batch.samples, self._config.validation.samples)
        n_batches = -(-self._config.validation.samples // size)
        mine = len(range(self._team.rank, n_batches, self._team.size))
        order = Order(size, self._team.rank, self._team.size, mine)
        return batches(self._source, order, JUDGING_SEED, self._config.batch.workers)

    def _look(self, network: Network, batch: Batch) -> Iterator[Row]:
        """What `Scores` tells of each sample; the loss is the batch's.

        The last Dice is repeated where there were fewer prompts than there may be.
        """
        batch, question = batch.to(self._arithmetic.device), self._config.validation
        start = perf_counter()
        with self._arithmetic.autocast():
            rounds = ask(network, batch, batch.generator(JUDGING_SEED), question)
        # Reading numbers waits for the device, so the time is a true one.
        each = [dice(logits, batch.labels).tolist() for logits in rounds.logits]
        seconds = (perf_counter() - start) / len(batch.names)
        each += each[-1:] * (question.prompts.most - len(each))
        gates = [gate.is_open.float().tolist() for gate in rounds.gates]
        n_voxels = batch.labels.flatten(1).sum(dim=1).tolist()
        soft_dice = dice_of_probabilities(rounds.logits[-1].float().sigmoid(), batch.labels)
        loss = float(soft_dice + self._alignment.loss(rounds, batch))
        for n, name in enumerate(batch.names):
            after, is_open = ([values[n] for values in rows] for rows in (each, gates))
            yield (
                name,
                n_voxels[n],
                after,
                is_open,
                loss,
                self._measures(rounds.logits[0][n], batch.labels[n]),
                seconds,
            )

    def _measures(self, logits: Tensor, label: Tensor) -> list[float]:
        if self._cell_mm is None:
            return []
        found, wanted = ((logits > 0).view_as(label).cpu().numpy(), label.cpu().numpy())
        grid = Affine.from_spacing((self._cell_mm,) * 3)
        return [nsd(wanted, found, grid, NSD_MM), detect_lesions(wanted, found).recall]


def dice(logits: Tensor, labels: Tensor) -> Tensor:
    """Dice of each sample, B, of what is above 0 and the labels (B x ..., booleans); 1 if both are empty."""
    found, wanted = (logits > 0).flatten(1), labels.flatten(1)
    common, both = (found & wanted).sum(dim=1), found.sum(dim=1) + wanted.sum(dim=1)
    return torch.where(both > 0, 2 * common / both.clamp(min=1), 1.0)
