"""A whole evaluation: what is left to do is shared out, written down as it comes, and brought into order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from SAMLesionLib.datasets.dataset import Dataset
from SAMLesionLib.errors import ImageError
from SAMLesionLib.evaluation.journal import Journal
from SAMLesionLib.evaluation.rows import Row
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.evaluation.worker import jobs_of
from SAMLesionLib.evaluation.workers import Slot, run_jobs

Progress = Callable[[int, int], None]


def run_evaluation(
    settings: EvaluationSettings, dataset: Dataset, folder: Path, slots: Sequence[Slot], on_progress: Progress
) -> list[Row]:
    """Evaluate, or go on where an earlier run with these settings was interrupted.

    Args:
        settings: of the evaluation.
        dataset: the data set that the settings name.
        folder: where the tables go.
        slots: the workers.
        on_progress: told how many cases times models are done, and how many there are.

    Returns:
        All rows, in the order of `cases.csv`.

    Raises:
        InputError: when the folder holds a run with other settings, or no case could be used.
        OutputError: when the folder cannot be written to.
    """
    cases = dataset.case_names[: settings.limit]
    journal = Journal(folder, settings)
    n_jobs = len(cases) * len(settings.models)
    left = jobs_of(cases, settings.models, journal.done)
    n_done = n_jobs - sum(len(jobs) for jobs in left)
    on_progress(n_done, n_jobs)
    with closing(run_jobs(slots, left, settings)) as outcomes:
        for outcome in outcomes:
            journal.add(outcome)
            n_done += 1
            on_progress(n_done, n_jobs)
    rows = journal.finish(cases)
    _check_something_was_asked(rows, dataset)
    return rows


def _check_something_was_asked(rows: Sequence[Row], dataset: Dataset) -> None:
    unread = [row for row in rows if row.failure == "case"]
    if len(unread) == len(rows):
        raise ImageError(f"No case of {dataset.name} can be used. {unread[0].note}")
    if all(row.lesion_ml == 0 for row in rows):
        raise ImageError(
            f"No case of {dataset.name} has a lesion that counts. Choose another --label or a smaller "
            "--least-ml."
        )
