"""How long the panel keeps the thread of the views from working while the engine works.

Run `python benchmarks/ui_blocking.py` (needs the extras `slicer` and `test`). The panel runs in the test host
with a 512 x 512 x 300 scan and 40 lesions; the engine is a process of its own that answers slice by slice.
Every call of the panel's timer is timed, by the clock and by the processor time of the thread (which other
programs cannot make longer), and a second timer of 1 ms notes the longest pause between its own calls. The
aim is 30 ms.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "Testing" / "module"), str(ROOT / "SAMLesion")]

from fakes import FAKE_MODEL  # noqa: E402 -- after the path
from panel_cases import FakeCommands  # noqa: E402
from panel_fixtures import MODULE_FILE, factsOf, openPanel  # noqa: E402
from slicer_host.host import SlicerHost  # noqa: E402

from SAMLesionLib import BoxPrompt, IndexBox  # noqa: E402
from SAMLesionLib.transport import LaunchSettings, LocalEngine  # noqa: E402

SHAPE_KJI = (300, 512, 512)
LARGE = IndexBox((200, 210, 100), (296, 306, 164))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lesions", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with SlicerHost() as host, tempfile.TemporaryDirectory() as folder:
        host.load_module(MODULE_FILE)
        panel = open_panel(host, Path(folder))
        clock = Clock(panel)
        open_scan(panel)
        report("opening the scan", clock, panel)
        mark_lesions(panel, options.lesions)
        report(f"sending it, and {options.lesions} lesions", clock, panel)
        for n in range(options.repeats):
            ask_for_a_large_lesion(panel, n)
            work(panel)
        report(f"{options.repeats} masks of 64 slices, one slice at a time", clock, panel)
        host.leave_module()
        panel.engine.restart()


def open_panel(host: Any, folder: Path) -> Any:
    from SAMLesionQt.services import Services

    serve = (sys.executable, str(ROOT / "Testing" / "transport" / "serve_fake.py"), "--watch-stdin")
    services = Services(
        makeSegmenter=lambda *_: LocalEngine(LaunchSettings(command=serve)),
        commands=FakeCommands({"list": [factsOf(FAKE_MODEL)]}),
        journalFolder=folder,
    )
    panel = openPanel(host, services)
    while panel.models.model is None:
        host.app.processEvents()
    return panel


class Clock:
    """Times each call of the panel's timer, and the pauses between the calls of a timer of its own."""

    def __init__(self, panel: Any) -> None:
        import qt

        self._tick = panel.tick
        panel._timer.disconnect("timeout()")
        panel._timer.connect("timeout()", self.tick)
        self._heart = qt.QTimer()
        self._heart.setInterval(1)
        self._heart.connect("timeout()", self.beat)
        self._heart.start()
        self.clear()

    def clear(self) -> None:
        """Forget what was timed so far."""
        self.ticks_ms: list[float] = []
        self.cpu_ms: list[float] = []
        self.pauses_ms: list[float] = []
        self._last = time.perf_counter()

    def tick(self) -> None:
        """Do what the panel's timer does, and time it."""
        wall, cpu = time.perf_counter(), time.thread_time()
        self._tick()
        self.ticks_ms.append(1e3 * (time.perf_counter() - wall))
        self.cpu_ms.append(1e3 * (time.thread_time() - cpu))

    def beat(self) -> None:
        """Note how long the thread had no time for this."""
        now = time.perf_counter()
        self.pauses_ms.append(1e3 * (now - self._last))
        self._last = now


def open_scan(panel: Any) -> None:
    import slicer

    voxels = np.random.default_rng(0).integers(0, 40, SHAPE_KJI, dtype=np.int16)
    voxels[LARGE.slices_kji()] += 200
    panel.ui.volumeSelector.setCurrentNode(slicer.util.addVolumeFromArray(voxels, name="scan"))


def mark_lesions(panel: Any, n: int) -> None:
    controller = panel.desk.session.controller
    for number in range(n):
        lesion_id = controller.add_lesion()
        start = (60 * (number % 8), 90 * (number // 8), 7 * number % 270)
        box = IndexBox(start, tuple(np.add(start, (50, 60, 4))))
        controller.annotation.add_prompt(lesion_id, BoxPrompt(box))
    work(panel)


def ask_for_a_large_lesion(panel: Any, n: int) -> None:
    controller = panel.desk.session.controller
    controller.annotation.add_prompt(controller.add_lesion(), BoxPrompt(LARGE.grow((n, 0, 0))))


def work(panel: Any) -> None:
    """Let the panel's own timer run until everything is shown and measured."""
    import slicer

    session = panel.desk.session
    deadline = time.monotonic() + 0.2
    while session.controller.is_busy or session.table.is_measuring or time.monotonic() < deadline:
        slicer.app.processEvents()


def report(title: str, clock: Clock, panel: Any) -> None:
    import slicer

    slicer.app.processEvents()
    for name, values in (
        ("a call of ours", clock.ticks_ms),
        ("its processor time", clock.cpu_ms),
        ("pause of the thread", clock.pauses_ms),
    ):
        if values:
            median, most = np.percentile(values, [50, 99])
            print(
                f"{title:<46} {name:<19} median {median:6.2f}  99 % {most:6.2f}  longest {max(values):6.2f} "
                f"ms ({len(values)} times)"
            )
    clock.clear()


if __name__ == "__main__":
    main()
