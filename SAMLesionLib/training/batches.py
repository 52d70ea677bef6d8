"""Batches of samples, made by processes beside the training and handed over in order."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from SAMLesionLib.errors import SAMLesionError, TrainingFailed
from SAMLesionLib.training.samples import Sample, SampleSource


class Batch(NamedTuple):
    """Samples that go through the network at once.

    Attributes:
        images: B x 1 x D x H x W.
        labels: B x D x H x W, booleans.
        names: of the samples.
        first: number of the first sample.
        organs: B x D x H x W, booleans; None where a sample has no organ.
        words: the organ's name of each sample, empty where it is not said.
    """

    images: Tensor
    labels: Tensor
    names: tuple[str, ...]
    first: int
    organs: Tensor | None = None
    words: tuple[str, ...] = ()

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        images, labels = (x.to(device, non_blocking=True) for x in (self.images, self.labels))
        organs = None if self.organs is None else self.organs.to(device, non_blocking=True)
        return self._replace(images=images, labels=labels, organs=organs)

    def generator(self, seed: int) -> torch.Generator:
        """Random numbers for the prompts of this batch: the same each time, whatever was drawn before."""
        return torch.Generator().manual_seed((seed * 1_000_003 + self.first) % 2**63)


def batch_of(samples: Sequence[Sample], first: int) -> Batch:
    """Samples put together; `first` is the number of the first one."""
    images = torch.from_numpy(np.stack([s.image for s in samples])[:, None])
    labels = torch.from_numpy(np.stack([s.label for s in samples]))
    drawn = [s.organ for s in samples if s.organ is not None]
    organs = torch.from_numpy(np.stack(drawn)) if len(drawn) == len(samples) else None
    names, words = (tuple(told) for told in zip(*((s.name, s.word) for s in samples), strict=True))
    return Batch(images, labels, names, first, organs, words)


@dataclass(frozen=True)
class Order:
    """Which samples make which batch.

    Sample numbers rise from batch to batch, so that a batch depends on its number alone: neither on the
    number of processes nor on when a run was interrupted.

    Attributes:
        samples: of a batch.
        first_batch: number of the first batch.
        stride: from one batch to the next; the number of training processes.
        n_batches: how many; None for no end.
    """

    samples: int
    first_batch: int = 0
    stride: int = 1
    n_batches: int | None = None

    def __iter__(self) -> Iterator[list[int]]:
        """The sample numbers of each batch."""
        numbers = count(self.first_batch, self.stride)
        for number in numbers if self.n_batches is None else (next(numbers) for _ in range(self.n_batches)):
            yield list(range(number * self.samples, (number + 1) * self.samples))


def batches(
    source: SampleSource, order: Order, seed: int, workers: int, pin: bool = False
) -> Generator[Batch, None, None]:
    """Batches in order; close it to end the processes that make them.

    Args:
        source: of the samples.
        order: which.
        seed: for the source.
        workers: processes that make them; 0 to make them here.
        pin: whether they lie in memory from which a GPU copies fast.

    Raises:
        SAMLesionError: as the source raised it in a worker.
    """
    loader: DataLoader[Any] = DataLoader(
        _Batches(source, seed),
        batch_size=None,
        sampler=_Numbers(order),
        num_workers=workers,
        pin_memory=pin,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_let_the_trainer_decide,
    )
    for batch in loader:
        if isinstance(batch, SAMLesionError):
            raise batch
        yield batch


@contextmanager
def told_of_deaths(workers: int) -> Iterator[None]:
    """Say in one sentence that a process that makes samples was killed.

    DataLoader hears of it by a signal, so its error may rise anywhere in the training process.

    Raises:
        TrainingFailed: when one was.
    """
    try:
        yield
    except RuntimeError as broken:
        if "DataLoader worker" not in str(broken):
            raise
        raise TrainingFailed(
            f"One of the {workers} processes that make samples was killed ({_first_line(broken)}), most "
            "often because the memory was used up. Go on with --resume, with fewer workers under [batch]."
        ) from None


class _Batches(Dataset[Any]):
    """Batches by their samples' numbers."""

    def __init__(self, source: SampleSource, seed: int) -> None:
        self._source = source
        self._seed = seed

    def __getitem__(self, numbers: list[int]) -> Batch | SAMLesionError:
        try:
            samples = [self._source.sample(number, self._seed) for number in numbers]
        except SAMLesionError as refused:
            return refused  # raised here it would reach people as the worker's traceback
        return batch_of(samples, numbers[0])


class _Numbers(Sampler[list[int]]):
    """The order as DataLoader wants it."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._order)


def _let_the_trainer_decide(worker: int) -> None:
    """Ctrl-C goes to all processes: this one still makes samples for the step that is being finished."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _first_line(broken: RuntimeError) -> str:
    return str(broken).splitlines()[0].rstrip(". ")[:120]
