"""`samlesion segment`: a scan and prompts go in, a file of editable segments comes out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from SAMLesionLib.commands import console
from SAMLesionLib.commands.engine_options import add_engine_options, engine_from, model_card
from SAMLesionLib.commands.prompt_options import add_prompt_options, lesions_of
from SAMLesionLib.commands.prompt_text import window_from_text
from SAMLesionLib.volume import MODALITIES, Volume

if TYPE_CHECKING:
    from SAMLesionLib.commands.job import Lesion
    from SAMLesionLib.io import LesionPrompts
    from SAMLesionLib.models.cards import ModelCard

EXAMPLES = """examples:
  one lesion, one 3D box in voxels (the last three numbers are one past the box):
    samlesion segment brain.nrrd -o lesion.seg.nrrd --box 160,82,12,211,120,18
  two lesions, facts for a program on standard output:
    samlesion segment brain.nii.gz -o out.nii.gz --box 160,82,12,211,120,18 --box 177,123,11,208,156,13 --json
  one lesion, clicks on it and beside it, with a model that sees volumes:
    samlesion segment brain.nrrd -o out.nrrd --model sgp-sam-small --point 185,101,15 --point 140,99,15,-
  a DICOM folder and a box drawn in 3D Slicer:
    samlesion segment dicom/ -o lesion.seg.nrrd --prompts R.mrk.json
  the same as a DICOM segmentation of the same patient and study, for the archive:
    samlesion segment dicom/ -o lesion.dcm --prompts R.mrk.json
  a RECIST diameter in millimetres of the patient, soft-tissue window:
    samlesion segment ct.nii.gz -o out.seg.nrrd --line=-51.2,14,88,-22.5,20,88 --frame ras --window -160,240

exit codes: 0 done; 1 the engine failed; 2 something given cannot be used; 130 stopped.
Whatever goes wrong, a file that was there before stays as it was.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb to argparse."""
    parser = verbs.add_parser(
        "segment",
        help="segment lesions of one scan",
        usage="samlesion segment IMAGE -o OUT --box I0,J0,K0,I1,J1,K1 [more prompts] [options]",
        description=__doc__,
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "image", type=Path, metavar="IMAGE", help="NIfTI, NRRD or MetaImage file, or a DICOM folder"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="file to write: .seg.nrrd (3D Slicer segments with names, colours, provenance), a label map "
        ".nii.gz, .nii or .nrrd, or, beside a DICOM scan, a DICOM segmentation .dcm (needs samlesion[dicom])",
    )
    add_prompt_options(parser)
    image = parser.add_argument_group("image")
    image.add_argument("--series", help="which series of a DICOM folder: its number, description or UID")
    image.add_argument(
        "--modality",
        choices=MODALITIES,
        help="kind of scan, decides the intensity window; DICOM says it itself, other files count as OT",
    )
    image.add_argument(
        "--window",
        metavar="LOW,HIGH",
        help="grey values between which the model sees, in the image's units (HU for CT); default: the "
        "model's own recipe",
    )
    add_engine_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Segment, write, and tell."""
    start = perf_counter()
    from SAMLesionLib.commands.output import check_output, write_output

    check_output(args.output, args.image, args.series)
    card = model_card(args.model)
    window = window_from_text(args.window) if args.window else None
    volume = _read(args)
    lesions_asked = lesions_of(args, volume)
    _check_understood(card, lesions_asked)
    read_s = perf_counter() - start

    from SAMLesionLib.commands.job import segment_lesions

    engine = engine_from(args)
    with console.bar(len(lesions_asked), "Segmenting", "lesion") as bar:
        lesions: list[Lesion] = []
        for lesion in segment_lesions(
            engine, volume, lesions_asked, card.name, window, lambda f: _move(bar, len(lesions) + f)
        ):
            lesions.append(lesion)
    segments = [lesion.segment for lesion in lesions]
    write_output(args.output, segments, volume, args.image, args.series)
    _warn(lesions)
    result = summary(volume, lesions, args, read_s, perf_counter() - start)
    console.print_json(result) if args.json else _print_table(result)
    return 0


def summary(
    volume: Volume, lesions: Sequence[Lesion], args: argparse.Namespace, read_s: float, total_s: float
) -> dict[str, Any]:
    """Everything a program may want to know about a run, as plain values."""
    report = lesions[-1].report
    return {
        "image": str(args.image),
        "output": str(args.output),
        "shape_ijk": list(volume.shape_ijk),
        "spacing_mm": [round(v, 6) for v in volume.affine.spacing_mm],
        "model": report.model,
        "weights_sha256": report.weights_sha256,
        "device": report.device,
        "precision": report.precision,
        "version": report.version,
        "segments": [lesion.to_json() for lesion in lesions],
        "timings": {
            "read_s": round(read_s, 4),
            "encode_s": round(sum(x.report.encode_s for x in lesions), 4),
            "decode_s": round(sum(x.report.decode_s for x in lesions), 4),
            "total_s": round(total_s, 4),
        },
    }


def _read(args: argparse.Namespace) -> Volume:
    from SAMLesionLib.io import read_volume

    volume = read_volume(args.image, args.modality, args.series)
    volume.check_usable()
    return volume


def _check_understood(card: ModelCard, lesions: Sequence[LesionPrompts]) -> None:
    """Before torch is loaded: the engine would say the same, lesion by lesion and seconds later."""
    from SAMLesionLib.models.registry import MODELS

    models = tuple(model.info(is_available=True) for model in MODELS.values())
    for lesion in lesions:
        card.info(is_available=True).check_prompts(lesion.prompts, models)


def _move(bar: Any, to: float) -> None:
    bar.update(to - bar.n)


def _warn(lesions: Sequence[Lesion]) -> None:
    for lesion in lesions:
        for notice in lesion.report.notices:
            console.say(f"samlesion: {lesion.segment.name}: {notice}")
        if lesion.n_voxels == 0:
            name = lesion.segment.name
            console.say(f"samlesion: {name} came out empty. Draw a box close around the lesion.")


def _print_table(result: dict[str, Any]) -> None:
    width = max(len(s["name"]) for s in result["segments"])
    for s in result["segments"]:
        print(
            f"{s['name']:<{width}}  {s['voxels']:>9,} voxels  {s['ml']:>9.3f} ml  "
            f"longest axial diameter {s['longest_axial_diameter_mm']:.1f} mm"
        )
    timings = result["timings"]
    print(
        f"{result['output']}: {result['model']} on {result['device']} ({result['precision']}), "
        f"{timings['encode_s']:.2f} s to encode, {timings['decode_s']:.2f} s to decode, "
        f"{timings['total_s']:.2f} s in all"
    )
