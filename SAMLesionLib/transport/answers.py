"""An answer while it is made: the segmenter works in the engine's thread, frames leave as they come."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar

import anyio
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from SAMLesionLib.errors import (
    Cancelled,
    EngineError,
    EngineUnavailable,
    InputError,
    OutOfMemory,
    RequestTooLarge,
    SAMLesionError,
    Unauthorized,
    UnknownModel,
    VersionMismatch,
    VolumeNotLoaded,
)
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.protocol import Segmenter, SegmentRequest
from SAMLesionLib.transport import codec, messages

logger = logging.getLogger(__name__)
T = TypeVar("T")

FRAMES = "application/vnd.samlesion.frames"
TURN_S = 0.05
"""After so long in one answer, the engine's thread looks for other work between two slices."""

STATUS = {
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    VersionMismatch: HTTPStatus.UPGRADE_REQUIRED,
    VolumeNotLoaded: HTTPStatus.NOT_FOUND,
    UnknownModel: HTTPStatus.NOT_FOUND,
    RequestTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    OutOfMemory: HTTPStatus.INSUFFICIENT_STORAGE,
    EngineUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Cancelled: HTTPStatus.CONFLICT,
    InputError: HTTPStatus.BAD_REQUEST,
}
"""Status of an error: that of the first of its classes found here; 500 for the rest."""


class EngineThread:
    """The one thread that touches the segmenter; whoever waits for it leaves the server free to answer."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="samlesion-engine")
        self.turn = asyncio.Lock()
        """Held by the answer that is being made: answers wait for each other, and may give up waiting."""

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, done in the engine's thread.

        Raises:
            SAMLesionError: what `work` raised; anything else becomes `EngineError` or `OutOfMemory`.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, _speaking, work)

    def run_later(self, work: Callable[[], object]) -> None:
        """Do `work` after what the thread is doing now, with nobody waiting for it."""
        self._executor.submit(_speaking, work).add_done_callback(_log_failure)

    def close(self) -> None:
        """Let the thread end when it is done."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class Answer:
    """The response to one request: an ASGI application that streams until it is done or nobody listens."""

    def __init__(
        self,
        engine: EngineThread,
        segmenter: Segmenter,
        request: SegmentRequest,
        *,
        frame_s: float,
        on_missing: Callable[[], None],
    ) -> None:
        self._engine, self._segmenter, self._request = engine, segmenter, request
        self._frame_s, self._on_missing = frame_s, on_missing
        self._updates: Iterator[MaskUpdate] | None = None
        self._has_begun = False
        self._has_left = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and stop within one slice when the client has gone."""
        making = asyncio.ensure_future(self._make(scope, receive, send))
        leaving = asyncio.ensure_future(_until_gone(receive))
        try:
            await asyncio.wait({making, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            making.cancel()
            leaving.cancel()
            outcome, _ = await asyncio.gather(making, leaving, return_exceptions=True)
        if isinstance(outcome, Exception):
            raise outcome

    async def _make(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._engine.turn:
            try:
                while await self._turn(send):
                    pass
                await self._send(send, b"", more_body=False)
            except SAMLesionError as error:
                if isinstance(error, VolumeNotLoaded):
                    self._on_missing()
                if self._has_begun:
                    await self._send(
                        send, messages.pack_message(messages.encode_error(error)), more_body=False
                    )
                else:
                    await error_response(error)(scope, receive, send)
            finally:
                self._has_left.set()
                # Behind the slice in work, if there is one: a generator cannot be closed while it runs.
                self._engine.run_later(self._close)

    async def _turn(self, send: Send) -> bool:
        """Send the frames of one turn in the engine's thread as they come; whether there are more."""
        frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def put(frame: bytes) -> None:
            loop.call_soon_threadsafe(frames.put_nowait, frame)

        work = asyncio.ensure_future(self._engine.run(lambda: self._work(put)))
        work.add_done_callback(lambda _: frames.put_nowait(None))
        try:
            while not work.done() or not frames.empty():
                ready = [await frames.get()]
                while not frames.empty():
                    ready.append(frames.get_nowait())
                if data := b"".join(frame for frame in ready if frame is not None):
                    await self._send(send, data)
            return await work
        finally:
            work.cancel()

    def _work(self, put: Callable[[bytes], object]) -> bool:
        until = time.monotonic() + TURN_S
        if self._updates is None:
            self._updates = iter(self._segmenter.segment(self._request))
        while not self._has_left.is_set():
            update = next(self._updates, None)
            if update is None:
                return False
            put(codec.encode_update(update))
            if time.monotonic() > until:
                return True
        return False

    def _close(self) -> None:
        close = getattr(self._updates, "close", None)
        if close is not None:
            close()

    async def _send(self, send: Send, frame: bytes, more_body: bool = True) -> None:
        with anyio.fail_after(self._frame_s):  # a client that stops reading must not hold the engine
            if not self._has_begun:
                self._has_begun = True
                await send(_start())
            await send({"type": "http.response.body", "body": frame, "more_body": more_body})


def error_response(error: SAMLesionError) -> JSONResponse:
    """The HTTP answer that carries an error by kind and message."""
    known = [STATUS[cls] for cls in type(error).__mro__ if cls in STATUS]
    return JSONResponse(
        messages.encode_error(error), status_code=known[0] if known else HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _start() -> Message:
    headers = [(b"content-type", FRAMES.encode()), (b"cache-control", b"no-store")]
    return {"type": "http.response.start", "status": 200, "headers": headers}


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _speaking(work: Callable[[], T]) -> T:
    try:
        return work()
    except SAMLesionError:
        raise
    except MemoryError:
        logger.exception("out of memory")
        raise OutOfMemory(
            "The engine ran out of memory. Close other programs, crop the volume, or choose a smaller model."
        ) from None
    except Exception as error:
        logger.exception("the segmenter failed")
        raise EngineError(
            f"The engine failed ({type(error).__name__}: {str(error)[:300]}). Its log tells where; try again."
        ) from None


def _log_failure(done: Future[object]) -> None:
    if not done.cancelled() and done.exception() is not None:
        logger.error("closing an answer failed: %s", done.exception())
