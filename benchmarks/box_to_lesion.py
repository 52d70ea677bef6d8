"""One 3D box a lesion: our procedure beside the official one, the plain one and the classical tools.

Every method gets the same boxes: tight ones, and the same with each side moved out by 0 to 5 voxels as
people draw them. Prints the Dice of each case (all its lesions together) and the means.

    python benchmarks/box_to_lesion.py FOLDER [--case NAME]... [--seeds N] [--precision float32]

FOLDER holds NAME/image.nrrd and NAME/label.nrrd; without it, the bundled sample is used.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from SAMLesionLib import BoxPrompt, PromptSet, SegmentRequest, Volume, collect
from SAMLesionLib.datasets import Case, open_dataset
from SAMLesionLib.engine import Engine
from SAMLesionLib.engine.plans import SlicePlan
from SAMLesionLib.evaluation.opponents import opponents
from SAMLesionLib.evaluation.readers import Reader, find_reader
from SAMLesionLib.imaging import slab
from SAMLesionLib.metrics import dice, nsd
from SAMLesionLib.protocol import Segmenter

LEAST_VOXELS = 50
LOOSEST_VOXELS = 5
OURS, OFFICIAL, PLAIN = "SAMLesion", "official", "same box"
METHODS = {
    OURS: "lite-medsam",
    OFFICIAL: "official-lite-medsam",
    PLAIN: "same-box",
    "box fill": "box-fill",
    "ellipsoid": "ellipsoid",
    "Otsu": "otsu",
    "midpoint": "midpoint",
    "connected": "connected-threshold",
    "GrowCut": "growcut",
    "rand. walker": "random-walker",
}
"""The columns, and the model or opponent behind each."""

SAMPLES = Path(__file__).parent.parent / "SAMLesionLib" / "samples"
Scores = dict[str, tuple[float, float]]
"""Dice and NSD at 2 mm of every method."""


def main() -> None:
    """Measure every case and print the tables."""
    args = _arguments()
    engine = Engine(precision=args.precision, threads=args.threads)
    segmenters = {name: _segmenter(model, engine) for name, model in METHODS.items()}
    dataset = open_dataset(args.folder, least_voxels=LEAST_VOXELS)
    loosened = "loosened 0 to 5 voxels" + (" within the slices" if args.in_plane else "")
    for boxes_are, jitter, n_seeds in (("tight", 0, 1), (loosened, LOOSEST_VOXELS, args.seeds)):
        reader = find_reader("box3d", jitter=jitter, in_plane=args.in_plane)
        rows = {}
        for name in args.case or dataset.case_names:
            case = dataset.load(name)
            rows[name] = _mean([measure(segmenters, case, reader, seed) for seed in range(n_seeds)])
            print(f"  {name} done", file=sys.stderr, flush=True)
        _print_table(f"One 3D box a lesion, {boxes_are}", rows)


def measure(segmenters: Mapping[str, Segmenter], case: Case, reader: Reader, seed: int) -> Scores:
    """The scores of one case, all of its lesions together."""
    rng = np.random.default_rng(seed)
    drawn = [reader.first(case, lesion, rng) for lesion in case.lesions]
    scores = {}
    for name, segmenter in segmenters.items():
        mask = _answer(segmenter, METHODS[name], case.volume, drawn)
        scores[name] = dice(case.reference, mask), nsd(case.reference, mask, case.volume.affine, 2.0)
    for segmenter in segmenters.values():
        segmenter.unload_volume(case.volume.volume_id)
    return scores


def _answer(segmenter: Segmenter, model: str, volume: Volume, drawn: Sequence[PromptSet]) -> np.ndarray:
    """Every voxel that the model finds from one of the drawings."""
    volume_id = segmenter.load_volume(volume)
    mask = np.zeros(volume.voxels.shape, bool)
    for prompts in drawn:
        mask |= collect(segmenter.segment(SegmentRequest(volume_id, model, prompts)), volume.shape_ijk)[0]
    return mask


def _segmenter(model: str, engine: Engine) -> Segmenter:
    make = opponents().get(model)
    return engine if make is None else make(_axial_slices, lambda: engine)


def _axial_slices(prompts: PromptSet, volume: Volume) -> SlicePlan:
    """The box in each slice along k, as LiteMedSAM's script has it, whatever the spacing."""
    box = prompts.of(BoxPrompt)[0].box
    return SlicePlan(2, tuple(slab(box, 2, k) for k in range(box.start_ijk[2], box.stop_ijk[2])))


def _mean(runs: Sequence[Scores]) -> Scores:
    return {name: tuple(np.mean([run[name] for run in runs], axis=0)) for name in runs[0]}


def _print_table(title: str, rows: Mapping[str, Scores]) -> None:
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
