"""What a reader waits for: the first box on a slice, a second box on it, and what the server adds.

Boxes in one slice of a synthetic 512 x 512 x 40 CT, with OpenVINO (the extra `fast-cpu`) and with torch alone
in this process, and through a real `samlesion serve` on loopback, which has the faster of the two. They take
turns. Another box lies elsewhere on the same, encoded slice. A small box (under an eighth of the slice) gets
a closer look: the first one in a tile encodes that tile, the next ones find it.

    python benchmarks/interaction.py [--repeats N] [--threads N]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from importlib.util import find_spec
from statistics import median
from time import perf_counter

import numpy as np

from SAMLesionLib import Affine, BoxPrompt, IndexBox, PromptSet, Segmenter, SegmentRequest, Volume, collect
from SAMLesionLib.engine import Engine
from SAMLesionLib.engine.networks import TorchSam
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
    in_torch = Engine(threads=args.threads, prepare=lambda loaded, on: TorchSam(loaded.network, on))
    engines: dict[str, Segmenter] = {"torch": in_torch}
    if find_spec("openvino") is not None:
        engines["OpenVINO"] = Engine(threads=args.threads)
    fastest = list(engines)[-1]
    with LocalEngine() as server:
        large = _times({**engines, "server": server}, LARGE, args.repeats)
    small = _times(engines, SMALL, args.repeats)
    for name in engines:
        first, another = large[name]
        _tell(f"{name}: first box on a slice (encoded on the way)", first)
        _tell(f"{name}: another box on the encoded slice", another)
        _tell(f"{name}: first small box in a tile", small[name][0])
    _tell(f"{fastest}, through the server: another box", large["server"][1])
    _tell("the server adds", large["server"][1] - large[fastest][1])


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


def _times(
    segmenters: Mapping[str, Segmenter], half_ijk: tuple[int, int], repeats: int
) -> dict[str, tuple[float, float]]:
    """For each, seconds for the first box and the median of boxes on a slice that is encoded."""
    volume = a_scan(half_ijk)
    first, others = {}, defaultdict(list)

    def seconds(segmenter: Segmenter, box: IndexBox) -> float:
        request = SegmentRequest(volume.volume_id, MODEL, PromptSet((BoxPrompt(box),)))
        start = perf_counter()
        collect(segmenter.segment(request), volume.shape_ijk)
        return perf_counter() - start

    for name, segmenter in segmenters.items():
        segmenter.load_volume(volume)
        seconds(segmenter, _box(0, 10, half_ijk))  # the model is loaded and warm, and slice 20 is new
        first[name] = seconds(segmenter, _box(0, 20, half_ijk))
    for n in range(repeats):
        for name, segmenter in segmenters.items():
            others[name].append(seconds(segmenter, _box(1 + n % 19, 20, half_ijk)))
    return {name: (first[name], median(others[name])) for name in segmenters}


def _box(number: int, k: int, half_ijk: tuple[int, int]) -> IndexBox:
    """One voxel thick: the reader wants this slice alone."""
    (i_half, j_half), j, i = half_ijk, 60 + 90 * (number // 5), 60 + 90 * (number % 5)
    return IndexBox((i - i_half - 2, j - j_half - 2, k), (i + i_half + 3, j + j_half + 3, k + 1))


def _tell(what: str, seconds: float) -> None:
    print(f"{what:<56}{seconds * 1000:8.1f} ms")


if __name__ == "__main__":
    main()
