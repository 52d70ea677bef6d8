"""A server in this process with a client of it, and engines in processes of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from fake_servers import SERVE_FAKE, TOKEN, Served, serving
from fakes import FakeSegmenter, a_lesion_volume

from SAMLesionLib import BoxPrompt, IndexBox, PromptSet, SegmentRequest, Volume
from SAMLesionLib.transport import EngineClient, LaunchSettings, LocalEngine


@pytest.fixture
def volume() -> Volume:
    return a_lesion_volume()


@pytest.fixture
def request_of_a_box(volume: Volume) -> SegmentRequest:
    box = BoxPrompt(IndexBox((8, 8, 2), (24, 24, 10)))
    return SegmentRequest(volume.volume_id, "fake", PromptSet((box,)))


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(FakeSegmenter()) as it:
        yield it


@pytest.fixture
def client(served: Served) -> Iterator[EngineClient]:
    client = EngineClient(served.address, TOKEN, timeout_s=20)
    yield client
    client.close()


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., LocalEngine]]:
    """Starts fake engines with these arguments; all end with the test."""
    engines: list[LocalEngine] = []

    def start(*arguments: str, **settings: object) -> LocalEngine:
        command = (sys.executable, str(SERVE_FAKE), "--watch-stdin", *arguments)
        chosen = {"log_path": tmp_path / f"engine{len(engines)}.log", "startup_s": 30.0, "answer_s": 30.0}
        engines.append(LocalEngine(LaunchSettings(command, **(chosen | settings))))  # type: ignore[arg-type]
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()
