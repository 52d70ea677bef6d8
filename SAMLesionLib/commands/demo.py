"""`samlesion demo`: the main job on a real brain tumour, compared with the expert's contour."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.commands import console
from SAMLesionLib.commands.engine_options import add_engine_options, engine_from, model_card
from SAMLesionLib.commands.sample import Case, read_case
from SAMLesionLib.prompts import BoxPrompt
from SAMLesionLib.volume import Volume

if TYPE_CHECKING:
    from SAMLesionLib.commands.job import Lesion
    from SAMLesionLib.io import LesionPrompts

DESCRIPTION = """Segments the two lesions of a brain tumour MR from one 3D box each. Writes brain1.seg.nrrd
(open it in 3D Slicer) and brain1.png, and prints how well they agree with the expert: Dice (0 to 1),
normalised surface Dice at 2 mm (0 to 1), volumes in ml, times in seconds, memory in MB."""
TOLERANCE_MM = 2.0
Mask = npt.NDArray[np.bool_]


def add_parser(verbs: Any) -> None:
    """Describe the verb to argparse."""
    parser = verbs.add_parser(
        "demo",
        help="segment a brain tumour that comes with the program",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("demo"),
        metavar="FOLDER",
        help="where to write; default: demo",
    )
    add_engine_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Segment, write, draw, and compare."""
    from SAMLesionLib.commands.job import segment_lesions
    from SAMLesionLib.io import make_folder, write_segmentation

    card = model_card(args.model)
    make_folder(args.output)
    case = read_case()
    lesions = list(segment_lesions(engine_from(args), case.volume, case.lesions, card.name))
    segmentation, picture = args.output / "brain1.seg.nrrd", args.output / "brain1.png"
    write_segmentation(segmentation, [lesion.segment for lesion in lesions], case.volume)
    result = compare(case, lesions) | {"segmentation": str(segmentation)}
    if _draw(picture, case, lesions, result):
        result["picture"] = str(picture)
    console.print_json(result) if args.json else _print_table(result)
    return 0


def compare(case: Case, lesions: Sequence[Lesion]) -> dict[str, Any]:
    """How well the masks agree with the expert's, and what they cost, as plain values."""
    from SAMLesionLib.io import peak_memory_bytes

    masks = [whole_mask(lesion, case.volume) for lesion in lesions]
    experts = [_inside(case.expert, asked) for asked in case.lesions]
    names = [lesion.segment.name for lesion in lesions]
    rows = [_agreement(*row, case.volume) for row in zip(names, masks, experts, strict=True)]
    rows.append(_agreement("Together", np.logical_or.reduce(masks), case.expert, case.volume))
    report = lesions[-1].report
    return {
        "lesions": rows,
        "encode_s": round(sum(x.report.encode_s for x in lesions), 4),
        "n_encoded": sum(x.report.n_encoded for x in lesions),
        "per_prompt_s": round(sum(x.report.decode_s for x in lesions) / len(lesions), 4),
        "peak_memory_mb": round(peak_memory_bytes() / 1e6, 1),
        "model": report.model,
        "weights_sha256": report.weights_sha256,
        "device": report.device,
        "precision": report.precision,
        "version": report.version,
    }


def whole_mask(lesion: Lesion, volume: Volume) -> Mask:
    """A lesion on the grid of its volume, (k, j, i)."""
    mask = np.zeros(volume.voxels.shape, bool)
    mask[lesion.segment.block.slices_kji()] = lesion.segment.mask
    return mask


def _inside(expert: Mask, asked: LesionPrompts) -> Mask:
    """The expert's lesion that a reader's box was drawn around."""
    box = asked.prompts.of(BoxPrompt)[0].box.slices_kji()
    lesion = np.zeros_like(expert)
    lesion[box] = expert[box]
    return lesion


def _agreement(name: str, mask: Mask, expert: Mask, volume: Volume) -> dict[str, Any]:
    from SAMLesionLib.metrics import dice, nsd, volume_ml

    return {
        "name": name,
        "dice": round(dice(expert, mask), 4),
        "nsd_2mm": round(nsd(expert, mask, volume.affine, TOLERANCE_MM), 4),
        "ml": round(volume_ml(mask, volume.affine), 3),
        "expert_ml": round(volume_ml(expert, volume.affine), 3),
    }


def _draw(path: Path, case: Case, lesions: Sequence[Lesion], result: dict[str, Any]) -> bool:
    try:
        from SAMLesionLib.commands.picture import draw_case
    except ModuleNotFoundError:
        console.say(
            'samlesion: no picture, since matplotlib is not installed: pip install "samlesion[figures]"'
        )
        return False
    together = result["lesions"][-1]
    title = f"Dice {together['dice']:.2f}  ·  NSD at 2 mm {together['nsd_2mm']:.2f}  ·  {result['model']}"
    draw_case(path, case, [whole_mask(lesion, case.volume) for lesion in lesions], title)
    return True


def _print_table(result: dict[str, Any]) -> None:
    print(f"{'':<10}{'Dice':>8}{'NSD 2 mm':>11}{'ours':>11}{'expert':>11}")
    for row in result["lesions"]:
        print(
            f"{row['name']:<10}{row['dice']:>8.3f}{row['nsd_2mm']:>11.3f}"
            f"{row['ml']:>8.2f} ml{row['expert_ml']:>8.2f} ml"
        )
    print(f"\nseconds to encode    {result['encode_s']:8.2f}   ({result['n_encoded']} images)")
    print(f"seconds per prompt   {result['per_prompt_s']:8.2f}   (one 3D box, already encoded)")
    print(f"peak memory          {result['peak_memory_mb']:8.0f} MB")
    print(f"{result['model']} on {result['device']} ({result['precision']})")
    for key in ("segmentation", "picture"):
        if key in result:
            print(f"wrote {result[key]}")
