"""The way to an engine's application without a network between."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from fake_servers import TOKEN

from SAMLesionLib import Segmenter
from SAMLesionLib.transport import Body
from SAMLesionLib.transport.endpoints import create_app


class AppConnection:
    """The way to an application in this process: no socket, the whole answer at once."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._app = create_app(segmenter, TOKEN)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> AppReply:
        return asyncio.run(self._send(method, path, headers, body))

    def close(self) -> None:
        pass

    async def _send(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> AppReply:
        given = {"host": "localhost", "content-length": str(body.n_bytes), **headers}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode()) for k, v in given.items()],
        }
        chunks = [*body.chunks(), b""]
        messages = [
            {"type": "http.request", "body": bytes(c), "more_body": i < len(chunks) - 1}
            for i, c in enumerate(chunks)
        ]
        reply = AppReply()

        async def receive() -> dict:
            if not messages:
                await asyncio.Event().wait()
            return messages.pop(0)

        async def send(message: dict) -> None:
            reply.take(message)

        await self._app(scope, receive, send)
        return reply


class AppReply:
    def __init__(self) -> None:
        self.status, self._headers, self._data = 0, {}, b""

    def take(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
        else:
            self._data += message["body"]

    def header(self, name: str) -> str | None:
        return self._headers.get(name.lower())

    def read(self, n_bytes: int) -> bytes:
        data, self._data = self._data[:n_bytes], self._data[n_bytes:]
        return data

    def close(self) -> None:
        self._data = b""
