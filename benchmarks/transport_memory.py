"""What a large volume costs on its way: peak memory of both processes, and the time.

Run: python benchmarks/transport_memory.py [--slices N]
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing")]  # the library and the fakes, installed or not

from SAMLesionLib import Volume  # noqa: E402
from SAMLesionLib.transport import LaunchSettings, LocalEngine  # noqa: E402

SERVE_FAKE = ROOT / "Testing" / "transport" / "serve_fake.py"


class Peak:
    """The most memory a process held beyond what it held at the start, sampled every 5 ms."""

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)
        self._start_bytes = self._peak_bytes = self._process.memory_info().rss
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._stop.wait(0.005):
            self._peak_bytes = max(self._peak_bytes, self._process.memory_info().rss)

    def grown_bytes(self) -> int:
        """End the measurement."""
        self._stop.set()
        self._thread.join()
        return self._peak_bytes - self._start_bytes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, default=600, help="of 512 x 512 int16; default 600")
    n_slices = parser.parse_args().slices
    voxels = np.random.default_rng(0).integers(-1000, 3000, (n_slices, 512, 512), dtype=np.int16)
    volume = Volume(voxels, name="large")
    with LocalEngine(LaunchSettings((sys.executable, str(SERVE_FAKE), "--watch-stdin"))) as engine:
        engine.start()
        ours, theirs = Peak(), Peak(engine.pid)
        start = time.perf_counter()
        engine.load_volume(volume)
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        engine.load_volume(volume)
        again_ms = 1000 * (time.perf_counter() - start)
        ours_grown, theirs_grown = ours.grown_bytes(), theirs.grown_bytes()
    size = voxels.nbytes
    print(
        f"512 x 512 x {n_slices} int16: {size / 1e6:.0f} MB, sent in {seconds:.2f} s, again {again_ms:.1f} ms"
    )
    print(
        f"client: {ours_grown / size:.2f} of the volume more at its peak; engine: {theirs_grown / size:.2f}"
    )


if __name__ == "__main__":
    main()
