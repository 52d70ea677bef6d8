"""The five endpoints: health, models, load, unload, segment; each reads, calls, answers."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from SAMLesionLib.errors import InputError, SAMLesionError, Unauthorized, VersionMismatch, VolumeNotLoaded
from SAMLesionLib.protocol import Segmenter
from SAMLesionLib.transport import codec, messages
from SAMLesionLib.transport.answers import Answer, EngineThread, error_response
from SAMLesionLib.transport.bodies import BodyReader
from SAMLesionLib.transport.client import PROTOCOL_HEADER, mismatch
from SAMLesionLib.transport.limits import Limits
from SAMLesionLib.version import PROTOCOL_VERSION, __version__

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def create_app(
    segmenter: Segmenter,
    token: str,
    *,
    device: str = "",
    limits: Limits | None = None,
    hosts: frozenset[str] | None = LOOPBACK,
) -> Starlette:
    """The application that answers for this segmenter.

    Args:
        segmenter: called from one thread only.
        token: the secret every request must carry.
        device: where the models run, told by /health.
        limits: sizes, times and counts.
        hosts: names under which the server may be addressed (against DNS rebinding), None for any.
    """
    endpoints = _Endpoints(segmenter, device, limits or Limits())
    return Starlette(
        routes=[
            Route("/health", endpoints.health, methods=["GET"]),
            Route("/models", endpoints.models, methods=["GET"]),
            Route("/volumes", endpoints.load, methods=["POST"]),
            Route("/volumes/{volume_id:path}", endpoints.unload, methods=["DELETE"]),
            Route("/segment", endpoints.segment, methods=["POST"]),
        ],
        middleware=[Middleware(_Gate, token=token, hosts=hosts)],
        exception_handlers={
            SAMLesionError: _refuse,
            HTTPException: _refuse_route,
            ClientDisconnect: _forget,
        },
        lifespan=endpoints.lifespan,
    )


class _Endpoints:
    def __init__(self, segmenter: Segmenter, device: str, limits: Limits) -> None:
        self._segmenter, self._device, self._limits = segmenter, device, limits
        self._engine = EngineThread()
        self._held: set[str] = set()

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._engine.close()

    async def health(self, request: Request) -> Response:
        return JSONResponse(
            {
                "protocol": PROTOCOL_VERSION,
                "version": __version__,
                "pid": os.getpid(),
                "device": self._device,
                "is_busy": self._engine.turn.locked(),
            }
        )

    async def models(self, request: Request) -> Response:
        models = await self._engine.run(self._segmenter.models)
        return JSONResponse(codec.encode_models(models))

    async def load(self, request: Request) -> Response:
        body = BodyReader(request, self._limits)
        header = await body.volume_header()
        if body.n_left:
            voxels = header.empty_voxels()
            await body.fill(voxels)
            volume = await asyncio.to_thread(header.volume, voxels)
            self._held.add(await self._engine.run(lambda: self._segmenter.load_volume(volume)))
        elif header.volume_id not in self._held:
            raise VolumeNotLoaded(f"The engine does not hold {header.name}. Send its voxels.")
        return JSONResponse({"volume_id": header.volume_id})

    async def unload(self, request: Request) -> Response:
        volume_id: str = request.path_params["volume_id"]
        self._held.discard(volume_id)
        await self._engine.run(lambda: self._segmenter.unload_volume(volume_id))
        return JSONResponse({"volume_id": volume_id})

    async def segment(self, request: Request) -> Answer:
        data = await BodyReader(request, self._limits).json_bytes()
        wish = await asyncio.to_thread(codec.decode_request, data)
        # The engine may drop a volume to save memory; then the next load must ask for its voxels.
        return Answer(
            self._engine,
            self._segmenter,
            wish,
            frame_s=self._limits.body_s,
            on_missing=lambda: self._held.discard(wish.volume_id),
        )


class _Gate:
    """Lets a request in when it names this host, carries the token and speaks our protocol."""

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str] | None) -> None:
        self._app, self._token, self._hosts = app, token.encode(), hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[PROTOCOL_HEADER] = str(PROTOCOL_VERSION)
            await send(message)

        refusal = self._refusal(scope)
        app = self._app if refusal is None else error_response(refusal)
        await app(scope, receive, send_with_version)

    def _refusal(self, scope: Scope) -> SAMLesionError | None:
        headers = Headers(scope=scope)
        if self._hosts is not None and _host_name(headers.get("host", "").lower()) not in self._hosts:
            return Unauthorized("This engine serves its own computer only: address it as 127.0.0.1.")
        given = headers.get("authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, b"Bearer " + self._token):
            return Unauthorized("The engine refused the token. Give the one it was started with.")
        spoken = headers.get(PROTOCOL_HEADER, "")
        # Health answers every version, so that a newcomer can learn which one is spoken here.
        if spoken != str(PROTOCOL_VERSION) and scope["path"] != "/health":
            return VersionMismatch(mismatch(spoken[:20] or "(not stated)", str(PROTOCOL_VERSION)))
        return None


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] or host


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, SAMLesionError)
    return error_response(error)


async def _refuse_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = "GET /health, GET /models, POST /volumes, DELETE /volumes/ID, POST /segment"
    wrong = InputError(f"There is no {request.method} {request.url.path[:80]} here. The endpoints: {known}.")
    return JSONResponse(messages.encode_error(wrong), status_code=error.status_code)


async def _forget(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody is there to read it
