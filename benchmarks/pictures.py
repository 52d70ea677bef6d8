"""How well models answer pictures: scans of one slice, each the largest cut through a lesion of a data set.

The small 3D model is put beside LiteMedSAM, which was made for pictures, in the same run.

    python benchmarks/pictures.py [FOLDER] [--least-voxels N] [--threads N]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

from SAMLesionLib import Affine, BoxPrompt, PointPrompt, PromptSet, SegmentRequest, Volume, collect
from SAMLesionLib.datasets import Case, Lesion, open_dataset
from SAMLesionLib.engine import Engine
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.metrics import dice

DATA = Path("../shared/data/lesions")

MOST_LESIONS = 2
"""Of each case, the largest."""

REFERENCE, OURS = "lite-medsam", "sgp-sam-small"


def main() -> None:
    """Ask each model about each picture, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=DATA, help=f"a data set [{DATA}]")
    parser.add_argument("--least-voxels", type=int, default=50, metavar="N", help="of a lesion [50]")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads [as many as cores]")
    options = parser.parse_args()
    engine = Engine("cpu", threads=options.threads)
    asked: dict[str, list[tuple[float, float]]] = {}
    for picture, lesion in pictures(options.folder, options.least_voxels):
        box, click = prompts(lesion)
        for name, model, prompt in (
            (f"{REFERENCE}, box", REFERENCE, box),
            (f"{OURS}, box", OURS, box),
            (f"{OURS}, click", OURS, click),
        ):
            asked.setdefault(name, []).append(answer(engine, model, picture, lesion, prompt))
    reference_s = np.median([seconds for _, seconds in asked[f"{REFERENCE}, box"]])
    print(f"{len(asked[f'{OURS}, box'])} pictures; median time over that of {REFERENCE}:")
    for name, found in asked.items():
        values, seconds = np.array(found).T
        print(f"  {name:22} Dice {values.mean():.3f}  {1e3 * np.median(seconds):6.0f} ms", end="  ")
        print(f"{np.median(seconds) / reference_s:.2f}")


def pictures(folder: Path, least_voxels: int) -> Iterator[tuple[Volume, npt.NDArray[np.bool_]]]:
    """Slices one millimetre thick, and the lesion in each, (k, j, i)."""
    dataset = open_dataset(folder, least_voxels=least_voxels)
    for name in dataset.case_names:
        case = dataset.load(name)
        for lesion in sorted(case.lesions, key=lambda lesion: -int(lesion.mask.sum()))[:MOST_LESIONS]:
            yield picture(case, lesion)


def picture(case: Case, lesion: Lesion) -> tuple[Volume, npt.NDArray[np.bool_]]:
    """The largest cut through a lesion, across the axis of the thickest voxels."""
    spacing_mm = np.array(case.volume.affine.spacing_mm)
    axis = 2 - int(np.argmax(spacing_mm[::-1]))  # axial where all are the same
    across = 2 - axis
    mask = lesion.whole(case.volume)
    largest = int(np.argmax(mask.sum(axis=tuple({0, 1, 2} - {across}))))
    voxels, cut = (np.ascontiguousarray(a.take([largest], across)) for a in (case.volume.voxels, mask))
    spacing_mm[axis] = 1.0
    return Volume(voxels, Affine.from_spacing(spacing_mm.tolist()), case.name, case.volume.modality), cut


def prompts(lesion: npt.NDArray[np.bool_]) -> tuple[BoxPrompt, PointPrompt]:
    """A tight box, and a click anywhere in the lesion."""
    box = IndexBox.of_mask(lesion)
    assert box is not None, "a lesion has voxels"
    inside = np.argwhere(lesion)
    k, j, i = (float(n) for n in inside[np.random.default_rng(0).integers(len(inside))])
    return BoxPrompt(box), PointPrompt((i, j, k))


def answer(
    engine: Engine,
    model: str,
    picture: Volume,
    lesion: npt.NDArray[np.bool_],
    prompt: BoxPrompt | PointPrompt,
) -> tuple[float, float]:
    """Dice and seconds, encoding included."""
    volume_id = engine.load_volume(picture)
    start = perf_counter()
    request = SegmentRequest(volume_id, model, PromptSet((prompt,)))
    found, _ = collect(engine.segment(request), picture.shape_ijk)
    seconds = perf_counter() - start
    engine.unload_volume(volume_id)
    return dice(lesion, found), seconds


if __name__ == "__main__":
    main()
