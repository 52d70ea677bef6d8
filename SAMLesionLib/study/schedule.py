"""The order of readings, drawn from the design and its seed: the same design gives the same schedule.

Each reader reads each case once in every arm, in as many periods as there are arms, and never twice in one
period. A Williams square (Williams, Aust J Sci Res A 2:149, 1949) lets each arm stand equally often in each
period and follow each other arm equally often, so that learning and memory do not favour one.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from SAMLesionLib.study.design import Arm, StudyDesign

_MOST_ARMS_PERMUTED = 3


@dataclass(frozen=True)
class PlannedReading:
    """One case in one arm by one reader.

    Attributes:
        reader: who.
        period: 1 for the first; a case's wash-out lies between two periods.
        number: place in the reader's list, from 1.
        case: id of the case.
        arm: id of the arm.
        is_repeat: whether the reader had read this case in this arm before.
    """

    reader: str
    period: int
    number: int
    case: str
    arm: str
    is_repeat: bool = False

    @property
    def key(self) -> tuple[str, str, str, bool]:
        """What it is, whenever it is done."""
        return self.reader, self.case, self.arm, self.is_repeat


def schedule(design: StudyDesign) -> dict[str, tuple[PlannedReading, ...]]:
    """What each reader reads, in order."""
    return {reader: _of_reader(design, reader) for reader in design.readers}


def williams_square(n: int) -> list[list[int]]:
    """Rows of arms in which each follows each other equally often; 2n rows when n is odd.

    Args:
        n: number of arms.
    """
    first = [n - step // 2 if step % 2 == 0 else (step + 1) // 2 for step in range(n)]  # n, 1, n-1, 2, ...
    rows = [[(arm + shift) % n for arm in first] for shift in range(n)]
    return rows if n % 2 == 0 else rows + [row[::-1] for row in rows]


def _of_reader(design: StudyDesign, reader: str) -> tuple[PlannedReading, ...]:
    arms_of = _arm_orders(design, reader)
    readings: list[PlannedReading] = []
    for period in range(len(design.arms)):
        drawn = _shuffled([case.id for case in design.cases], design, reader, period)
        if design.order.scheme == "latin-square":  # arms in runs: a change of tool costs time of its own
            runs = [arm.id for arm in _turned(design.arms, design.readers.index(reader) + period)]
            drawn.sort(key=lambda case: runs.index(arms_of[case][period]))
        for case in drawn:
            arm = arms_of[case][period]
            readings.append(PlannedReading(reader, period + 1, len(readings) + 1, case, arm))
    return (*readings, *_repeats(design, reader, len(readings)))


def _arm_orders(design: StudyDesign, reader: str) -> dict[str, list[str]]:
    """For each case the arm of each period."""
    n, ids = len(design.arms), [arm.id for arm in design.arms]
    if design.order.scheme == "sequence":
        rows = [list(range(n))] * len(design.cases)
    elif design.order.scheme == "random-blocks":
        orders = [list(p) for p in permutations(range(n))] if n <= _MOST_ARMS_PERMUTED else williams_square(n)
        rows = _blocks(orders, len(design.cases), _generator(design, "blocks", reader))
    else:
        # Groups of cases are the same for all readers; each reader begins with another row.
        square, at = williams_square(n), design.readers.index(reader)
        places = np.argsort(_generator(design, "groups").permutation(len(design.cases)))
        rows = [square[(int(place) + at) % len(square)] for place in places]
    return {case.id: [ids[arm] for arm in row] for case, row in zip(design.cases, rows, strict=True)}


def _blocks(orders: Sequence[list[int]], n_cases: int, rng: np.random.Generator) -> list[list[int]]:
    rows: list[list[int]] = []
    while len(rows) < n_cases:
        rows += [orders[i] for i in rng.permutation(len(orders))]
    return rows[:n_cases]


def _repeats(design: StudyDesign, reader: str, n_before: int) -> list[PlannedReading]:
    """The same cases in the same arms for all readers; the arms take turns."""
    drawn = _generator(design, "repeats").permutation(len(design.cases))[: design.order.repeat_cases]
    chosen = [(design.cases[at].id, design.arms[n % len(design.arms)].id) for n, at in enumerate(drawn)]
    period = len(design.arms) + 1
    order = _generator(design, "repeats", reader).permutation(len(chosen))
    readings = []
    for n, at in enumerate(order, start=n_before + 1):
        case, arm = chosen[at]
        readings.append(PlannedReading(reader, period, n, case, arm, is_repeat=True))
    return readings


def _shuffled(cases: list[str], design: StudyDesign, reader: str, period: int) -> list[str]:
    return [cases[at] for at in _generator(design, "order", reader, str(period)).permutation(len(cases))]


def _turned(arms: Sequence[Arm], by: int) -> list[Arm]:
    at = by % len(arms)
    return [*arms[at:], *arms[:at]]


def _generator(design: StudyDesign, *purpose: str) -> np.random.Generator:
    return np.random.default_rng([design.seed, *(zlib.crc32(word.encode()) for word in purpose)])
