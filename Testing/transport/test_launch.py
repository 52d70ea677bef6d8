from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_servers import SERVE_FAKE, local_mask

from SAMLesionLib import BoxPrompt, IndexBox, PromptSet, Segmenter, SegmentRequest, Volume, collect, errors
from SAMLesionLib.transport import EngineClient, LaunchSettings, LocalEngine
from SAMLesionLib.transport.server import bind

Launch = Callable[..., LocalEngine]
REPOSITORY = Path(__file__).parents[2]


def has_ended(pid: int) -> bool:
    """Whether the process ends within 20 s; nobody may be there to reap an orphan."""
    psutil = pytest.importorskip("psutil")
    pause = threading.Event()
    for _ in range(1000):
        if not psutil.pid_exists(pid):
            return True
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        pause.wait(0.02)
    return False


def test_a_launched_engine_is_a_segmenter(
    launch: Launch, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    engine = launch()
    assert isinstance(engine, Segmenter)
    assert [m.name for m in engine.models()] == ["fake"]
    engine.load_volume(volume)
    mask, _ = collect(engine.segment(request_of_a_box), volume.shape_ijk)
    assert np.array_equal(mask, local_mask(volume, request_of_a_box))
    assert engine.health().pid == engine.pid
    engine.unload_volume(volume.volume_id)
    with pytest.raises(errors.VolumeNotLoaded):
        list(engine.segment(request_of_a_box))


def test_what_the_engine_prints_is_in_its_log(launch: Launch) -> None:
    engine = launch()
    engine.start()
    engine.close()
    assert "a line that is no news" in engine.log_path.read_text()


def test_the_token_is_not_in_the_command(launch: Launch) -> None:
    engine = launch()
    engine.start()
    assert engine._process is not None
    token = engine._process.token
    assert len(token) > 30
    psutil = pytest.importorskip("psutil")
    assert token not in " ".join(psutil.Process(engine.pid).cmdline())


def test_an_engine_killed_while_answering_is_replaced_and_gives_the_same_mask(
    launch: Launch, tmp_path: Path, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    hung = tmp_path / "hung"
    engine = launch("--hang-at", "3", "--once", str(hung))
    engine.load_volume(volume)
    updates = engine.segment(request_of_a_box)
    seen = [next(updates) for _ in range(3)]
    first_pid = engine.pid
    assert first_pid is not None
    while not hung.exists():  # the engine is past what it has sent, within slice 3
        assert engine.health().pid == first_pid
    os.kill(first_pid, signal.SIGKILL)
    mask, report = collect([*seen, *updates], volume.shape_ijk)
    assert np.array_equal(mask, local_mask(volume, request_of_a_box))
    assert report is not None
    assert engine.n_starts == 2
    assert engine.pid != first_pid


def test_an_engine_killed_between_two_questions_is_replaced(
    launch: Launch, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    engine = launch()
    engine.load_volume(volume)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    mask, _ = collect(engine.segment(request_of_a_box), volume.shape_ijk)
    assert np.array_equal(mask, local_mask(volume, request_of_a_box))
    assert engine.n_starts == 2


def test_a_request_that_always_kills_the_engine_is_given_up(
    launch: Launch, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    engine = launch("--crash-at", "1", repeats=1)
    engine.load_volume(volume)
    with pytest.raises(errors.EngineUnavailable, match="ended 2 times while working on this request"):
        list(engine.segment(request_of_a_box))
    assert engine.n_starts == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP")
def test_an_engine_that_hangs_is_ended_and_replaced(
    launch: Launch, tmp_path: Path, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    engine = launch(
        "--freeze-at", "2", "--once", str(tmp_path / "froze"), health_every_s=0.2, health_misses=2
    )
    engine.load_volume(volume)
    mask, _ = collect(engine.segment(request_of_a_box), volume.shape_ijk)
    assert np.array_equal(mask, local_mask(volume, request_of_a_box))
    assert engine.n_starts == 2


def test_a_slow_engine_is_not_taken_for_one_that_hangs(
    launch: Launch, volume: Volume, request_of_a_box: SegmentRequest, tmp_path: Path
) -> None:
    engine = launch("--hang-at", "1", health_every_s=0.05, health_misses=1)
    engine.load_volume(volume)
    updates = engine.segment(request_of_a_box)
    next(updates)
    pid = engine.pid
    for _ in range(3):
        assert engine.health().is_busy
    updates.close()
    assert engine.pid == pid


def test_an_engine_that_does_not_start_says_why(launch: Launch) -> None:
    engine = launch("--fail-start", "No module named torch")
    with pytest.raises(errors.EngineUnavailable, match=r"exit code 3\).*ends with: No module named torch"):
        engine.start()


def test_an_engine_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    silent = (sys.executable, "-c", "import sys; sys.stdin.read()")
    with (
        LocalEngine(LaunchSettings(silent, startup_s=0.5, log_path=tmp_path / "log")) as engine,
        pytest.raises(errors.EngineUnavailable, match=r"did not answer within 0\.5 s"),
    ):
        engine.start()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        LocalEngine(LaunchSettings((str(tmp_path / "no-python"),), log_path=tmp_path / "log")) as engine,
        pytest.raises(errors.EngineUnavailable, match="no-python"),
    ):
        engine.start()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started from now on."""
    processes: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        processes.append(popen(*args, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


def test_a_program_that_announces_no_address_is_ended(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    news = json.dumps({"event": "ready", "address": "nowhere"})
    stranger = (sys.executable, "-c", f"import sys; print({news!r}, flush=True); sys.stdin.read()")
    with LocalEngine(LaunchSettings(stranger, startup_s=30.0, log_path=tmp_path / "log")) as engine:
        with pytest.raises(errors.InputError, match="got 'nowhere'"):
            engine.start()
        assert [process.returncode is not None for process in started] == [True]


@pytest.mark.parametrize("name", ["samlesion-engine-output", "samlesion-engine-health"])
def test_an_engine_is_ended_when_its_host_can_start_no_thread(
    launch: Launch, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == name:
            raise RuntimeError("can't start new thread")  # what CPython says
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        launch().start()
    assert [process.returncode is not None for process in started] == [True]


def test_two_engines_work_side_by_side(
    launch: Launch, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    one, two = launch(), launch()
    for engine in (one, two):
        engine.load_volume(volume)
    masks = [collect(engine.segment(request_of_a_box), volume.shape_ijk)[0] for engine in (one, two)]
    assert np.array_equal(*masks)
    assert one.pid != two.pid
    assert one._process is not None
    assert two._process is not None
    with pytest.raises(errors.Unauthorized):
        EngineClient(one._process.address, two._process.token).models()
    one.close()
    assert two.health().protocol == 1


def test_a_closed_engine_is_gone_and_stays_gone(launch: Launch) -> None:
    engine = launch()
    engine.start()
    pid = engine.pid
    assert pid is not None
    engine.close()
    assert has_ended(pid)
    with pytest.raises(errors.EngineUnavailable, match="was closed"):
        engine.models()


def test_closing_the_engine_ends_a_running_answer(
    launch: Launch, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    engine = launch("--hang-at", "1", stop_s=0.5)
    engine.load_volume(volume)
    updates = engine.segment(request_of_a_box)
    next(updates)
    threading.Timer(0.1, engine.close).start()
    with pytest.raises(errors.EngineUnavailable):
        list(updates)


HOST = """
import signal
import sys
import time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started deaf to it
from fake_servers import SERVE_FAKE
from fakes import a_lesion_volume
from SAMLesionLib import *
from SAMLesionLib.transport import LaunchSettings, LocalEngine
engine = LocalEngine(LaunchSettings((sys.executable, str(SERVE_FAKE), "--watch-stdin", *sys.argv[1:])))
volume = a_lesion_volume()
engine.load_volume(volume)
box = BoxPrompt(IndexBox((8, 8, 2), (24, 24, 10)))
updates = engine.segment(SegmentRequest(volume.volume_id, "fake", PromptSet((box,))))
next(updates)
print(engine.pid, flush=True)
while True:
    time.sleep(0.02)  # a signal that comes just before one long wait would not end it
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("arguments", [(), ("--hang-at", "1")])
def test_the_engine_ends_with_its_host_however_that_ends(
    end: signal.Signals, arguments: tuple[str, ...]
) -> None:
    paths = [REPOSITORY, REPOSITORY / "Testing", REPOSITORY / "Testing" / "transport"]
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
    )
    assert host.stdout is not None
    with host:
        try:
            pid = int(host.stdout.readline())
            host.send_signal(end)
            host.wait(30)
            assert has_ended(pid)
        finally:
            host.kill()


def serve_fake(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SERVE_FAKE), "--watch-stdin", *arguments],
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **variables},
    )


def test_a_taken_port_is_one_sentence() -> None:
    with bind() as taken:
        done = serve_fake("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "choose another port" in done.stderr


def test_a_weak_token_is_one_sentence() -> None:
    done = serve_fake(SAMLESION_TOKEN="short")
    assert done.returncode == 2
    assert "at least 16 printable" in done.stderr


def test_a_server_without_a_token_makes_one_up() -> None:
    said = [json.loads(line) for line in serve_fake().stdout.splitlines() if line.startswith("{")]
    assert len(said) == 1
    assert len(said[0]["token"]) > 30


def test_other_computers_are_not_served() -> None:
    with pytest.raises(errors.InputError, match="this computer only"):
        bind("0.0.0.0")


def test_a_large_volume_costs_each_side_one_copy(launch: Launch) -> None:
    psutil = pytest.importorskip("psutil")
    engine = launch()
    engine.start()
    child = psutil.Process(engine.pid)
    shape = (256, 512, 512)
    volume = Volume(np.zeros(shape, np.int16))
    volume.voxels.base[100:110, 200:300, 200:300] = 500  # type: ignore[index, union-attr]
    n_bytes = volume.voxels.nbytes
    ours, theirs = _PeakMemory(psutil.Process()), _PeakMemory(child)
    with ours, theirs:
        engine.load_volume(volume)
    box = PromptSet((BoxPrompt(IndexBox((200, 200, 100), (310, 310, 103))),))
    mask, _ = collect(engine.segment(SegmentRequest(volume.volume_id, "fake", box)), volume.shape_ijk)
    assert mask.any()
    assert theirs.grown < 1.25 * n_bytes
    assert ours.grown < 1.25 * n_bytes  # np.zeros takes its memory when it is first read


class _PeakMemory:
    """How much a process grew at most, looked at all the time from a thread."""

    def __init__(self, process: object) -> None:
        self._process, self._stop = process, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> None:
        self._start = self._peak = self._rss()
        self._thread.start()

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        return self._peak - self._start

    def _look(self) -> None:
        while not self._stop.wait(0.005):
            self._peak = max(self._peak, self._rss())

    def _rss(self) -> int:
        return self._process.memory_info().rss  # type: ignore[attr-defined]
