"""What a run tells while it goes on: lines for people on standard error, tables for programs."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any

from SAMLesionLib.io import append_text, atomic_write

STEPS, JUDGED = "log.csv", "validation.csv"


class RunLog:
    """The tables `log.csv` and `validation.csv` of a run, and its lines on standard error."""

    def __init__(self, folder: Path, n_steps: int, speaks: bool = True, tensorboard: bool = False) -> None:
        """A log; `begin` opens it.

        Args:
            folder: of the run.
            n_steps: of the whole run.
            speaks: whether this process writes at all.
            tensorboard: whether TensorBoard gets the same numbers.
        """
        self._folder = folder
        self._n_steps = n_steps
        self._speaks = speaks
        self._start, self._first_step = 0.0, 0
        self._board = _board(folder) if tensorboard and speaks else None

    def begin(self, first_step: int) -> None:
        """Go on after so many steps; what the tables hold of later ones is taken away."""
        self._start, self._first_step = perf_counter(), first_step
        if self._speaks:
            for name in (STEPS, JUDGED):
                _cut(self._folder / name, first_step)

    def steps(self, step: int, values: Mapping[str, float]) -> None:
        """The means since the last line; `samples` among them is how many a step has.

        Raises:
            OutputError: when the table cannot be written.
        """
        speed = (step - self._first_step) / (perf_counter() - self._start)
        samples_per_s = speed * values["samples"]
        left = time_left((self._n_steps - step) / speed)
        shown = {"step": step, **values, "samples_per_s": samples_per_s}
        self._add(STEPS, shown)
        self.say(
            f"step {step}/{self._n_steps}  loss {values['loss']:.4f}  Dice {values['dice']:.3f}  "
            f"{samples_per_s:.1f} samples/s  {left} left"
        )

    def judged(self, step: int, values: Mapping[str, float]) -> None:
        """What a look at the validation samples found.

        Raises:
            OutputError: when the table cannot be written.
        """
        self._add(JUDGED, {"step": step, **values})
        told = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        self.say(f"step {step}  validation  {told}")

    def say(self, sentence: str) -> None:
        """A line for people."""
        if self._speaks:
            # One writing with its end of line: a worker's death may interrupt between two, as in `print`.
            sys.stderr.write(f"{sentence}\n")
            sys.stderr.flush()

    def _add(self, name: str, values: Mapping[str, float]) -> None:
        if not self._speaks:
            return
        if self._board:
            for key, value in values.items():
                self._board.add_scalar(f"{name.removesuffix('.csv')}/{key}", value, values["step"])
        path = self._folder / name
        lines = StringIO(newline="")
        table = csv.writer(lines)
        if not path.exists():
            table.writerow(values)
        table.writerow(f"{value:.6g}" if isinstance(value, float) else value for value in values.values())
        append_text(path, lines.getvalue())


def _board(folder: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter  # untyped in torch
    return writer(str(folder), flush_secs=30)


def time_left(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds, for people."""
    minutes, s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {s:02} s"


def _cut(path: Path, last_step: int) -> None:
    """Keep the whole lines of a table up to a step."""
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    # The last line is cut short where the disk was full or the computer stopped.
    steps = [line.partition(",")[0] if line.endswith("\n") else "" for line in lines]
    kept = [
        line for line, step in zip(lines, steps, strict=True) if step.isdecimal() and int(step) <= last_step
    ]
    if not kept:
        path.unlink()
        return
    with atomic_write(path) as file:
        file.write("".join(lines[:1] + kept).encode())
