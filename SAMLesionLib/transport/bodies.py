"""Reading what a client sends: within limits of size and time, and straight into place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import numpy as np
import numpy.typing as npt
import psutil
from starlette.requests import Request

from SAMLesionLib.errors import InputError, OutOfMemory, RequestTooLarge
from SAMLesionLib.transport import messages
from SAMLesionLib.transport.limits import Limits
from SAMLesionLib.transport.volumes import VolumeHeader


class BodyReader:
    """The body of one request, read piece by piece."""

    def __init__(self, request: Request, limits: Limits) -> None:
        self._limits = limits
        self._pieces: AsyncIterator[bytes] = request.stream()
        self._rest = memoryview(b"")
        self.n_left = _content_length(request)

    async def json_bytes(self) -> bytes:
        """The whole body, when it is one JSON object.

        Raises:
            RequestTooLarge: when it exceeds `Limits.request_bytes`.
        """
        limit = self._limits.request_bytes
        if self.n_left > limit:
            raise RequestTooLarge(
                f"A request takes at most {limit:,} bytes, got {self.n_left:,}. Send fewer prompts."
            )
        return await self._exactly(self.n_left)

    async def volume_header(self) -> VolumeHeader:
        """The header with which a volume begins, checked against the body's size and the memory.

        Raises:
            InputError: when the header is wrong or the voxels that follow are too few or too many.
            RequestTooLarge: when the volume exceeds `Limits.volume_bytes`.
            OutOfMemory: when this computer cannot hold it.
        """
        length = messages.header_length(await self._exactly(min(4, self.n_left)))
        header = VolumeHeader.decode(await self._exactly(min(length, self.n_left)))
        if self.n_left not in (0, header.n_bytes):
            raise InputError(
                f"{header.name} of {header.dtype} and {header.shape_kji} voxels (k, j, i) takes "
                f"{header.n_bytes:,} bytes, got {self.n_left:,}. Send the header alone, or all voxels."
            )
        self._check_room(header)
        return header

    async def fill(self, voxels: npt.NDArray[Any]) -> None:
        """Read the voxels into this C-contiguous array; no second copy is made."""
        target = voxels.reshape(-1).view(np.uint8).data
        n_filled = 0
        with self._in_time(len(target)):
            while n_filled < len(target):
                piece = await self._piece(len(target) - n_filled)
                target[n_filled : n_filled + len(piece)] = piece
                n_filled += len(piece)

    def _check_room(self, header: VolumeHeader) -> None:
        limit = self._limits.volume_bytes
        if header.n_bytes > limit:
            raise RequestTooLarge(
                f"{header.name} takes {_gib(header.n_bytes)}, and this engine takes volumes up to "
                f"{_gib(limit)}. Crop or resample it."
            )
        free = psutil.virtual_memory().available
        if header.n_bytes > free:
            raise OutOfMemory(
                f"{header.name} takes {_gib(header.n_bytes)} of memory, but only {_gib(free)} are free. "
                "Close other programs, or crop the volume."
            )

    async def _exactly(self, n_bytes: int) -> bytes:
        data = bytearray()
        with self._in_time(n_bytes):
            while len(data) < n_bytes:
                data += await self._piece(n_bytes - len(data))
        return bytes(data)

    async def _piece(self, at_most: int) -> memoryview:
        while not len(self._rest):
            self._rest = memoryview(await anext(self._pieces, b"") or self._refuse_short())
        piece, self._rest = self._rest[:at_most], self._rest[at_most:]
        self.n_left -= len(piece)
        return piece

    def _refuse_short(self) -> bytes:
        raise InputError(f"The body ended {self.n_left:,} bytes before its stated length. Send it again.")

    def _in_time(self, n_bytes: int) -> Any:
        return _Deadline(self._limits.seconds_for(n_bytes))


class _Deadline:
    """`anyio.fail_after` with a sentence."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._inner = anyio.fail_after(seconds)

    def __enter__(self) -> None:
        self._inner.__enter__()

    def __exit__(self, *raised: Any) -> bool | None:
        try:
            return self._inner.__exit__(*raised)
        except TimeoutError:
            raise InputError(
                f"The body did not arrive within {self._seconds:.0f} s. Send it again, without pauses."
            ) from None


def _content_length(request: Request) -> int:
    stated = request.headers.get("content-length", "")
    if not stated.isascii() or not stated.isdigit():
        raise InputError("A body needs the header Content-Length with its size in bytes.")
    return int(stated)


def _gib(n_bytes: float) -> str:
    return f"{n_bytes / 1024**3:.2f} GiB"
