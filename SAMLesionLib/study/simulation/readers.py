"""Simulated readers at work: the lines that the recorder would have written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from SAMLesionLib.study.design import StudyDesign
from SAMLesionLib.study.log_reading import Line, Log, Session
from SAMLesionLib.study.schedule import PlannedReading
from SAMLesionLib.study.simulation.effort import CaseEffort, EffortModel, Step, seconds_of, steps_of
from SAMLesionLib.version import __version__

STROKE_S = 8.0
"""A longer stroke is drawn as several."""
BREAK_CHANCE = 0.15
BREAK_S = (60.0, 600.0)
DAY_S = 86400.0
BEGIN_S = 1_767_000_000.0
"""Wall time of the first reading: simulated studies lie in the past, at a fixed date."""


@dataclass(frozen=True)
class Truth:
    """What a simulated study is made from.

    Attributes:
        effort: the constants.
        savings: share of time that an arm saves against the baseline, by arm; an arm without an entry takes
            what the effort model says.
        seed: of chance.
    """

    effort: EffortModel
    savings: Mapping[str, float]
    seed: int = 0


def simulate_log(
    design: StudyDesign,
    plan: Mapping[str, PlannedReading],
    cases: Mapping[str, CaseEffort],
    truth: Truth,
    reader: str,
    changed: Mapping[str, tuple[int, int]] | None = None,
) -> Log:
    """One reader's log of the whole study, one session a period.

    Args:
        design: of the study.
        plan: all planned readings by name.
        cases: what there is to draw in each.
        truth: how fast work is.
        reader: id of the reader.
        changed: for readings by name the voxels added and removed after the model's answer.
    """
    rng = np.random.default_rng([truth.seed, design.readers.index(reader)])
    pace = math.exp(rng.normal(0.0, truth.effort.reader_sd))
    hardness = {case.id: math.exp(rng.normal(0.0, truth.effort.case_sd)) for case in design.cases}
    n_done: dict[str, int] = {}
    sessions = []
    own = sorted(((n, p) for n, p in plan.items() if p.reader == reader), key=lambda item: item[1].number)
    for period in sorted({planned.period for _, planned in own}):
        pen = _Pen(BEGIN_S + (period - 1) * (design.order.washout_days + 1) * DAY_S)
        for name, planned in (item for item in own if item[1].period == period):
            n_done[planned.arm] = n_done.get(planned.arm, 0) + 1
            noise = math.exp(rng.normal(-(truth.effort.rest_sd**2) / 2, truth.effort.rest_sd))
            factor = pace * hardness[planned.case] * noise * n_done[planned.arm] ** -truth.effort.practice
            steps = _paced(design, planned, cases[planned.case], truth, factor)
            pen.read(name, steps, cases[planned.case].n_lesions, rng, (changed or {}).get(name))
        pen.write("end", "")
        sessions.append(Session(_header(design, reader), tuple(pen.lines), True))
    return Log(tuple(sessions))


def _paced(
    design: StudyDesign, planned: PlannedReading, case: CaseEffort, truth: Truth, factor: float
) -> list[Step]:
    """Steps whose sum is what the truth says, for this reader on this day."""
    steps = steps_of(design.arm(planned.arm), case, truth.effort)
    if planned.arm in truth.savings:
        base_s = seconds_of(steps_of(design.baseline, case, truth.effort))
        factor *= (1 - truth.savings[planned.arm]) * base_s / seconds_of(steps)
    return [Step(step.kind, step.seconds * factor, step.waits_s * factor) for step in steps]


class _Pen:
    """Writes lines along two clocks."""

    def __init__(self, wall_s: float) -> None:
        self.lines: list[Line] = []
        self._now_s, self._wall_s = 0.0, wall_s

    def write(self, kind: str, reading: str, after_s: float = 0.0, **facts: object) -> None:
        """A line so many seconds after the last."""
        self._now_s += after_s
        self.lines.append(Line(kind, self._now_s, self._wall_s + self._now_s, reading, facts))

    def read(
        self,
        name: str,
        steps: Sequence[Step],
        n_lesions: int,
        rng: np.random.Generator,
        changed: tuple[int, int] | None,
    ) -> None:
        """A whole reading, with a break now and then."""
        self.write("start", name, 20.0)
        break_at = int(rng.integers(len(steps))) if rng.random() < BREAK_CHANCE else -1
        for at, (step, lesion) in enumerate(_with_lesions(steps, n_lesions)):
            if at == break_at:
                self._rest(name, rng)
            self._do(name, step, lesion, _share(changed, n_lesions) if step.kind == "lesion_accepted" else {})
        self.write("finish", name, n_lesions=n_lesions)

    def _do(self, name: str, step: Step, lesion: str, facts: Mapping[str, int]) -> None:
        n_parts = max(1, math.ceil(step.seconds / STROKE_S)) if step.kind == "stroke" else 1
        for _ in range(n_parts):
            self.write(step.kind, name, step.seconds / n_parts, lesion=lesion, **facts)
        if step.waits_s:
            self.write("mask_shown", name, step.waits_s, lesion=lesion)

    def _rest(self, name: str, rng: np.random.Generator) -> None:
        """A pause, or a telephone call that leaves the program without the focus."""
        leave, back = ("pause", "resume") if rng.random() < 0.5 else ("focus_lost", "focus_gained")
        self.write(leave, name)
        self.write(back, name, float(rng.uniform(*BREAK_S)))


def _with_lesions(steps: Sequence[Step], n_lesions: int) -> Iterator[tuple[Step, str]]:
    """Prompts and acceptances go round the lesions, and slices are shared out among them in order."""
    n = max(n_lesions, 1)
    seen: dict[str, int] = {}
    totals = {kind: sum(step.kind == kind for step in steps) for kind in {step.kind for step in steps}}
    for step in steps:
        at = seen.get(step.kind, 0)
        seen[step.kind] = at + 1
        yield step, f"lesion_{at * n // totals[step.kind] + 1}"


def _share(changed: tuple[int, int] | None, n_lesions: int) -> dict[str, int]:
    if changed is None:
        return {}
    added, removed = (round(n / max(n_lesions, 1)) for n in changed)
    return {"n_added_after_ai": added, "n_removed_after_ai": removed}


def _header(design: StudyDesign, reader: str) -> dict[str, object]:
    return {
        "format": 1,
        "study": design.name,
        "reader": reader,
        "version": design.version,
        "recorder": "simulated",
        "samlesion": __version__,
    }
