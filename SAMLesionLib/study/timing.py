"""Active, idle and compute time, derived from raw lines by a stated rule.

A reading's time runs from its start to its finish, pauses and the time between two sessions left out. It
falls into gaps between what the reader did one after the other. In a gap
- the time while a request is open is compute, when its answer comes before the reader does anything else; a
  reader who goes on meanwhile is not waiting, and that time counts like any other;
- the time without the focus on the program is idle;
- of the rest, which is looking and thinking, up to `idle_after_s` is active and what goes beyond is idle.
A gap belongs to the lesion of what ends it; what names none (scrolling, a tool) to the lesion named next.
After a crash the last sign of life ends the time. With a stopwatch (no events between) all time is active.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from SAMLesionLib.study.log_reading import Line, Log, Session

RULE = (
    "Time between two actions of the reader counts as active up to {limit:g} s and as idle beyond; waiting "
    "for a model's answer counts as compute unless the reader went on working; time without the program's "
    "focus is idle; pauses are left out."
)
ASKING = frozenset(("prompt_added", "prompt_removed", "mask_asked_again"))
ANSWERS = frozenset(("mask_shown", "work_failed"))
NO_ACTIONS = ANSWERS | {"heartbeat", "focus_lost", "focus_gained", "end"}
_RUNS, _RESTS = frozenset(("start", "resume")), frozenset(("pause", "finish", "skip", "end"))


@dataclass
class Times:
    """Where seconds went.

    Attributes:
        active_s: the reader worked or looked.
        idle_s: the reader was away.
        compute_s: the reader waited for a model.
    """

    active_s: float = 0.0
    idle_s: float = 0.0
    compute_s: float = 0.0

    def add(self, other: Times) -> None:
        """Sum up."""
        self.active_s += other.active_s
        self.idle_s += other.idle_s
        self.compute_s += other.compute_s

    @property
    def total_s(self) -> float:
        """Wall time without pauses."""
        return self.active_s + self.idle_s + self.compute_s


@dataclass
class ReadingTimes:
    """The times of one reading.

    Attributes:
        whole: all of it.
        lesions: by lesion id, in order of first mention; they sum up to the whole but for time before a
            reading's end that no lesion follows.
        lines: the reading's lines, of all sessions.
        n_sessions: in how many sittings it was done.
    """

    whole: Times = field(default_factory=Times)
    lesions: dict[str, Times] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    n_sessions: int = 0


def reading_times(log: Log, idle_after_s: float) -> dict[str, ReadingTimes]:
    """The times of each reading in a reader's log, by its name.

    Args:
        log: of one reader.
        idle_after_s: how long looking without moving is work.
    """
    found: dict[str, ReadingTimes] = {}
    for session in log.sessions:
        by_reading: dict[str, list[Line]] = {}
        for line in session.lines:
            if line.reading:
                by_reading.setdefault(line.reading, []).append(line)
        for name, lines in by_reading.items():
            told = found.setdefault(name, ReadingTimes())
            told.n_sessions += 1
            told.lines += lines
            limit = float("inf") if is_stopwatch(session) else idle_after_s
            for lesion, times in _timed(lines, session, limit):
                told.whole.add(times)
                if lesion:
                    told.lesions.setdefault(lesion, Times()).add(times)
    return found


def is_stopwatch(session: Session) -> bool:
    """Whether nothing is known but start, pause and end."""
    return session.facts.get("recorder") == "stopwatch"


def _timed(lines: Sequence[Line], session: Session, limit_s: float) -> Iterator[tuple[str, Times]]:
    """Each gap's lesion and times."""
    for run in _runs(lines, session):
        gaps = list(_gaps(run, limit_s))
        lesion = ""
        owners = []
        for end, _ in reversed(gaps):  # an action without a lesion belongs to the one named next
            lesion = str(end.facts.get("lesion", "")) or lesion
            owners.append(lesion)
        yield from zip(reversed(owners), (times for _, times in gaps), strict=True)


def _runs(lines: Iterable[Line], session: Session) -> Iterator[list[Line]]:
    """Stretches in which the clock ran."""
    run: list[Line] = []
    for line in lines:
        if run or line.kind in _RUNS:
            run.append(line)
        if line.kind in _RESTS and run:
            yield run
            run = []
    if run:  # closed while it ran, or torn off: the last line of the session is the last sign of life
        last = session.lines[-1]
        yield [*run, Line("end", last.monotonic_s, last.wall_s, run[0].reading, {})]


def _gaps(run: Sequence[Line], limit_s: float) -> Iterator[tuple[Line, Times]]:
    """The line that ends each gap between two actions, and what the gap is made of."""
    began_s, asked_s, away_s = run[0].monotonic_s, None, None
    compute_s = unfocused_s = 0.0
    for at, line in enumerate(run[1:], start=1):
        if line.kind == "focus_lost":
            away_s = line.monotonic_s if away_s is None else away_s
        elif line.kind == "focus_gained" and away_s is not None:
            unfocused_s += line.monotonic_s - away_s
            away_s = None
        if line.kind in ANSWERS and asked_s is not None:
            compute_s += line.monotonic_s - asked_s
            asked_s = None
        if line.kind in NO_ACTIONS and at < len(run) - 1:
            continue
        if away_s is not None:  # who acts has the focus, whatever the host told
            unfocused_s += line.monotonic_s - away_s
            away_s = None
        yield line, _divided(line.monotonic_s - began_s, compute_s, unfocused_s, limit_s)
        began_s, compute_s, unfocused_s = line.monotonic_s, 0.0, 0.0
        asked_s = line.monotonic_s if line.kind in ASKING and "cause" not in line.facts else None


def _divided(gap_s: float, compute_s: float, unfocused_s: float, limit_s: float) -> Times:
    gap_s = max(gap_s, 0.0)
    compute_s = min(compute_s, gap_s)
    unfocused_s = min(unfocused_s, gap_s - compute_s)
    looking_s = gap_s - compute_s - unfocused_s
    active_s = min(looking_s, limit_s)
    return Times(active_s, looking_s - active_s + unfocused_s, compute_s)
