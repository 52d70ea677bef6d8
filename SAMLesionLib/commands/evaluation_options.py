"""The options of an evaluation, and the settings they make."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from SAMLesionLib.commands.engine_options import DEFAULT_MODEL
from SAMLesionLib.errors import InputError
from SAMLesionLib.prompts import OrganPrompt

if TYPE_CHECKING:
    from SAMLesionLib.evaluation.settings import EvaluationSettings


def add_evaluation_options(parser: argparse.ArgumentParser) -> None:
    """Models, prompts, lesions, and who does the work. Nothing has a default here: a replay has its own."""
    _add_reading(parser)
    add_lesion_options(parser).add_argument(
        "--limit", type=_positive, metavar="N", help="only the first N cases"
    )
    _add_work(parser)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("models and prompts")
    group.add_argument(
        "--model",
        type=_names,
        dest="models",
        metavar="NAME[,NAME...]",
        help=f"`samlesion models list`, or an opponent: official-lite-medsam, box-fill, otsu, midpoint, "
        f"connected-threshold, growcut, random-walker; default {DEFAULT_MODEL}",
    )
    group.add_argument(
        "--reader",
        metavar="NAME",
        help="who draws: box3d, box2d, boxes-every-k, recist, cvpr25, sammed3d or tags; default box3d",
    )
    group.add_argument(
        "--clicks",
        type=_positive,
        metavar="N",
        help="clicks, for cvpr25 (default 5), sammed3d (10) and tags (3)",
    )
    group.add_argument(
        "--every", type=_positive, metavar="K", help="slices from box to box, for boxes-every-k; default 5"
    )
    group.add_argument(
        "--jitter", type=_whole, metavar="PX", help="move each side of a box out by 0 to PX voxels; default 0"
    )
    group.add_argument(
        "--in-plane",
        action="store_const",
        const=True,
        help="with --jitter: the first and the last slice of a 3D box stay",
    )
    group.add_argument(
        "--organ",
        metavar="WORD",
        help="the organ that the lesions lie in, for models that take it (tags); default: what the data set "
        "says. Its mask is given where the data set has one",
    )
    group.add_argument("--seed", type=_whole, metavar="N", help="of everything random; default 0")
    group.add_argument(
        "--tolerance", type=_amount, dest="tolerance_mm", metavar="MM", help="of the NSD, in mm; default 2"
    )


def add_lesion_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """How a data set is read, and what in it is a lesion."""
    group = parser.add_argument_group("lesions")
    group.add_argument(
        "--label",
        type=_whole,
        metavar="V",
        help="label value of lesions; default: what the data set names so, or all",
    )
    group.add_argument("--channel", type=_whole, metavar="C", help="channel of multi-channel images, from 0")
    group.add_argument(
        "--components",
        action=argparse.BooleanOptionalAction,
        help="each connected piece is a lesion (default), or all of a case are one",
    )
    group.add_argument(
        "--least-ml", type=_amount, metavar="X", help="leave out lesions below X ml; default 0"
    )
    group.add_argument(
        "--least-voxels", type=_positive, metavar="N", help="leave out lesions below N voxels; default 1"
    )
    group.add_argument(
        "--layout", metavar="NAME", help="of the data set, where it is not found out by itself"
    )
    return group


def _add_work(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("work")
    group.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda", "mps"),
        help="where models run; default auto: a GPU when there is one",
    )
    group.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        help="arithmetic of image encoders; default auto",
    )
    group.add_argument(
        "--workers",
        type=_positive,
        metavar="N",
        help="processes that share the cores, 1 or more; default: one a GPU, else one for every 4 cores",
    )
    group.add_argument(
        "--ray", metavar="ADDRESS", help="work on a Ray cluster; `local` starts one here (extra: ray)"
    )


def settings_of(args: argparse.Namespace) -> EvaluationSettings:
    """The settings that the options describe, or those of the run that is replayed.

    Raises:
        InputError: when something needed is missing, or given although the replayed run decides it.
    """
    from SAMLesionLib.commands.evaluation_models import check_models
    from SAMLesionLib.evaluation.settings import EvaluationSettings
    from SAMLesionLib.evaluation.worker import simulated_reader

    names = {field.name for field in fields(EvaluationSettings)} & set(vars(args))
    given = {name: value for name, value in vars(args).items() if name in names and value is not None}
    if args.replay:
        return _replayed(args.replay, given)
    if args.dataset is None:
        raise InputError(
            "A data set is needed: a folder of cases or a CSV file. See samlesion evaluate --help."
        )
    given = {"models": (DEFAULT_MODEL,), "reader": "box3d"} | given
    if "organ" in given:
        given["organ"] = OrganPrompt(given["organ"]).word
    given["dataset"] = str(Path(args.dataset).resolve())  # as workers elsewhere find it
    settings = EvaluationSettings(**given)
    check_models(settings.models)
    return replace(settings, reader=simulated_reader(settings).name)


def command_of(settings: EvaluationSettings, output: Path) -> str:
    """What to type for this run; only what differs from the defaults."""
    if settings.replay_of:
        return f"samlesion evaluate --replay {settings.replay_of} -o {output}"
    plain = type(settings)(settings.dataset, settings.models, settings.reader)
    flags = {"tolerance_mm": "tolerance"}
    models = ",".join(settings.models)
    words = [f"samlesion evaluate {settings.dataset} --model {models} --reader {settings.reader}"]
    for field in fields(settings)[3:]:
        value = getattr(settings, field.name)
        if value != getattr(plain, field.name):
            flag = flags.get(field.name, field.name).replace("_", "-")
            switch = "--no-components" if field.name == "components" else f"--{flag}"
            words.append(switch if isinstance(value, bool) else f"--{flag} {quote(str(value))}")
    return " ".join([*words, f"-o {output}"])


def _replayed(folder: Path, given: dict[str, Any]) -> EvaluationSettings:
    from SAMLesionLib.evaluation.journal import read_settings

    free = {"dataset", "device", "precision"}
    if set(given) - free:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(set(given) - free))
        raise InputError(f"A replay takes its settings from {folder}, but got {named} too. Leave that out.")
    return replace(read_settings(folder), replay_of=str(folder), **given)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise argparse.ArgumentTypeError("at least one model is needed")
    return names


def _whole(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"a whole number of 0 or more is needed, got {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number of 1 or more is needed, got {text!r}")
    return int(text)


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of 0 or more is needed, got {text!r}")
    return value
