"""One engine as a child process: started, heard, and ended with its host."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from SAMLesionLib.errors import EngineUnavailable

TOKEN_VARIABLE = "SAMLESION_TOKEN"
LOG_LINES = 8


@dataclass(frozen=True)
class LaunchSettings:
    """How a host starts its engine.

    Attributes:
        command: the program and its arguments; it must serve, say so in a line of JSON on its standard
            output, and end when its standard input ends.
        environment: variables on top of the host's own; None as value removes one.
        log_path: where what the engine prints is kept; None makes a file in the temporary folder.
        startup_s: how long it may take until it answers; loading torch from a cold disk is slow.
        stop_s: how long it may take to end by itself.
        answer_s: how long it may give no sign while it makes a mask.
        health_every_s: pause between two looks at its health.
        health_misses: so many looks in vain, and it is ended and started again.
        repeats: how often a request is repeated on a new engine before it is given up.
    """

    command: tuple[str, ...] = (
        sys.executable,
        "-m",
        "SAMLesionLib.cli",
        "serve",
        "--port",
        "0",
        "--watch-stdin",
    )
    environment: Mapping[str, str | None] | None = None
    log_path: Path | None = None
    startup_s: float = 180.0
    stop_s: float = 8.0
    answer_s: float = 300.0
    health_every_s: float = 5.0
    health_misses: int = 6
    repeats: int = 2


class EngineProcess:
    """A running engine.

    Attributes:
        address: where it answers.
        token: its secret, made for this process and given to it in its environment.
        pid: its process as the system counts it.

    Raises:
        EngineUnavailable: when it does not start; the sentence ends with the last lines of its log.
    """

    def __init__(self, settings: LaunchSettings, log_path: Path) -> None:
        self._settings, self._log_path = settings, log_path
        self.token = secrets.token_urlsafe(32)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process = self._start()
        listener = threading.Thread(target=self._listen, name="samlesion-engine-output", daemon=True)
        try:
            listener.start()
            self.address = self._wait_ready()
        except BaseException:
            self.kill()
            if not listener.is_alive():  # it closes what it reads, but may never have begun
                self._close_stdout()
            raise

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def has_ended_within(self, seconds: float) -> bool:
        """Whether the process has ended, waiting a little: its socket closes before it is gone."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return not self.is_running

    def stop(self) -> None:
        """Ask it to end by closing its standard input, and end it when it does not."""
        self._close_stdin()
        if not self.has_ended_within(self._settings.stop_s):
            self.kill()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.wait()
        self._close_stdin()

    def last_words(self) -> str:
        """The last lines of its log, for the end of a sentence."""
        with contextlib.suppress(OSError), self._log_path.open("rb") as log:
            log.seek(max(0, self._log_path.stat().st_size - 4096))
            lines = log.read().decode("utf-8", "replace").split("\n")
            said = [line.strip() for line in lines if line.strip()][-LOG_LINES:]
            if said:
                return f" Its log {self._log_path} ends with: {' | '.join(said)}"
        return f" Its log {self._log_path} is empty."

    def _start(self) -> subprocess.Popen[bytes]:
        command = list(self._settings.command)
        # Its own group, so that a Ctrl-C in the host's terminal is the host's to handle.
        windows = sys.platform == "win32"
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0) if windows else 0
        try:
            with _open_log(self._log_path) as log:
                return subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=self._environment(),
                    creationflags=flags,
                    start_new_session=not windows,
                )
        except OSError as wrong:
            raise EngineUnavailable(
                f"The engine cannot be started with {command[0]!r} ({wrong.strerror}). "
                "Check the Python it names."
            ) from None

    def _environment(self) -> dict[str, str]:
        chosen = {**os.environ, **(self._settings.environment or {}), TOKEN_VARIABLE: self.token}
        if self._settings.command[0] == sys.executable:
            # The same Python finds the same library, also where it is not installed (a Slicer extension).
            paths = (str(Path(__file__).parents[2]), chosen.get("PYTHONPATH"))
            chosen["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        return {name: value for name, value in chosen.items() if value is not None}

    def _listen(self) -> None:
        """Keep reading, so that the engine never waits for us; what is not for us goes to the log."""
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError), self._process.stdout as lines:
            for line in lines:
                if (address := _ready_address(line)) is not None:
                    self._lines.put(address)
                else:
                    with _open_log(self._log_path) as log:
                        log.write(line)
        self._lines.put(None)

    def _wait_ready(self) -> str:
        try:
            address = self._lines.get(timeout=self._settings.startup_s)
        except queue.Empty:
            raise EngineUnavailable(
                f"The engine did not answer within {self._settings.startup_s:g} s of its start."
                + self.last_words()
            ) from None
        if address is None:
            self._process.kill()
            code = self._process.wait()
            raise EngineUnavailable(f"The engine ended while starting (exit code {code}).{self.last_words()}")
        return address

    def _close_stdin(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _close_stdout(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdout.close()


def new_log_path() -> Path:
    """A fresh file in the temporary folder that only its owner can read."""
    descriptor, path = tempfile.mkstemp(prefix="samlesion-engine-", suffix=".log")
    os.close(descriptor)
    return Path(path)


def _open_log(path: Path) -> IO[bytes]:
    return path.open("ab", buffering=0)


def _ready_address(line: bytes) -> str | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("event") != "ready":
        return None
    address = said.get("address")
    return address if isinstance(address, str) else None
