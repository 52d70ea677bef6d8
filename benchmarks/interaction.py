"""What a reader waits for: the first box on a slice, a second box on it, and what the server adds.

Boxes in one slice of a synthetic 512 x 512 x 40 CT, through the engine in this process and through a real
`samlesion serve` on loopback. Another box lies elsewhere on the same, encoded slice. A small box (under an
eighth of the slice) gets a closer look: the first one in a tile encodes that tile, the next ones find it.

    python benchmarks/interaction.py [--repeats N] [--threads N]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

from SAMLesionLib import Affine, BoxPrompt, IndexBox, PromptSet, Segmenter, SegmentRequest, Volume, collect
from SAMLesionLib.engine import Engine
from SAMLesionLib.transport import LocalEngine

MODEL = "lite-medsam"
LARGE, SMALL = (36, 40), (14, 18)
"""Half the size of the lesions, in voxels along i and j."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=20, help="second boxes; default 20")
    parser.add_argument("--threads", type=int, help="CPU threads; default all cores")
    args = parser.parse_args()
    engine = Engine(threads=args.threads)
    here = _times(engine, LARGE, args.repeats)
    small = _times(engine, SMALL, args.repeats)
    with LocalEngine() as server:
        there = _times(server, LARGE, args.repeats)
    print(f"first box on a slice (encoded on the way):  {here[0] * 1000:8.1f} ms")
    print(f"another box on the encoded slice:           {here[1] * 1000:8.1f} ms")
    print(f"the same through the server:                {there[1] * 1000:8.1f} ms")
    print(f"the server adds:                            {(there[1] - here[1]) * 1000:8.1f} ms")
    print(f"first over another box:                     {here[0] / here[1]:8.1f} times")
    print(f"first small box in a tile:                  {small[0] * 1000:8.1f} ms")


def a_scan(half_ijk: tuple[int, int]) -> Volume:
    """Soft tissue with 20 bright blobs and noise, in HU."""
    rng = np.random.default_rng(0)
    voxels = rng.normal(40, 12, (40, 512, 512)).astype(np.int16)
    k, j, i = np.ogrid[:40, :512, :512]
    for number in range(20):
        at = (20, 60 + 90 * (number // 5), 60 + 90 * (number % 5))
        inside = ((k - at[0]) / 4) ** 2 + ((j - at[1]) / half_ijk[1]) ** 2 + (
            (i - at[2]) / half_ijk[0]
        ) ** 2 <= 1
        voxels[inside] += 60
    return Volume(voxels, Affine.from_spacing((0.8, 0.8, 3.0)), "phantom", "CT")


def _times(segmenter: Segmenter, half_ijk: tuple[int, int], repeats: int) -> tuple[float, float]:
    """Seconds for the first box, and the median of boxes on a slice that is encoded."""
    volume = a_scan(half_ijk)
    volume_id = segmenter.load_volume(volume)

    def ask(box: IndexBox) -> Callable[[], object]:
        request = SegmentRequest(volume_id, MODEL, PromptSet((BoxPrompt(box),)))
        return lambda: collect(segmenter.segment(request), volume.shape_ijk)

    _seconds(ask(_box(0, 10, half_ijk)))  # the model is loaded and warm, and slice 20 is new
    first = _seconds(ask(_box(0, 20, half_ijk)))
    return first, median(_seconds(ask(_box(1 + n % 19, 20, half_ijk))) for n in range(repeats))


def _box(number: int, k: int, half_ijk: tuple[int, int]) -> IndexBox:
    """One voxel thick: the reader wants this slice alone."""
    (i_half, j_half), j, i = half_ijk, 60 + 90 * (number // 5), 60 + 90 * (number % 5)
    return IndexBox((i - i_half - 2, j - j_half - 2, k), (i + i_half + 3, j + j_half + 3, k + 1))


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


if __name__ == "__main__":
    main()
