"""Prompts as typed on the command line: text becomes the lesions to segment."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from SAMLesionLib.commands import console
from SAMLesionLib.commands.prompt_text import (
    box_2d_from_text,
    box_from_text,
    line_from_text,
    point_from_text,
)
from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine
from SAMLesionLib.prompts import BoxPrompt, OrganPrompt, Prompt, PromptSet
from SAMLesionLib.volume import Volume

if TYPE_CHECKING:
    from SAMLesionLib.io import LesionPrompts

OPTIONS_WITH_NUMBERS = frozenset({"--box", "--box-2d", "--point", "--line", "--window"})
"""Options whose value may begin with a minus sign."""


_DRAWN = (
    (
        "--box",
        "I0,J0,K0,I1,J1,K1",
        "a 3D box: the first voxel and one past the last, along i, j and k (half-open). With --frame "
        "ras or lps: two opposite corners in mm",
    ),
    (
        "--box-2d",
        "AXIS,INDEX,A0,B0,A1,B1",
        "a 2D box in the slice INDEX across AXIS (i, j or k); A and B are the other two axes in the "
        "order i, j, k, in voxels, half-open. Give it on several slices to follow a lesion's shape",
    ),
    (
        "--point",
        "I,J,K[,+|-]",
        "a click on the lesion (+, the default) or beside it (-), in voxels, or mm with --frame; for models "
        "that take clicks, such as sgp-sam-small",
    ),
    (
        "--line",
        "I0,J0,K0,I1,J1,K1",
        "a diameter from end to end, as in RECIST, in voxels, or mm with --frame; two lines in one "
        "slice are a long- and a short-axis cross. Give them on several slices to follow a lesion's shape",
    ),
)
"""Options for prompts that are typed: name, what is typed, and the help."""


def add_prompt_options(parser: argparse.ArgumentParser) -> None:
    """The options that say where the lesions are."""
    group = parser.add_argument_group(
        "prompts",
        "Each --box is one lesion and becomes one segment. 2D boxes, points and lines belong to the\n"
        "--box they lie in; without any --box they are all of one lesion. For several lesions with\n"
        "other prompts use --prompts. Every option may be given several times.",
    )
    for option, typed, said in _DRAWN:
        group.add_argument(option, action="append", default=[], metavar=typed, help=said)
    group.add_argument(
        "--prompts",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="prompts from a file: ours (.json, see docs/prompt-files.md) or 3D Slicer's markups "
        "(.mrk.json: ROI, point list, line)",
    )
    _add_organ_options(group)
    group.add_argument(
        "--frame",
        choices=("ijk", "ras", "lps"),
        default="ijk",
        help="what the numbers mean: voxel indices (ijk, the default), or millimetres in RAS (3D Slicer) or "
        "LPS (DICOM, ITK)",
    )


def _add_organ_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--organ",
        metavar="WORD",
        help="the organ that the lesions lie in, such as kidney; for models that take it (tags)",
    )
    group.add_argument(
        "--organ-mask",
        type=Path,
        metavar="FILE",
        help="that organ's mask: .seg.nrrd or a label map, all of its segments together; one on another grid "
        "is resampled. For models that take it (tags)",
    )


def lesions_of(args: argparse.Namespace, volume: Volume) -> list[LesionPrompts]:
    """The lesions that the options and prompt files describe.

    Raises:
        PromptError: when a value cannot be read, belongs to no lesion, or lies off the image.
    """
    from SAMLesionLib.io import LesionPrompts, read_prompts

    lesions = [lesion for path in args.prompts for lesion in read_prompts(path, volume.affine, args.frame)]
    for number, prompts in enumerate(_typed(args, volume.affine), len(lesions) + 1):
        lesions.append(LesionPrompts(f"Lesion {number}", prompts))
    if not lesions:
        raise PromptError(
            "At least one prompt is needed, got none. Give --box i0,j0,k0,i1,j1,k1 or --prompts FILE."
        )
    organ = _organ(args, volume)
    lesions = [LesionPrompts(x.name, PromptSet((*x.prompts, *organ))) for x in lesions]
    for lesion in lesions:
        lesion.prompts.check_inside(volume.shape_ijk, volume.name)
    return lesions


def _organ(args: argparse.Namespace, volume: Volume) -> list[Prompt]:
    """What was said of the organ, which is that of every lesion."""
    from SAMLesionLib.io.organ_masks import read_organ_mask

    said: list[Prompt] = [] if args.organ is None else [OrganPrompt(args.organ)]
    if args.organ_mask is not None:
        mask, notice = read_organ_mask(args.organ_mask, volume)
        said.append(mask)
        if notice:
            console.say(f"samlesion: {notice}")
    return said


def _typed(args: argparse.Namespace, affine: Affine) -> list[PromptSet]:
    boxes = [PromptSet((BoxPrompt(box_from_text(text, args.frame, affine)),)) for text in args.box]
    extras: list[_Typed] = [
        *(_Typed("--box-2d", text, box_2d_from_text(text, args.frame)) for text in args.box_2d),
        *(_Typed("--point", text, point_from_text(text, args.frame, affine)) for text in args.point),
        *(_Typed("--line", text, line_from_text(text, args.frame, affine)) for text in args.line),
    ]
    if not boxes:
        return [PromptSet(tuple(extra.prompt for extra in extras))] if extras else []
    for extra in extras:
        at = _home(extra, boxes)
        boxes[at] = boxes[at].add(extra.prompt)
    return boxes


@dataclass(frozen=True)
class _Typed:
    """A prompt and how it was typed, for the sentence when it finds no lesion."""

    option: str
    text: str
    prompt: Prompt


def _home(extra: _Typed, boxes: Sequence[PromptSet]) -> int:
    """Which box a prompt belongs to."""
    if len(boxes) == 1:
        return 0
    middle = extra.prompt.positions_ijk().mean(axis=0)
    inside = [n for n, prompts in enumerate(boxes) if prompts.of(BoxPrompt)[0].box.contains(middle)]
    if len(inside) != 1:
        where = "in none" if not inside else f"in {len(inside)}"
        raise PromptError(
            f"{extra.option} {extra.text} lies {where} of the {len(boxes)} boxes, so its lesion is not "
            "clear. Name the lesions in a file and give it with --prompts."
        )
    return inside[0]
