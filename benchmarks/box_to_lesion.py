"""One 3D box a lesion: our procedure beside the official one, the plain one and the classical tools.

Every method gets the same boxes: tight ones, and the same with each side moved out by 0 to 5 voxels as
people draw them. Prints the Dice of each case (all its lesions together) and the means.

    python benchmarks/box_to_lesion.py FOLDER [--case NAME]... [--seeds N] [--precision float32]

FOLDER holds NAME/image.nrrd and NAME/label.nrrd; without it, the bundled sample is used.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from procedures import CLASSICAL, official_lite_medsam, same_box_in_every_slice
from scipy import ndimage

from SAMLesionLib import BoxPrompt, IndexBox, PromptSet, SegmentRequest, Volume, collect
from SAMLesionLib.engine import Engine
from SAMLesionLib.io import read_mask, read_volume
from SAMLesionLib.metrics import dice, nsd

MODEL = "lite-medsam"
LEAST_VOXELS = 50
LOOSEST_VOXELS = 5
OURS, OFFICIAL, PLAIN = "SAMLesion", "official", "same box"
SAMPLES = Path(__file__).parent.parent / "SAMLesionLib" / "samples"


def main() -> None:
    """Measure every case and print the tables."""
    args = _arguments()
    engine = Engine(precision=args.precision, threads=args.threads)
    folders = [f.parent for f in sorted(args.folder.glob("*/label.nrrd"))]
    chosen = [f for f in folders if (f.name in args.case if args.case else "organ" not in f.name)]
    loosened = "loosened 0 to 5 voxels" + (" within the slices" if args.in_plane else "")
    for boxes_are, seeds in (("tight", [None]), (loosened, list(range(args.seeds)))):
        rows = {}
        for folder in chosen:
            rows[folder.name] = _mean([_case(engine, folder, seed, args.in_plane) for seed in seeds])
            print(f"  {folder.name} done", file=sys.stderr, flush=True)
        _print_table(f"One 3D box a lesion, {boxes_are}", rows)


def _case(
    engine: Engine, folder: Path, seed: int | None, in_plane: bool = False
) -> dict[str, tuple[float, float]]:
    """Dice and NSD at 2 mm of every method on one case."""
    volume = read_volume(folder / "image.nrrd", modality=_modality(folder))
    regions, lesions = lesions_of(read_mask(folder / "label.nrrd", volume))
    reference = np.isin(regions, [n for n, _ in lesions])
    rng = np.random.default_rng(seed)
    boxes = [box if seed is None else loosen(box, rng, volume.block, in_plane) for _, box in lesions]
    engine.load_volume(volume)
    scores = {}
    for name, method in _methods(engine).items():
        mask = np.zeros(reference.shape, bool)
        for box in boxes:
            mask |= method(volume, box)
        scores[name] = (dice(reference, mask), nsd(reference, mask, volume.affine, 2.0))
    engine.unload_volume(volume.volume_id)
    return scores


def _methods(engine: Engine) -> dict[str, Callable[[Volume, IndexBox], np.ndarray]]:
    predictor = engine.predictor(MODEL)

    def ours(volume: Volume, box: IndexBox) -> np.ndarray:
        request = SegmentRequest(volume.volume_id, MODEL, PromptSet((BoxPrompt(box),)))
        return collect(engine.segment(request), volume.shape_ijk)[0]

    return {
        OURS: ours,
        OFFICIAL: lambda volume, box: official_lite_medsam(predictor, volume, box),
        PLAIN: lambda volume, box: same_box_in_every_slice(predictor, volume, box),
        **CLASSICAL,
    }


def lesions_of(mask: np.ndarray) -> tuple[np.ndarray, list[tuple[int, IndexBox]]]:
    """The 26-connected parts of a mask (numbered) and the tight boxes of those of 50 voxels or more."""
    regions, n = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes = np.bincount(regions.ravel(), minlength=n + 1)
    found = []
    for number, (k, j, i) in enumerate(ndimage.find_objects(regions), start=1):
        if sizes[number] >= LEAST_VOXELS:
            found.append((number, IndexBox((i.start, j.start, k.start), (i.stop, j.stop, k.stop))))
    return regions, found


def loosen(box: IndexBox, rng: np.random.Generator, whole: IndexBox, in_plane: bool = False) -> IndexBox:
    """The box with each of its six sides (four, within the slices) moved out by 0 to 5 voxels."""
    out = rng.integers(0, LOOSEST_VOXELS + 1, 6)
    if in_plane:
        out[[2, 5]] = 0
    start, stop = np.subtract(box.start_ijk, out[:3]), np.add(box.stop_ijk, out[3:])
    return IndexBox(tuple(start), tuple(stop)).intersect(whole)


def _modality(folder: Path) -> str:
    manifest = folder.parent / "manifest.json"
    if not manifest.exists():
        return "MR"
    cases = json.loads(manifest.read_text(encoding="utf-8"))["cases"]
    said = next((c["modality"] for c in cases if c["name"] == folder.name), "OT")
    return next((m for m in ("CT", "MR", "PT") if said.startswith(m)), "OT")


def _mean(runs: list[dict[str, tuple[float, float]]]) -> dict[str, tuple[float, float]]:
    return {name: tuple(np.mean([run[name] for run in runs], axis=0)) for name in runs[0]}


def _print_table(title: str, rows: dict[str, dict[str, tuple[float, float]]]) -> None:
    names = list(next(iter(rows.values())))
    width = max(map(len, [*rows, "mean NSD at 2 mm"]))
    print(f"\n{title}: Dice\n{'':{width}}" + "".join(f"{n:>13}" for n in names))
    for case, scores in rows.items():
        print(f"{case:{width}}" + "".join(f"{scores[n][0]:13.3f}" for n in names))
    for label, n_metric in (("mean Dice", 0), ("mean NSD at 2 mm", 1)):
        means = {n: np.mean([scores[n][n_metric] for scores in rows.values()]) for n in names}
        print(f"{label:{width}}" + "".join(f"{means[n]:13.3f}" for n in names))
    gain = np.mean([s[OURS][0] - s[OFFICIAL][0] for s in rows.values()])
    worst = min((s[OURS][0] - s[PLAIN][0], case) for case, s in rows.items())
    print(f"{OURS} - {OFFICIAL}: {gain:+.3f} mean Dice")
    print(f"{OURS} - {PLAIN}: {worst[0]:+.3f} in the worst case ({worst[1]})", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=SAMPLES, help="folder of cases")
    parser.add_argument("--case", action="append", default=[], help="only this case; may be repeated")
    parser.add_argument("--seeds", type=int, default=1, help="how many times boxes are loosened; default 1")
    parser.add_argument("--in-plane", action="store_true", help="loosen within the slices only")
    parser.add_argument("--precision", default="auto", help="of the encoder; default as users get it")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads; default all cores")
    return parser.parse_args()


if __name__ == "__main__":
    main()
