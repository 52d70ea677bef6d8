"""Shares jobs out among workers; a worker that dies costs its case and no more."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import Protocol, TypeVar

from SAMLesionLib.errors import Cancelled, EngineError, SAMLesionError
from SAMLesionLib.evaluation.benchmark import CaseOutcome, unread_case
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.evaluation.worker import Job, Worker, WorkerDied, WorkOrder

T = TypeVar("T")


class Slot(Protocol):
    """A place where a worker works, here or on another machine."""

    def run(self, job: Job) -> CaseOutcome:
        """Do a job and wait for it; a worker is started when there is none.

        Raises:
            WorkerDied: when the worker ended before it answered.
            Cancelled: after `stop`.
        """

    def stop(self) -> None:
        """End the worker, also in the middle of a job; may be called from another thread."""


def run_jobs(
    slots: Sequence[Slot], cases: Sequence[Sequence[Job]], settings: EvaluationSettings
) -> Generator[CaseOutcome, None, None]:
    """Do all jobs, in whatever order they finish; closing the iterator ends the work.

    Args:
        slots: the workers.
        cases: for each case its jobs, which one worker does one after another.
        settings: of the evaluation.

    Raises:
        SAMLesionError: what a worker raised, which no other case would survive either.
    """
    waiting = deque(cases)
    outcomes: SimpleQueue[CaseOutcome | Exception] = SimpleQueue()

    def drive(slot: Slot) -> None:
        try:
            while (jobs := _next_of(waiting)) is not None:
                for job in jobs:
                    outcomes.put(_surely(slot, job, settings))
        except Cancelled:  # nobody waits any more
            return
        except Exception as failure:
            outcomes.put(failure)

    threads = [Thread(target=drive, args=(slot,), daemon=True) for slot in slots]
    try:
        for thread in threads:
            thread.start()
        for _ in range(sum(len(jobs) for jobs in cases)):
            outcome = outcomes.get()
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome
    finally:
        waiting.clear()
        for slot in slots:
            slot.stop()
        for thread in threads:
            thread.join()


def _next_of(waiting: deque[Sequence[Job]]) -> Sequence[Job] | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


def _surely(slot: Slot, job: Job, settings: EvaluationSettings) -> CaseOutcome:
    """The outcome, and that of a failure where the worker died over it."""
    try:
        return slot.run(job)
    except WorkerDied as death:
        died = str(death)
    try:
        return slot.run(replace(job, died=died))
    except WorkerDied:  # the case alone is too much
        return unread_case(job.case, job.model, settings, "killed", died)


class ProcessSlot:
    """A worker in a process of its own on this computer.

    Args:
        order: what the worker must know.
        environment: variables that are set before the worker loads anything.
    """

    def __init__(self, order: WorkOrder, environment: Mapping[str, str] | None = None) -> None:
        self._order, self._environment = order, dict(environment or {})
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._is_stopped = False

    def run(self, job: Job) -> CaseOutcome:
        """Do a job; see `Slot.run`."""
        connection = self._connection or self._start()
        try:
            connection.send(job)
            answer = connection.recv()
        except (EOFError, OSError):
            self._connection = None
            raise self._end(f"The process that ran {job.model} on {job.case} ended", WorkerDied) from None
        if isinstance(answer, Exception):
            raise answer
        outcome: CaseOutcome = answer
        return outcome

    def stop(self) -> None:
        """End the worker; see `Slot.stop`."""
        self._is_stopped = True
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _start(self) -> Connection:
        if self._is_stopped:
            raise Cancelled("The evaluation was stopped.")
        # Not forked: the threads of torch and OpenVINO would not survive it.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(
            target=serve_jobs, args=(theirs, self._order, self._environment), daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            refusal = ours.recv()
        except (EOFError, OSError):
            raise self._end("A worker process cannot start", EngineError) from None
        if refusal is not None:
            raise refusal
        self._connection = ours
        return ours

    def _end(self, what: str, kind: type[EngineError]) -> Exception:
        """How the process ended, as an error."""
        if self._is_stopped or self._process is None:
            return Cancelled("The evaluation was stopped.")
        self._process.join()
        code = self._process.exitcode or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        hint = "; the system may have run out of memory" if code == -9 else ""
        return kind(f"{what} ({how}{hint}).")


def serve_jobs(connection: Connection, order: WorkOrder, environment: Mapping[str, str]) -> None:
    """What a worker process does until nobody asks any more; it first says None, or why it cannot work."""
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    with suppress(EOFError, BrokenPipeError):  # the parent has gone
        _serve(connection, order)


def _serve(connection: Connection, order: WorkOrder) -> None:
    worker = _told(connection, partial(Worker, order), "A worker cannot begin")
    if worker is None:
        return
    connection.send(None)
    while True:
        job = connection.recv()
        outcome = _told(connection, partial(worker.run, job), f"A worker failed on {job.case}")
        if outcome is not None:
            connection.send(outcome)


def _told(connection: Connection, work: Callable[[], T], where: str) -> T | None:
    """What the work gives; None after its failure was sent."""
    try:
        return work()
    except SAMLesionError as failure:
        connection.send(failure)
    except Exception:
        connection.send(EngineError(f"{where}: {traceback.format_exc()}"))
    return None
