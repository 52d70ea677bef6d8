"""A `Segmenter` whose engine runs in another process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import quote

from SAMLesionLib.errors import (
    EngineError,
    EngineUnavailable,
    VersionMismatch,
    VolumeNotLoaded,
)
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.protocol import ModelInfo, SegmentRequest
from SAMLesionLib.transport import checks, codec, messages
from SAMLesionLib.transport.connection import Body, Connection, NetworkConnection, Reply
from SAMLesionLib.transport.volumes import VolumeHeader, voxel_chunks
from SAMLesionLib.version import PROTOCOL_VERSION
from SAMLesionLib.volume import Volume

PROTOCOL_HEADER = "SAMLesion-Protocol"
MAX_ANSWER_BYTES = 16 * 1024**2
"""Limit of every answer but the stream of masks, which has its own for each block."""


@dataclass(frozen=True)
class Health:
    """What an engine says about itself.

    Attributes:
        protocol: version of the protocol it speaks.
        version: version of its library.
        pid: its process.
        device: where its models run, empty when it does not say.
        is_busy: whether it is making a mask now.
    """

    protocol: int
    version: str
    pid: int
    device: str
    is_busy: bool


class EngineClient:
    """Asks an engine over the wire; has the methods of `Segmenter`.

    It keeps the volumes it was given until they are unloaded, and sends one again when the engine has
    lost it. Several threads may use one client.

    Args:
        address: "127.0.0.1:8123".
        token: the engine's secret.
        timeout_s: how long the engine may give no sign; one slice of the slowest model takes less.
        connection: another way to the engine than the network.
        volumes: the volumes given so far, to follow an engine that was started again.
    """

    def __init__(
        self,
        address: str,
        token: str,
        timeout_s: float = 300.0,
        *,
        connection: Connection | None = None,
        volumes: dict[str, Volume] | None = None,
    ) -> None:
        self.address = address
        self._connection = connection or NetworkConnection(address, timeout_s)
        self._headers = {"Authorization": f"Bearer {token}", PROTOCOL_HEADER: str(PROTOCOL_VERSION)}
        self._volumes = {} if volumes is None else volumes

    def close(self) -> None:
        """Close the sockets that are kept for the next question; the client stays usable."""
        self._connection.close()

    def health(self) -> Health:
        """How the engine is; answers also while it makes a mask.

        Raises:
            EngineUnavailable: when nobody answers.
            Unauthorized: when the token is wrong.
            VersionMismatch: when the engine speaks another protocol.
        """
        values = self._ask("GET", "/health")
        with checks.distrusting_the_engine():
            return Health(
                protocol=checks.whole(values["protocol"]),
                version=checks.text(values["version"]),
                pid=checks.whole(values["pid"]),
                device=checks.text(values["device"]),
                is_busy=bool(values["is_busy"]),
            )

    def models(self) -> tuple[ModelInfo, ...]:
        """See `Segmenter.models`."""
        return codec.decode_models(self._ask("GET", "/models"))

    def load_volume(self, volume: Volume) -> str:
        """See `Segmenter.load_volume`; voxels travel only when the engine does not hold them."""
        header = VolumeHeader.of(volume)
        question = header.encode()
        try:
            self._ask("POST", "/volumes", Body.of(question))
        except VolumeNotLoaded:
            size = len(question) + header.n_bytes
            self._ask("POST", "/volumes", Body(size, lambda: chain((question,), voxel_chunks(volume))))
        self._volumes[header.volume_id] = volume
        return header.volume_id

    def unload_volume(self, volume_id: str) -> None:
        """See `Segmenter.unload_volume`."""
        self._volumes.pop(volume_id, None)
        self._ask("DELETE", f"/volumes/{quote(volume_id, safe='')}")

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        """See `Segmenter.segment`; closing the iterator closes the connection, which cancels the work."""
        try:
            yield from self._stream(request)
        except VolumeNotLoaded:
            volume = self._volumes.get(request.volume_id)
            if volume is None:
                raise
            self.load_volume(volume)
            yield from self._stream(request)

    def _stream(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        volume = self._volumes.get(request.volume_id)
        reply = self._send("POST", "/segment", Body.of(codec.encode_request(request)))
        try:
            while True:
                update = codec.read_update(reply.read, volume.shape_ijk if volume else None)
                if update is None:
                    raise EngineError("The engine's answer ended without its report. Ask again.")
                if update.is_last:
                    reply.read(1)  # the end mark, so that the socket can be used again
                yield update
                if update.is_last:
                    return
        finally:
            reply.close()

    def _ask(self, method: str, path: str, body: Body | None = None) -> Any:
        reply = self._send(method, path, body or Body())
        try:
            data = reply.read(MAX_ANSWER_BYTES)
        finally:
            reply.close()
        with checks.distrusting_the_engine():
            return messages.load_json(data) if data else None

    def _send(self, method: str, path: str, body: Body) -> Reply:
        reply = self._connection.send(method, path, self._headers, body)
        try:
            self._check(reply)
        except BaseException:
            reply.close()
            raise
        return reply

    def _check(self, reply: Reply) -> None:
        spoken = reply.header(PROTOCOL_HEADER)
        if spoken is None:
            raise EngineUnavailable(
                f"What answers at {self.address} is no SAMLesion engine. Check the address, or start one "
                "with: samlesion serve"
            )
        if spoken != str(PROTOCOL_VERSION):
            raise VersionMismatch(mismatch(str(PROTOCOL_VERSION), spoken[:20]))
        if reply.status >= 400:
            with checks.distrusting_the_engine():
                failure = messages.error_of(messages.load_json(reply.read(MAX_ANSWER_BYTES)))
            raise failure or EngineError(f"The engine refused with status {reply.status} and no reason.")


def mismatch(client_speaks: str, engine_speaks: str) -> str:
    """The sentence for two versions that do not understand each other."""
    return (
        f"This client speaks protocol {client_speaks} and the engine speaks {engine_speaks}. "
        "Install the same version of samlesion on both sides."
    )
