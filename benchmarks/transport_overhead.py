"""What the wire adds to an answer: the same box asked here and through a server on loopback.

The segmenter is the tests' threshold, so what remains is transport: JSON, packed blocks, sockets, and
one thread change a slice. Both sides are measured alternately in one run.

Run: python benchmarks/transport_overhead.py
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing")]  # the library and the fakes, installed or not

from fakes import FakeSegmenter, a_lesion_volume  # noqa: E402

from SAMLesionLib import BoxPrompt, IndexBox, PromptSet, Segmenter, SegmentRequest, collect  # noqa: E402
from SAMLesionLib.transport import LaunchSettings, LocalEngine  # noqa: E402

SERVE_FAKE = ROOT / "Testing" / "transport" / "serve_fake.py"
RUNS = 40
SIZES_IJK = ((64, 64, 1), (64, 64, 24), (192, 192, 96))


def main() -> None:
    volume = a_lesion_volume((96, 256, 256))
    here = FakeSegmenter()
    with LocalEngine(LaunchSettings((sys.executable, str(SERVE_FAKE), "--watch-stdin"))) as there:
        for segmenter in (here, there):
            segmenter.load_volume(volume)
        for size in SIZES_IJK:
            box = BoxPrompt(IndexBox((16, 16, 0), (16 + size[0], 16 + size[1], size[2])))
            request = SegmentRequest(volume.volume_id, "fake", PromptSet((box,)))
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(RUNS):
                for segmenter, spent in zip((here, there), times, strict=True):
                    spent.append(_milliseconds(segmenter, request, volume.shape_ijk))
            direct, served = (statistics.median(spent) for spent in times)
            print(
                f"box of {' x '.join(map(str, size)):>14} voxels: {direct:6.2f} ms in the engine, "
                f"{served:6.2f} ms through the server, {served - direct:6.2f} ms more "
                f"({(served - direct) / size[2]:.2f} a slice)"
            )


def _milliseconds(segmenter: Segmenter, request: SegmentRequest, shape_ijk: tuple[int, int, int]) -> float:
    start = time.perf_counter()
    collect(segmenter.segment(request), shape_ijk)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
