"""A log read back: sessions of lines, what a crash tore left out, and clocks that jumped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from SAMLesionLib.errors import InputError
from SAMLesionLib.study.log import FORMAT

SESSION = "session"
CLOCK_JUMP_S = 2.0
"""When the two clocks drift apart by more between two lines, one was set or the machine slept."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        kind: what happened.
        monotonic_s: on the session's own clock.
        wall_s: seconds since 1970.
        reading: its reading, empty for none.
        facts: the rest.
    """

    kind: str
    monotonic_s: float
    wall_s: float
    reading: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Session:
    """What one run of the recorder wrote.

    Attributes:
        facts: of its first line: versions, machine, hash of the design.
        lines: all lines after it, in order.
        has_ended: whether it was closed and not torn off by a crash.
    """

    facts: Mapping[str, Any]
    lines: tuple[Line, ...]
    has_ended: bool

    @property
    def jumps_s(self) -> list[float]:
        """How far the wall clock ran ahead of the monotonic one, wherever they drifted apart."""
        drifts = [(b.wall_s - a.wall_s) - (b.monotonic_s - a.monotonic_s) for a, b in pairwise(self.lines)]
        return [drift for drift in drifts if abs(drift) > CLOCK_JUMP_S]


@dataclass(frozen=True)
class Log:
    """A whole log.

    Attributes:
        sessions: in order.
        n_torn: lines that cannot be read, cut off by a crash or a full disk.
    """

    sessions: tuple[Session, ...] = ()
    n_torn: int = 0

    def lines(self) -> Iterator[Line]:
        """All lines of all sessions."""
        for session in self.sessions:
            yield from session.lines


def read_log(path: Path) -> Log:
    """A log; an empty one when there is no file.

    Raises:
        InputError: when it cannot be read or was written by a later version.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Log()
    except OSError as refused:
        raise InputError(
            f"The log {path} cannot be read ({refused.strerror}). Check its permissions."
        ) from None
    return parse_log(text.split(b"\n"), str(path))


def parse_log(lines: Iterable[bytes], name: str = "log") -> Log:
    """The log that these lines make.

    Raises:
        InputError: when it was written by a later version.
    """
    sessions: list[tuple[Mapping[str, Any], list[Line]]] = []
    n_torn = 0
    for text in lines:
        if not text.strip():
            continue
        line = _line(text)
        if line is None or (not sessions and line.kind != SESSION):
            n_torn += 1
        elif line.kind == SESSION:
            _check_format(line.facts, name)
            sessions.append((line.facts, []))
        else:
            sessions[-1][1].append(line)
    return Log(tuple(_session(facts, found) for facts, found in sessions), n_torn)


def _session(facts: Mapping[str, Any], lines: list[Line]) -> Session:
    return Session(facts, tuple(lines), bool(lines) and lines[-1].kind == "end")


def _line(text: bytes) -> Line | None:
    try:
        values = json.loads(text)
        kind, t, w = str(values.pop("e")), float(values.pop("t")), float(values.pop("w"))
        return Line(kind, t, w, str(values.pop("r", "")), values)
    except (ValueError, KeyError, TypeError, AttributeError):  # UnicodeDecodeError is a ValueError, too
        return None


def _check_format(facts: Mapping[str, Any], name: str) -> None:
    if facts.get("format") != FORMAT:
        raise InputError(f"{name} has format {facts.get('format')}, expected {FORMAT}. Update SAMLesion.")
