"""A process that serves a segmenter: its socket, its secret, and its end."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from SAMLesionLib.errors import InputError, OutputError
from SAMLesionLib.protocol import Segmenter
from SAMLesionLib.transport.endpoints import LOOPBACK, create_app
from SAMLesionLib.transport.limits import Limits
from SAMLesionLib.transport.sockets import timed_protocol
from SAMLesionLib.version import PROTOCOL_VERSION, __version__

logger = logging.getLogger(__name__)

TOKEN_VARIABLE = "SAMLESION_TOKEN"
MIN_TOKEN_CHARACTERS = 16
LAST_RESORT_S = 1.0
"""When the host is gone, nobody waits for the slice in work."""


def run_server(
    segmenter: Segmenter,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    *,
    device: str = "",
    limits: Limits | None = None,
    ready_file: Path | None = None,
    watch_stdin: bool = False,
    allow_remote: bool = False,
    listener: socket.socket | None = None,
) -> None:
    """Serve until the process is told to end.

    When the server answers, one line of JSON on standard output says where: `{"event": "ready",
    "address": "127.0.0.1:49152", "pid": …, "protocol": 1, "version": …}`, with `token` when it was
    made up here.

    Args:
        segmenter: called from one thread only.
        host: a loopback address, unless `allow_remote`.
        port: 0 lets the system choose.
        token: the secret; None takes it from the environment (`SAMLESION_TOKEN`), or makes one up.
        device: where the models run, told by /health.
        limits: sizes, times and counts.
        ready_file: also write the ready line, token included, to this file, for its owner's eyes only.
        watch_stdin: end when standard input ends, that is when the host has ended, however it did.
        allow_remote: serve other computers too; tokens and images then cross the network in the clear.
        listener: a socket from `bind`, to refuse a taken port before loading models; replaces host and port.

    Raises:
        InputError: when the address or the token cannot be used.
        OutputError: when the ready file cannot be written.
    """
    token, is_made_up = _choose_token(token)
    limits = limits or Limits()
    listener = listener or bind(host, port, allow_remote=allow_remote)
    app = create_app(segmenter, token, device=device, limits=limits, hosts=None if allow_remote else LOOPBACK)
    server = _Server(_config(app, limits), lambda: _announce(listener, token, is_made_up, ready_file))
    if watch_stdin:
        watch_parent(server.end_now)
    try:
        # A Ctrl-C is how people end a server: nothing went wrong.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    finally:
        listener.close()
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)


def bind(host: str = "127.0.0.1", port: int = 0, *, allow_remote: bool = False) -> socket.socket:
    """A listening socket.

    Raises:
        InputError: when the host is not of this computer, or the port is taken.
    """
    if not allow_remote and not _is_loopback(host):
        raise InputError(
            f"The engine serves this computer only (127.0.0.1), got the host {host!r}. "
            "Use an SSH tunnel to reach it from elsewhere."
        )
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # asyncio turns Nagle's algorithm off only where the protocol is stated: 40 ms an answer.
        listener = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
    except (OSError, OverflowError) as wrong:
        raise InputError(f"The engine cannot use the address {host}:{port} ({wrong}).") from None
    try:
        # On Windows the same option would let two engines share a port.
        option = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
        listener.setsockopt(socket.SOL_SOCKET, option, 1)
        listener.bind(address)
        listener.listen(128)
    except (OSError, OverflowError) as taken:
        listener.close()
        raise InputError(
            f"Port {port} on {host} cannot be used ({getattr(taken, 'strerror', taken)}). Another engine may "
            "run there; choose another port, or 0 for any free one."
        ) from None
    return listener


def watch_parent(on_end: Callable[[], None]) -> None:
    """Call `on_end` from another thread when standard input ends.

    The host holds the other end of the pipe. The system closes it when the host ends, also when it is
    killed, on Linux, macOS and Windows alike.
    """

    def wait() -> None:
        with contextlib.suppress(OSError):
            # The file descriptor and not sys.stdin: its lock would stop the interpreter from ending.
            while os.read(0, 4096):
                pass
        on_end()

    threading.Thread(target=wait, name="samlesion-watch-parent", daemon=True).start()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    def end_now(self) -> None:
        """End without waiting for answers, and even if a slice in work holds the engine's thread."""
        self.should_exit = self.force_exit = True
        last_resort = threading.Timer(LAST_RESORT_S, os._exit, args=(0,))
        last_resort.daemon = True
        last_resort.start()


def _config(app: Any, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=timed_protocol(limits.head_s),
        ws="none",
        loop="asyncio",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.connections,
        timeout_keep_alive=int(limits.idle_s),
        timeout_graceful_shutdown=int(limits.stop_s),
    )


def _announce(listener: socket.socket, token: str, is_made_up: bool, ready_file: Path | None) -> None:
    host, port = listener.getsockname()[:2]
    ready = {
        "event": "ready",
        "address": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "pid": os.getpid(),
        "protocol": PROTOCOL_VERSION,
        "version": __version__,
    }
    print(json.dumps(ready | ({"token": token} if is_made_up else {})), flush=True)
    if ready_file is not None:
        _write_private(ready_file, json.dumps(ready | {"token": token}))


def _write_private(path: Path, text: str) -> None:
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
    except OSError as wrong:
        raise OutputError(f"The ready file {path} cannot be written ({wrong.strerror}).") from None


def check_token(token: str) -> None:
    """Refuse a secret that is easily guessed or that no header can carry.

    Raises:
        InputError: with what a token needs.
    """
    if len(token) < MIN_TOKEN_CHARACTERS or not token.isascii() or not token.isprintable() or " " in token:
        raise InputError(
            f"A token needs at least {MIN_TOKEN_CHARACTERS} printable ASCII characters without spaces, "
            f"got {len(token)} characters. Leave it out to have one made."
        )


def _choose_token(token: str | None) -> tuple[str, bool]:
    if token is None:
        token = os.environ.pop(TOKEN_VARIABLE, None)  # not for the eyes of our own child processes
    if token is None:
        return secrets.token_urlsafe(32), True
    check_token(token)
    return token, False


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
