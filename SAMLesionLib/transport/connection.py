"""The one method through which a client reaches an engine, and its way over a socket."""

from __future__ import annotations

import http.client
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from SAMLesionLib.errors import EngineUnavailable, InputError


@dataclass(frozen=True)
class Body:
    """What a request carries.

    Attributes:
        n_bytes: its whole size.
        chunks: gives its pieces from the beginning, each time it is called.
    """

    n_bytes: int = 0
    chunks: Callable[[], Iterator[bytes | memoryview]] = lambda: iter(())

    @classmethod
    def of(cls, data: bytes) -> Body:
        """A body of one piece."""
        return cls(len(data), lambda: iter((data,)))


class Reply(Protocol):
    """An answer that has begun."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    def header(self, name: str) -> str | None:
        """One header, None when it is missing."""

    def read(self, n_bytes: int) -> bytes:
        """The next so many bytes, fewer only at the end."""

    def close(self) -> None:
        """Done with the answer; an unfinished one is cancelled."""


class Connection(Protocol):
    """The way to an engine: a network, an app in the same process, a test double."""

    def send(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> Reply:
        """Send one request and give the answer as soon as it begins.

        Raises:
            EngineUnavailable: when nobody answers.
        """

    def close(self) -> None:
        """Let go of what is kept between requests."""


class NetworkConnection:
    """HTTP/1.1 to one address; idle sockets are kept, so a second request starts at once."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self.host, self.port = parse_address(address)
        self.timeout_s = timeout_s
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)  # for those who forget `close`

    def send(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> Reply:
        """See `Connection`."""
        kept = self._take_idle()
        if kept is not None:
            try:
                return self._send_on(kept, method, path, headers, body)
            except EngineUnavailable as gone:
                # The engine closes sockets that idle; a request says everything, so asking again is safe.
                if isinstance(gone.__cause__, TimeoutError):
                    raise
        fresh = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout_s)
        return self._send_on(fresh, method, path, headers, body)

    def close(self) -> None:
        """Close the idle sockets."""
        with self._lock:
            _close_all(self._idle)

    def _send_on(
        self,
        socket: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Body,
    ) -> Reply:
        length = {"Content-Length": str(body.n_bytes)} if body.n_bytes else {}
        try:
            with self.naming_the_engine():
                # An engine that refuses a body closes before all is sent: its answer says why.
                with suppress(BrokenPipeError, ConnectionResetError):
                    socket.request(method, path, body=body.chunks(), headers={**headers, **length})
                return _NetworkReply(self, socket, socket.getresponse())
        except BaseException:
            socket.close()
            raise

    @contextmanager
    def naming_the_engine(self) -> Iterator[None]:
        """Turn failures of the socket into one sentence."""
        where = f"{self.host}:{self.port}"
        try:
            yield
        except TimeoutError as slow:
            raise EngineUnavailable(
                f"The engine at {where} gave no sign for {self.timeout_s:g} s. "
                "Restart it, or allow more time."
            ) from slow
        except ConnectionRefusedError as refused:
            raise EngineUnavailable(
                f"No engine answers at {where}. Start it with: samlesion serve"
            ) from refused
        except (OSError, http.client.HTTPException) as broken:
            raise EngineUnavailable(
                f"The engine at {where} ended while answering ({type(broken).__name__}). "
                "Restart it and ask again."
            ) from broken

    @property
    def n_idle(self) -> int:
        """How many sockets wait for the next request."""
        return len(self._idle)

    def keep(self, socket: http.client.HTTPConnection) -> None:
        """Take back a socket whose answer was read to its end."""
        with self._lock:
            self._idle.append(socket)

    def _take_idle(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None


class _NetworkReply:
    def __init__(
        self,
        owner: NetworkConnection,
        socket: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
    ) -> None:
        self.status = response.status
        self._owner, self._socket, self._response = owner, socket, response
        self._is_open = True

    def header(self, name: str) -> str | None:
        return self._response.getheader(name)

    def read(self, n_bytes: int) -> bytes:
        with self._owner.naming_the_engine():
            return self._response.read(n_bytes)

    def close(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        if self._response.isclosed() and not self._response.will_close:
            self._owner.keep(self._socket)
        else:
            self._response.close()
            self._socket.close()


def _close_all(sockets: list[http.client.HTTPConnection]) -> None:
    while sockets:
        sockets.pop().close()


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of "127.0.0.1:8123" or "http://127.0.0.1:8123".

    Raises:
        InputError: when it is neither.
    """
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme not in ("", "http"):
        raise InputError(f"An engine's address looks like 127.0.0.1:8123, got {address!r}.")
    return host, port
