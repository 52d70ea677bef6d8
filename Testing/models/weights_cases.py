"""A tiny model's card and checkpoint, and a small web server that behaves as badly as it is asked to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import torch

from SAMLesionLib.models.cards import ModelCard, Url
from SAMLesionLib.models.sam import build_tiny_lite_medsam


def a_card(**differences: Any) -> ModelCard:
    values: dict[str, Any] = {
        "name": "tiny",
        "title": "Tiny LiteMedSAM",
        "summary": "LiteMedSAM's architecture, made small for tests.",
        "paper": "",
        "licence": "Apache-2.0",
        "architecture": "SAMLesionLib.models.sam:build_tiny_lite_medsam",
        "image_size": 32,
        "keeps_aspect": True,
        "intensity": "medsam",
        "prompts": frozenset({"box"}),
        "n_parameters": 24_000,
        "sources": (),
    }
    return ModelCard(**(values | differences))


def a_published_card(file: Path, url: str = "", **differences: Any) -> ModelCard:
    """The card of a model whose published file is this one."""
    content = file.read_bytes()
    facts = {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return a_card(**(facts | {"sources": (Url(url),) if url else ()} | differences))


def a_state_dict(seed: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return dict(build_tiny_lite_medsam().state_dict())


def a_checkpoint(path: Path, seed: int = 0) -> Path:
    torch.save(a_state_dict(seed), path)
    return path


class AServer:
    """Serves one file on loopback and remembers what it was asked.

    Attributes:
        content: the file.
        content_type: what it is called.
        status: answered to every request, 0 for the fitting one.
        cut_after: bytes after which the connection is closed, in the coming answers in turn.
        has_ranges: whether it can continue in the middle.
        redirect_to: where it sends everybody, empty for nowhere.
        asked: (path, Range header) of each request.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.content_type = "application/octet-stream"
        self.status = 0
        self.cut_after: list[int] = []
        self.has_ranges = True
        self.redirect_to = ""
        self.asked: list[tuple[str, str]] = []
        self.address = ""

    @property
    def url(self) -> str:
        return f"{self.address}/weights.pth"

    @property
    def ranges(self) -> list[str]:
        return [wanted for _, wanted in self.asked]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range", "")
        self.asked.append((handler.path, wanted))
        if self.redirect_to:
            handler.send_response(302)
            handler.send_header("Location", self.redirect_to)
            handler.end_headers()
            return
        start = int(wanted[len("bytes=") : -1]) if wanted and self.has_ranges else 0
        body = self.content[start:]
        handler.send_response(self.status or (206 if start else 200))
        handler.send_header("Content-Type", self.content_type)
        handler.send_header("Content-Length", str(len(body)))
        if start:
            n_bytes = len(self.content)
            handler.send_header("Content-Range", f"bytes {start}-{n_bytes - 1}/{n_bytes}")
        handler.end_headers()
        handler.wfile.write(body[: self.cut_after.pop(0)] if self.cut_after else body)


@contextmanager
def serving(content: bytes) -> Iterator[AServer]:
    server = AServer(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.address = f"http://127.0.0.1:{http.server_port}"
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
