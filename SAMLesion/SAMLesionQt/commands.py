"""Programs that the panel runs beside Slicer: their output line by line, and their end."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from SAMLesionLib.errors import EngineError

SILENCE_S = 0.2
LAST_LINES = 12


class CommandFailed(EngineError):
    """A program ended with an exit code that is not 0; the message is the last lines it printed."""


class Commands(Protocol):
    """Runs programs; tests hand in a double."""

    def lines(
        self, arguments: Sequence[str], environment: Mapping[str, str | None] | None = None
    ) -> Iterator[str | None]:
        """What a program prints, line by line; None now and then while it is silent.

        Closing the iterator ends the program and all that it started.

        Args:
            arguments: the program and its arguments.
            environment: variables on top of our own; None as value removes one.

        Raises:
            CommandFailed: the program cannot be started, or ended with another exit code than 0.
        """


class ChildCommands:
    """Runs programs as child processes."""

    def lines(
        self, arguments: Sequence[str], environment: Mapping[str, str | None] | None = None
    ) -> Iterator[str | None]:
        """See `Commands.lines`."""
        process = _start(arguments, environment or {})
        printed: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(process, printed), name="SAMLesion output", daemon=True).start()
        last: deque[str] = deque(maxlen=LAST_LINES)
        try:
            for line in _waiting(printed):
                if line is not None:
                    last.append(line)
                yield line
            if process.wait() != 0:
                raise CommandFailed("\n".join(last) or f"exit code {process.returncode}")
        finally:
            _end(process)


def _start(arguments: Sequence[str], environment: Mapping[str, str | None]) -> subprocess.Popen[str]:
    chosen = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
    isWindows = sys.platform == "win32"
    try:
        return subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in chosen.items() if value is not None},
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            start_new_session=not isWindows,  # so that all it starts ends with it
        )
    except OSError as wrong:
        raise CommandFailed(f"{arguments[0]} cannot be started ({wrong.strerror}).") from None


def _read(process: subprocess.Popen[str], printed: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    with suppress(OSError, ValueError), process.stdout as output:
        for line in output:  # universal newlines: a progress bar's carriage returns end lines too
            printed.put(line.rstrip())
    printed.put(None)


def _waiting(printed: queue.SimpleQueue[str | None]) -> Iterator[str | None]:
    while True:
        try:
            line = printed.get(timeout=SILENCE_S)
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        yield line


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with suppress(OSError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
    process.wait()
