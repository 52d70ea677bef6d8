"""What a reader of the report must know before the numbers: said plainly, the gravest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

from SAMLesionLib.reports.statistics import LEAST_DIFFERENCES
from SAMLesionLib.study.gathering import StudyData
from SAMLesionLib.study.log_reading import Log
from SAMLesionLib.study.timing import is_stopwatch

SIMULATED = "simulated"
DAY_S = 86400.0


def is_simulated(data: StudyData) -> bool:
    """Whether any of the readings comes from a simulated reader."""
    logs = data.logs.values()
    return any(s.facts.get("recorder") == SIMULATED for log in logs for s in log.sessions)


def findings(data: StudyData) -> list[str]:
    """Everything that is missing or odd, as sentences."""
    return [
        *_simulated(data),
        *_unfinished(data),
        *_too_few(data),
        *_unlike_the_arm(data),
        *_rests(data),
        *data.findings,
        *_versions(data),
        *_sessions(data),
        *_order(data),
    ]


def _simulated(data: StudyData) -> Iterator[str]:
    if is_simulated(data):
        yield "These readers are simulated: the numbers show that the study works, and say nothing of people."


def _unfinished(data: StudyData) -> Iterator[str]:
    for reader in data.study.design.readers:
        states = Counter(row.state for row in data.rows if row.reader == reader)
        n = sum(states.values())
        if states["skipped"]:
            yield f"{reader} skipped {states['skipped']} of {n} readings; they are part of no comparison."
        if states["open"] + states["begun"]:
            yield f"{reader} has finished {states['finished']} of {n} readings; the rest is still to come."


def _too_few(data: StudyData) -> Iterator[str]:
    design = data.study.design
    for arm in design.others:
        for reader in design.readers:
            n = len(_cases(data, reader, design.baseline.id) & _cases(data, reader, arm.id))
            if n < LEAST_DIFFERENCES:
                yield (
                    f"{reader} has {n} {'case' if n == 1 else 'cases'} in both {design.baseline.id} and "
                    f"{arm.id}: too few for a test, which needs {LEAST_DIFFERENCES}."
                )
    if len(design.readers) < 2:
        yield "There is one reader, so agreement between readers is not measured."


def _unlike_the_arm(data: StudyData) -> Iterator[str]:
    """Readings that were not done as their arm says."""
    methods = {arm.id: arm.method for arm in data.study.design.arms}
    for row in data.rows:
        if methods[row.arm] == "manual" and row.n_prompts:
            yield (
                f"{row.reader} drew {row.n_prompts} prompts on {row.case} in {row.arm}, which is by hand: "
                "take this reading with care."
            )
    for arm in data.study.design.arms:
        weights = _weights(data, {row.reading for row in data.rows if row.arm == arm.id})
        if len(weights) > 1:
            told = ", ".join(sorted(w[:12] for w in weights))
            yield f"Several weights answered in {arm.id} ({told}): the readers used different models."


def _rests(data: StudyData) -> Iterator[str]:
    """Cases that did not rest as long as the design asks, as when a folder or a clock was tampered with."""
    washout_days = data.study.design.order.washout_days
    for reader, log in data.logs.items():
        rests = _rest_days(log, {row.reading: row.case for row in data.rows})
        short = [days for days in rests if days < washout_days]
        if short:
            yield (
                f"{reader} met a case again after {min(short):.1f} days; the design asks for "
                f"{washout_days:g} ({len(short)} times)."
            )


def _rest_days(log: Log, cases: Mapping[str, str]) -> list[float]:
    """From the last moment of each reading to the first of the next one of its case."""
    spans: dict[str, dict[str, tuple[float, float]]] = {}
    for line in log.lines():
        if line.reading in cases:
            own = spans.setdefault(cases[line.reading], {})
            first, _ = own.get(line.reading, (line.wall_s, 0.0))
            own[line.reading] = (first, line.wall_s)
    ordered = [sorted(own.values()) for own in spans.values()]
    return [(b[0] - a[1]) / DAY_S for own in ordered for a, b in pairwise(own)]


def _weights(data: StudyData, readings: set[str]) -> set[str]:
    lines = (line for log in data.logs.values() for line in log.lines() if line.reading in readings)
    return {str(line.facts["weights_sha256"]) for line in lines if "weights_sha256" in line.facts}


def _cases(data: StudyData, reader: str, arm: str) -> set[str]:
    return {row.case for row in data.rows if row.counts and row.reader == reader and row.arm == arm}


def _versions(data: StudyData) -> Iterator[str]:
    versions = Counter(s.facts.get("version") for log in data.logs.values() for s in log.sessions)
    if len(versions) > 1:
        told = ", ".join(f"{n} under version {version}" for version, n in sorted(versions.items(), key=str))
        yield f"The design was changed while the study ran; sessions: {told}."
    planned = {row.reading for row in data.rows}
    gone = {line.reading for log in data.logs.values() for line in log.lines() if line.reading} - planned
    if gone:
        yield f"{len(gone)} readings belong to an earlier version of the design and are left out."


def _sessions(data: StudyData) -> Iterator[str]:
    for reader, log in data.logs.items():
        if log.n_torn:
            yield f"{reader}: {log.n_torn} torn {'line' if log.n_torn == 1 else 'lines'} in the log left out."
        torn = [session for session in log.sessions[:-1] if not session.has_ended]
        if torn:
            crashed = "1 crashed session; its" if len(torn) == 1 else f"{len(torn)} crashed sessions; their"
            yield f"{reader}: {crashed} time ends at the last sign of life."
        jumps = [jump for session in log.sessions for jump in session.jumps_s]
        if jumps:
            often = "once" if len(jumps) == 1 else f"{len(jumps)} times"
            yield (
                f"{reader}: the clock was set or the machine slept {often} (largest step "
                f"{max(jumps, key=abs):+.0f} s); times come from the clock that nobody sets."
            )
        if any(is_stopwatch(session) for session in log.sessions):
            yield f"{reader} worked with a stopwatch: all time between start and end counts as active."


def _order(data: StudyData) -> Iterator[str]:
    if data.study.design.order.scheme == "sequence":
        yield (
            "All readers had the arms in the same order: learning and memory of the cases count for the "
            "later arm."
        )
