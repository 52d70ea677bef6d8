"""A server in this process, so that tests see the segmenter behind it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import uvicorn
from fakes import FakeSegmenter

from SAMLesionLib import SegmentRequest, Volume, collect
from SAMLesionLib.transport.endpoints import create_app
from SAMLesionLib.transport.limits import Limits
from SAMLesionLib.transport.server import _config, bind

TOKEN = "a-token-for-tests-only"
SERVE_FAKE = Path(__file__).with_name("serve_fake.py")


class Served:
    """A running server: where it answers and the segmenter behind it."""

    def __init__(self, address: str, segmenter: FakeSegmenter) -> None:
        self.address, self.segmenter = address, segmenter

    def socket(self) -> socket.socket:
        host, port = self.address.split(":")
        return socket.create_connection((host, int(port)), timeout=10)


@contextmanager
def serving(segmenter: FakeSegmenter, limits: Limits | None = None) -> Iterator[Served]:
    limits = limits or Limits(stop_s=1)
    listener = bind()
    app = create_app(segmenter, TOKEN, device="cpu", limits=limits)
    server = uvicorn.Server(_config(app, limits))
    is_up = threading.Event()
    startup = server.startup

    async def startup_and_tell(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        is_up.set()

    server.startup = startup_and_tell  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert is_up.wait(10)
        yield Served("{}:{}".format(*listener.getsockname()), segmenter)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def local_mask(volume: Volume, request: SegmentRequest) -> np.ndarray:
    """What the segmenter answers without a server before it."""
    segmenter = FakeSegmenter()
    segmenter.load_volume(volume)
    return collect(segmenter.segment(request), volume.shape_ijk)[0]
