"""Workers on the machines of a Ray cluster; one actor each."""

from __future__ import annotations

from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError

from SAMLesionLib.errors import Cancelled, EngineError, EngineUnavailable, SAMLesionError
from SAMLesionLib.evaluation.benchmark import CaseOutcome
from SAMLesionLib.evaluation.worker import Job, Worker, WorkerDied, WorkOrder

LOCAL = "local"
"""The address that starts a cluster on this computer, for as long as the evaluation lasts."""


def connect(address: str, n_workers: int | None) -> None:
    """Join a cluster.

    Args:
        address: as `ray start` tells it, or `LOCAL`.
        n_workers: of a local cluster, None for as many as there are cores.

    Raises:
        EngineUnavailable: when no cluster answers there.
    """
    try:
        if address == LOCAL:
            ray.init(num_cpus=n_workers, include_dashboard=False, log_to_driver=False)
        else:
            ray.init(address=address, log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError) as refused:
        raise EngineUnavailable(
            f"No Ray cluster answers at {address} ({str(refused).splitlines()[0]}). Start one with "
            "`ray start --head`, or give `--ray local`."
        ) from None


def disconnect() -> None:
    """Leave the cluster; one that was started here ends."""
    ray.shutdown()


def resources() -> tuple[int, int]:
    """CPU cores and GPUs of the whole cluster."""
    total = ray.cluster_resources()
    return int(total.get("CPU", 1)), int(total.get("GPU", 0))


class RaySlot:
    """A worker somewhere on the cluster; see `workers.Slot`.

    Args:
        order: what the worker must know.
        n_cpus: cores that the cluster keeps for it.
        n_gpus: GPUs, or the share of one.
    """

    def __init__(self, order: WorkOrder, n_cpus: int, n_gpus: float) -> None:
        self._order = order
        self._actors = ray.remote(Worker).options(num_cpus=n_cpus, num_gpus=n_gpus)
        self._actor: Any = None
        self._is_stopped = False

    def run(self, job: Job) -> CaseOutcome:
        """Do a job; see `Slot.run`."""
        if self._is_stopped:
            raise Cancelled("The evaluation was stopped.")
        self._actor = self._actor or self._actors.remote(self._order)
        try:
            outcome: CaseOutcome = ray.get(self._actor.run.remote(job))
            return outcome
        except RayTaskError as failure:
            raise _own(failure, job) from None
        except RayActorError as death:
            self._actor = None
            raise self._death(death, job) from None

    def stop(self) -> None:
        """End the worker; see `Slot.stop`."""
        self._is_stopped = True
        if self._actor is not None:
            ray.kill(self._actor)

    def _death(self, death: RayActorError, job: Job) -> Exception:
        if self._is_stopped:
            return Cancelled("The evaluation was stopped.")
        cause = death.__cause__
        if isinstance(cause, RayTaskError):  # it could not even begin
            return _own(cause, job)
        return WorkerDied(f"The process that ran {job.model} on {job.case} ended on the cluster.")


def _own(failure: RayTaskError, job: Job) -> Exception:
    """The error as the worker raised it."""
    cause = failure.cause
    return (
        cause if isinstance(cause, SAMLesionError) else EngineError(f"A worker failed on {job.case}: {cause}")
    )
