"""`samlesion study new` and `size`: the beginning of a study, and how many cases it needs."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SAMLesionLib.errors import InputError

if TYPE_CHECKING:
    from SAMLesionLib.study.design import StudyDesign
    from SAMLesionLib.study.design_templates import DesignTemplate


def add_parsers(actions: Any) -> None:
    """Describe both actions to argparse."""
    _add_new(actions)
    _add_size(actions)


def _add_new(actions: Any) -> None:
    parser = actions.add_parser(
        "new",
        help="begin a study: write its design.toml",
        description="Begin a study: write its design.toml.",
    )
    parser.add_argument("study", type=Path, metavar="STUDY", help="folder of the study")
    parser.set_defaults(run=_new)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="PATH", help="data set as `samlesion evaluate` takes it")
    source.add_argument("--sample", action="store_true", help="the brain tumour that comes with the program")
    source.add_argument("--phantoms", type=int, metavar="N", help="N small made-up scans with lesions")
    parser.add_argument("--label", type=int, metavar="V", help="label value of lesions in the data set")
    parser.add_argument("--readers", default="R1,R2", metavar="ID[,ID...]", help="default R1,R2")
    parser.add_argument(
        "--template", default="assisted", metavar="NAME", help="assisted or medsam-adrenal; default assisted"
    )
    _add_arms(parser)
    _add_order(parser)


def _add_arms(parser: argparse.ArgumentParser) -> None:
    arms = parser.add_mutually_exclusive_group()
    arms.add_argument(
        "--model", default="", metavar="NAME", help="of the assisted arm; see `samlesion models list`"
    )
    arms.add_argument(
        "--arms",
        default="",
        metavar="ARM[,ARM...]",
        help="manual, correct (mend a mask that is there) or a model's name; the first is the baseline; "
        "default: the template's",
    )
    parser.add_argument(
        "--starts", type=Path, metavar="DIR", help="masks to correct, named like the cases: DIR/NAME.nii.gz"
    )


def _add_order(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scheme", metavar="NAME", help="latin-square, random-blocks or sequence; default: the template's"
    )
    parser.add_argument(
        "--washout",
        type=float,
        metavar="DAYS",
        help="until a reader meets a case again; default: the template's",
    )
    parser.add_argument(
        "--repeats", type=int, default=0, metavar="N", help="cases to read once more; default 0"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of everything random; default 1")
    parser.add_argument(
        "--unblinded",
        action="store_true",
        help="tell readers the titles of the arms, and with them the models",
    )


def _add_size(actions: Any) -> None:
    parser = actions.add_parser(
        "size",
        help="how many cases a study needs",
        description="How many cases a paired t test on log times needs.",
    )
    parser.add_argument("--saving", type=float, required=True, metavar="PERCENT", help="that shall be found")
    parser.add_argument(
        "--spread",
        type=float,
        default=0.4,
        metavar="SD",
        help="standard deviation between cases of the log ratio of both times; default 0.4",
    )
    parser.add_argument(
        "--power", type=float, default=0.8, metavar="P", help="chance to find it; default 0.8"
    )
    parser.add_argument("--level", type=float, default=0.05, metavar="A", help="of the test; default 0.05")
    parser.set_defaults(run=_size)


def _new(args: argparse.Namespace) -> int:
    from SAMLesionLib.commands.study_cases import source_of
    from SAMLesionLib.study.design_file import DESIGN
    from SAMLesionLib.study.design_templates import find_template
    from SAMLesionLib.study.new_design import begin_study, check_free

    check_free(args.study)
    template = find_template(args.template)
    draft = _draft(template, args)
    source = source_of(args)
    if args.starts is not None and all(arm.method != "correct" for arm in draft.arms):
        raise InputError(
            "--starts names masks to correct, but no arm corrects any. Add correct to --arms, or leave out "
            "--starts."
        )
    design = begin_study(args.study, draft, source, template.about)
    n = len(design.cases)
    print(f"wrote {args.study / DESIGN} with {n} {'case' if n == 1 else 'cases'}.")
    print("Read it, change it, then deal the work lists:")
    print(f"samlesion study deal {args.study}")
    return 0


def _draft(template: DesignTemplate, args: argparse.Namespace) -> StudyDesign:
    """What the options ask for, without cases."""
    from SAMLesionLib.models.registry import find

    words = [word.strip() for word in args.arms.split(",")] if args.arms else []
    design = template.with_arms(words or (["manual", args.model] if args.model else []))
    for arm in design.arms:
        if arm.model:
            find(arm.model)
    order = replace(design.order, repeat_cases=args.repeats, is_arm_blinded=not args.unblinded)
    if args.scheme is not None:
        order = replace(order, scheme=args.scheme)
    if args.washout is not None:
        order = replace(order, washout_days=args.washout)
    readers = tuple(name.strip() for name in args.readers.split(","))
    return replace(design, readers=readers, seed=args.seed, order=order)


def _size(args: argparse.Namespace) -> int:
    from SAMLesionLib.study.sample_size import cases_needed

    n = cases_needed(args.saving / 100, args.spread, args.power, args.level)
    print(
        f"{n} cases, each read in both arms, find a saving of {args.saving:g} % with a chance of "
        f"{args.power:.0%} (two-sided paired t test on log times, level {args.level:g}, spread "
        f"{args.spread:g})."
    )
    return 0
