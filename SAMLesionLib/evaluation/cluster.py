"""Workers on the machines of a Ray cluster; one actor each."""

from __future__ import annotations

import logging
import os
from typing import Any

# Before ray is loaded: nothing about an evaluation leaves the machines it runs on.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray.exceptions import RayActorError, RayTaskError

from SAMLesionLib.errors import Cancelled, EngineError, EngineUnavailable, SAMLesionError
from SAMLesionLib.evaluation.benchmark import CaseOutcome
from SAMLesionLib.evaluation.worker import Job, Worker, WorkerDied, WorkOrder

logger = logging.getLogger(__name__)

LOCAL = "local"
"""The address that starts a cluster on this computer, for as long as the evaluation lasts."""
LOCAL_STARTS = 3
"""Ray gives a cluster 30 seconds to start, which a busy computer may miss."""


def connect(address: str, n_workers: int | None) -> None:
    """Join a cluster.

    Args:
        address: as `ray start` tells it, or `LOCAL`.
        n_workers: of a local cluster, None for as many as there are cores.

    Raises:
        EngineUnavailable: when no cluster answers there.
    """
    for attempt in range(LOCAL_STARTS if address == LOCAL else 1):
        try:
            return _begin(address, n_workers)
        except Exception as refused:  # ray raises whatever it meets, a plain Exception for a slow start
            logger.info("attempt %d to reach %s: %s", attempt + 1, address, refused)
            ray.shutdown()
            said = (str(refused).splitlines() or [type(refused).__name__])[0]
    raise EngineUnavailable(
        f"No Ray cluster answers at {address} ({said}). Start one with `ray start --head`, or give "
        "`--ray local`."
    )


def _begin(address: str, n_workers: int | None) -> None:
    if address == LOCAL:
        ray.init(
            num_cpus=n_workers, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
        )
    else:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)


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
        try:
            self._actor = self._actor or self._start()
            outcome: CaseOutcome = ray.get(self._actor.run.remote(job))
            return outcome
        except RayTaskError as failure:
            raise _own(failure) from None
        except RayActorError:
            self._actor = None
            raise self._death(job) from None

    def stop(self) -> None:
        """End the worker; see `Slot.stop`."""
        self._is_stopped = True
        if self._actor is not None:
            ray.kill(self._actor)

    def _start(self) -> Any:
        actor: Any = self._actors.remote(self._order)
        try:
            ray.get(actor.__ray_ready__.remote())
        except RayActorError as death:
            cause = death.__cause__
            if isinstance(cause, RayTaskError):
                raise _own(cause) from None
            raise EngineError(
                f"A worker cannot start on the cluster ({str(death).splitlines()[-1].strip()}). Each machine "
                "needs the same samlesion, Python and data set."
            ) from None
        return actor

    def _death(self, job: Job) -> Exception:
        if self._is_stopped:
            return Cancelled("The evaluation was stopped.")
        return WorkerDied(f"The process that ran {job.model} on {job.case} ended on the cluster.")


def _own(failure: RayTaskError) -> Exception:
    """The error as the worker raised it."""
    cause = failure.cause
    return (
        cause
        if isinstance(cause, SAMLesionError)
        else EngineError(f"A worker failed on the cluster: {cause}")
    )
