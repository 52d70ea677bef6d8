"""Where an evaluation's models come from, and the workers they run in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from SAMLesionLib.commands.engine_options import model_card
from SAMLesionLib.errors import UnknownModel

if TYPE_CHECKING:
    from SAMLesionLib.engine import Engine
    from SAMLesionLib.evaluation.settings import EvaluationSettings
    from SAMLesionLib.evaluation.workers import ProcessSlot, Slot
    from SAMLesionLib.protocol import Segmenter

CORES_A_WORKER = 4
"""By default; fewer would make a prompt slower than a reader finds it."""


@dataclass(frozen=True)
class EngineAndOpponents:
    """Models of ours run in one engine a process; opponents get the engine's planner and network.

    Attributes:
        device: where models run, as `Engine` takes it.
        precision: their arithmetic, as `Engine` takes it.
    """

    device: str
    precision: str

    def segmenter(self, model: str, threads: int) -> Segmenter:
        """The segmenter that has this model, in this process."""
        from SAMLesionLib.engine.plans import plan_slices
        from SAMLesionLib.evaluation.opponents import opponents

        factory = opponents().get(model)
        if factory is None:
            return _engine(self.device, self.precision, threads)
        return factory(plan_slices, lambda: _engine(self.device, self.precision, threads))

    def peak_device_bytes(self) -> int | None:
        """The most memory of the GPU since the last call; None when no GPU was used."""
        import torch

        if not torch.cuda.is_initialized():
            return None
        peak = torch.cuda.max_memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return peak


@lru_cache(maxsize=1)
def _engine(device: str, precision: str, threads: int) -> Engine:
    from SAMLesionLib.engine import Engine

    return Engine(device, precision, threads)


def check_models(names: Sequence[str]) -> None:
    """Refuse a name that is neither a model whose weights are here nor an opponent.

    Raises:
        UnknownModel: naming the models and the opponents.
        WeightsError: when a model's weights are missing.
    """
    from SAMLesionLib.evaluation.opponents import opponents

    others = opponents()
    for name in names:
        if name not in others:
            try:
                model_card(name)
            except UnknownModel as unknown:
                raise UnknownModel(f"{unknown} The opponents are {', '.join(others)}.") from None


def process_slots(settings: EvaluationSettings, n_workers: int | None, n_cases: int) -> list[ProcessSlot]:
    """Workers in processes here that share the cores, or have a GPU each.

    Args:
        settings: of the evaluation.
        n_workers: how many; None for one a GPU, else one for every four cores.
        n_cases: no more workers than cases.
    """
    from SAMLesionLib.evaluation.worker import WorkOrder
    from SAMLesionLib.evaluation.workers import ProcessSlot

    gpus, n_cores = visible_gpus(settings.device), os.cpu_count() or 1
    n = max(1, min(n_workers or len(gpus) or n_cores // CORES_A_WORKER, n_cases))
    models = EngineAndOpponents(settings.device, settings.precision)
    order = WorkOrder(settings, models, max(1, n_cores // n))
    given = [{"CUDA_VISIBLE_DEVICES": gpus[at % len(gpus)]} if len(gpus) > 1 else {} for at in range(n)]
    return [ProcessSlot(order, environment) for environment in given]


def ray_slots(settings: EvaluationSettings, n_workers: int | None, n_cases: int) -> Sequence[Slot]:
    """Workers on the cluster that `cluster.connect` joined; they share its cores and GPUs."""
    from SAMLesionLib.evaluation.cluster import RaySlot, resources
    from SAMLesionLib.evaluation.worker import WorkOrder

    n_cores, n_gpus = resources()
    n_gpus = 0 if settings.device == "cpu" else n_gpus
    n = max(1, min(n_workers or n_gpus or n_cores // CORES_A_WORKER, n_cases))
    threads = max(1, n_cores // n)
    models = EngineAndOpponents(settings.device, settings.precision)
    share = min(1.0, n_gpus / n)
    return [RaySlot(WorkOrder(settings, models, threads), threads, share) for _ in range(n)]


def visible_gpus(device: str) -> list[str]:
    """The CUDA devices that this device word means, by the names that CUDA_VISIBLE_DEVICES takes."""
    if device not in ("auto", "cuda"):
        return []
    import torch

    n_gpus = torch.cuda.device_count()
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return named[:n_gpus] if named else [str(n) for n in range(n_gpus)]
