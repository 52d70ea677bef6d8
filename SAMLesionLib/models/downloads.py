"""Brings a large file over http, continuing where an earlier attempt stopped."""

from __future__ import annotations

import errno
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from SAMLesionLib.errors import Cancelled, WeightsError
from SAMLesionLib.version import __version__

Progress = Callable[[int, int], None]
"""Called with the bytes held so far and the bytes of the whole file."""

BLOCK_BYTES = 2**18
TIMEOUT_S = 30.0
MAX_ATTEMPTS = 5
"""A broken connection is taken up again so often, as long as each attempt brings something."""

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def fetch(
    url: str,
    part: Path,
    size_bytes: int,
    on_progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Bring the file at `url` into `part`, after the bytes that `part` already holds.

    Args:
        url: http or https.
        part: the temporary file; kept when the connection breaks or the work is cancelled, removed when
            the disk is full, so that it does not stand in the way of more important files.
        size_bytes: bytes of the whole file; the server must offer exactly as many.
        on_progress: told after every block.
        cancelled: asked before every block.

    Raises:
        WeightsError: when the file cannot be had, saying why and what to do.
        Cancelled: when `cancelled` said so.
    """
    problem = ""
    for _ in range(MAX_ATTEMPTS):
        n_before = _n_held(part, size_bytes)
        if n_before == size_bytes:
            return
        try:
            _fetch_rest(url, part, size_bytes, on_progress or _silent, cancelled or _never)
        except _ConnectionLost as lost:
            problem = str(lost)
        if _n_held(part, size_bytes) <= n_before:
            break
    if _n_held(part, size_bytes) != size_bytes:
        raise _broken(url, problem, _n_held(part, size_bytes), size_bytes)


def remote_size_bytes(url: str) -> int:
    """Bytes of the file at `url`, for a model whose card does not know it.

    Raises:
        WeightsError: when the server does not answer or does not say.
    """
    try:
        with _open(url, 0) as response:
            length = response.headers.get("Content-Length", "")
    except _ConnectionLost as lost:
        raise WeightsError(f"{url} cannot be reached ({lost}). Check the network.") from None
    if not length.isdigit():
        raise WeightsError(
            f"{url} does not say how large it is. Download it in a browser and import the file."
        )
    return int(length)


class _ConnectionLost(Exception):
    """The network's side of a download failed; the message says how."""


def _fetch_rest(
    url: str, part: Path, size_bytes: int, on_progress: Progress, cancelled: Callable[[], bool]
) -> None:
    n_held = _n_held(part, size_bytes)
    with _open(url, n_held) as response:
        if response.status != 206:
            n_held = 0
        _check_offer(url, response, n_held, size_bytes)
        with _writing(part, size_bytes), part.open("r+b" if n_held else "wb") as file:
            file.seek(n_held)
            for block in _blocks(response, size_bytes - n_held):
                file.write(block)
                n_held += len(block)
                on_progress(n_held, size_bytes)
                if cancelled():
                    raise Cancelled(f"The download of {url} was stopped; what came so far is kept.")


def _open(url: str, n_held: int) -> Any:
    if urlsplit(url).scheme not in ("http", "https"):
        raise WeightsError(f"Weights are downloaded over http or https, got {url}.")
    headers = {"User-Agent": f"samlesion/{__version__}", "Accept-Encoding": "identity"}
    if n_held:
        headers["Range"] = f"bytes={n_held}-"
    with _network():
        return _opener().open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S)


def _blocks(response: Any, n_bytes: int) -> Iterator[bytes]:
    while n_bytes > 0:
        with _network():
            block = response.read(min(BLOCK_BYTES, n_bytes))
        if not block:
            return
        n_bytes -= len(block)
        yield block


@contextmanager
def _network() -> Iterator[None]:
    """Whatever fails inside was the network."""
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as lost:
        reason: object = getattr(lost, "reason", None) or lost
        if isinstance(lost, urllib.error.HTTPError):
            reason = str(lost)
            lost.close()
        raise _ConnectionLost(str(reason) or type(lost).__name__) from None


@contextmanager
def _writing(part: Path, size_bytes: int) -> Iterator[None]:
    """Whatever operating system error comes out of the inside was the disk."""
    try:
        yield
    except OSError as refused:
        raise _cannot_write(refused, part, size_bytes) from None


def _check_offer(url: str, response: Any, n_held: int, size_bytes: int) -> None:
    """Refuse another file before its bytes are fetched."""
    length = response.headers.get("Content-Length", "")
    n_offered = int(length) + n_held if length.isdigit() else size_bytes
    if n_offered != size_bytes:
        raise WeightsError(
            f"{url} offers {n_offered:,} bytes of {response.headers.get_content_type()}, the weights have "
            f"{size_bytes:,}. Check the network's sign-in page, or import a file downloaded elsewhere."
        )
    if n_held and not response.headers.get("Content-Range", "").startswith(f"bytes {n_held}-"):
        raise _ConnectionLost("the server continued at another place")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to http or https only, and never from https back to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        allowed = ("https",) if urlsplit(req.full_url).scheme == "https" else ("http", "https")
        if urlsplit(newurl).scheme not in allowed:
            fp.close()
            raise WeightsError(f"{req.full_url} redirects to {newurl}, which is not safe to follow.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """An opener that knows proxies, http and https, and neither local files nor ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SafeRedirects(),
    ):
        opener.add_handler(handler)
    return opener


def _n_held(part: Path, size_bytes: int) -> int:
    """Bytes of `part` that can be kept; more than the whole file has are none of it."""
    n_bytes = part.stat().st_size if part.is_file() else 0
    return n_bytes if n_bytes <= size_bytes else 0


def _broken(url: str, problem: str, n_held: int, size_bytes: int) -> WeightsError:
    done = f"broke off after {n_held / 1e6:.1f} of {size_bytes / 1e6:.1f} MB" if n_held else "failed"
    why = f" ({problem})" if problem else ""
    return WeightsError(
        f"The download of {url} {done}{why}. Check the network and run it again, which continues where it "
        "stopped, or import a file that was downloaded elsewhere."
    )


def _cannot_write(refused: OSError, part: Path, size_bytes: int) -> WeightsError:
    if refused.errno not in _NO_ROOM:
        return WeightsError(f"{part} cannot be written ({refused.strerror}). Check the folder's permissions.")
    with suppress(OSError):
        part.unlink()
    return WeightsError(
        f"The disk of {part.parent} is full; {size_bytes / 1e6:.0f} MB are needed. Free some space, or set "
        "SAMLESION_WEIGHTS to a folder on another disk."
    )


def _silent(n_held: int, size_bytes: int) -> None:
    pass


def _never() -> bool:
    return False
