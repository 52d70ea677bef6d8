"""The processes of one training run, on one machine or several, as `torchrun` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

T = TypeVar("T")


@dataclass(frozen=True)
class Team:
    """This process among those that train together.

    Attributes:
        rank: its number; number 0 writes and speaks.
        size: how many there are.
        local_rank: its number on its machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks to people."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, the same in each."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the sum of all gradients, once a step, in one message.

        A parameter without gradient everywhere is left without one, as in a single process.
        """
        if self.size == 1:
            return
        listed = list(parameters)
        has = torch.tensor([float(p.grad is not None) for p in listed], device=listed[0].device)
        used = [p for p, n in zip(listed, self.sum(has).tolist(), strict=True) if n > 0]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in used]
        summed = self.sum(torch.cat([g.flatten() for g in gradients]))
        for parameter, part in zip(used, summed.split([p.numel() for p in used]), strict=True):
            parameter.grad = part.view_as(parameter)

    def gather(self, values: list[T]) -> list[T]:
        """The values of all processes, in their order."""
        if self.size == 1:
            return values
        heard: list[list[T]] = [[]] * self.size
        distributed.all_gather_object(heard, values)
        return [value for each in heard for value in each]

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            distributed.barrier()

    @contextmanager
    def one_first(self) -> Iterator[None]:
        """One process of each machine does it, then the others, who find what it has left."""
        if self.local_rank > 0:
            self.wait()
        yield
        if self.local_rank == 0:
            self.wait()


@contextmanager
def join_team() -> Iterator[Team]:
    """The team that `torchrun` has started this process for; a team of one without it."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        yield Team()
        return
    local_rank = int(os.environ.get("LOCAL_RANK", 0))
    has_gpus = torch.cuda.device_count() > local_rank
    if has_gpus:
        torch.cuda.set_device(local_rank)
    distributed.init_process_group("cpu:gloo,cuda:nccl" if has_gpus else "gloo")
    try:
        yield Team(distributed.get_rank(), size, local_rank)
    finally:
        distributed.destroy_process_group()
