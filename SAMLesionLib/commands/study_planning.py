"""`samlesion study new` and `size`: the beginning of a study, and how many cases it needs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


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
    parser.add_argument(
        "--model", default="", metavar="NAME", help="of the assisted arm; see `samlesion models`"
    )
    parser.add_argument(
        "--repeats", type=int, default=0, metavar="N", help="cases to read once more; default 0"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of everything random; default 1")


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
    from SAMLesionLib.commands.study_cases import cases_of
    from SAMLesionLib.study.design_file import DESIGN
    from SAMLesionLib.study.new_design import check_free, write_design

    check_free(args.study)
    cases = cases_of(args)
    readers = [name.strip() for name in args.readers.split(",")]
    write_design(args.study, cases, readers, args.template, args.model, args.repeats, args.seed)
    print(f"wrote {args.study / DESIGN} with {len(cases)} {'case' if len(cases) == 1 else 'cases'}.")
    print("Read it, change it, then deal the work lists:")
    print(f"samlesion study deal {args.study}")
    return 0


def _size(args: argparse.Namespace) -> int:
    from SAMLesionLib.study.sample_size import cases_needed

    n = cases_needed(args.saving / 100, args.spread, args.power, args.level)
    print(
        f"{n} cases, each read in both arms, find a saving of {args.saving:g} % with a chance of "
        f"{args.power:.0%} (two-sided paired t test on log times, level {args.level:g}, spread "
        f"{args.spread:g})."
    )
    return 0
