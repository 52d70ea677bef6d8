"""`samlesion study`: how much annotation time is saved, from the design to the report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SAMLesionLib.commands import study_desk, study_planning, study_post
from SAMLesionLib.errors import InputError

if TYPE_CHECKING:
    from SAMLesionLib.study.summary import Summary

EXAMPLES = """examples:
  a study of your cases by two readers, and the protocol of MedSAM's paper:
    samlesion study new adrenal --data cases/ --readers R1,R2 --template medsam-adrenal
  freeze the design and write the readers' work lists; then a reader sits down:
    samlesion study deal adrenal
    samlesion study read adrenal --reader R1
  the report, at any time:
    samlesion study report adrenal -o report
  before people are asked: made-up scans, simulated readers, and whether the report finds what was planted:
    samlesion study new trial --phantoms 12 --readers R1,R2,R3
    samlesion study simulate trial --saving 70
    samlesion study report trial -o trial-report
  how many cases a saving of 30 % needs when ratios of times spread by 0.4 on the logarithm:
    samlesion study size --saving 30 --spread 0.4

exit codes: 0 done; 2 something given cannot be used; 130 stopped.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb to argparse."""
    parser = verbs.add_parser(
        "study", help="measure annotation time with readers", description=__doc__, epilog=EXAMPLES
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    study_planning.add_parsers(actions)
    _add(actions, "deal", "freeze the design and write the readers' work lists", _deal)
    study_desk.add_parsers(actions)
    study_post.add_parsers(actions)
    _add(actions, "status", "how far each reader is", _status)
    report = _add(actions, "report", "tables, figures and a page from what has been read so far", _report)
    report.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the report"
    )
    simulate = _add(actions, "simulate", "let simulated readers do the whole study", _simulate)
    simulate.add_argument(
        "--saving",
        type=float,
        metavar="PERCENT",
        help="time that each arm saves against the baseline; default: what the effort model says",
    )
    simulate.add_argument("--seed", type=int, default=0, metavar="N", help="of chance; default 0")


def _add(actions: Any, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=text, description=f"{text}.", epilog=EXAMPLES
    )
    parser.add_argument("study", type=Path, metavar="STUDY", help="folder of the study")
    parser.set_defaults(run=run)
    return parser


def _deal(args: argparse.Namespace) -> int:
    from SAMLesionLib.study.dealing import deal, without_reference
    from SAMLesionLib.study.study_folder import freeze

    study = freeze(args.study)
    for worklist in deal(study):
        print(f"{worklist.reader}: {len(worklist.tasks)} readings in {study.reader_folder(worklist.reader)}")
    if bare := without_reference(study):
        print(f"No reference mask for {', '.join(bare)}: the report needs them to measure quality.")
    print(f"The design is frozen as version {study.start.version}.")
    return 0


def _status(args: argparse.Namespace) -> int:
    from SAMLesionLib.study.status import study_status
    from SAMLesionLib.study.study_folder import read_study

    readers = study_status(read_study(args.study))
    print(f"{'reader':<12}{'readings':>9}{'finished':>9}{'begun':>7}{'skipped':>9}{'open':>6}")
    for told in readers:
        print(
            f"{told.reader:<12}{told.n_readings:>9}{told.n_finished:>9}{told.n_begun:>7}{told.n_skipped:>9}"
            f"{told.n_open:>6}"
        )
    return 0


def _report(args: argparse.Namespace) -> int:
    from SAMLesionLib.study.gathering import gather
    from SAMLesionLib.study.report import REPORT, write_report
    from SAMLesionLib.study.study_folder import read_study
    from SAMLesionLib.study.summary import summarise

    data = gather(read_study(args.study))
    summary = summarise(data)
    write_report(args.output, data, summary)
    _print_savings(summary)
    for sentence in summary.findings:
        print(sentence)
    print(f"wrote {args.output / REPORT}")
    return 0


def _simulate(args: argparse.Namespace) -> int:
    from SAMLesionLib.study.dealing import deal
    from SAMLesionLib.study.simulation.effort import EffortModel
    from SAMLesionLib.study.simulation.readers import Truth
    from SAMLesionLib.study.simulation.run import simulate_study
    from SAMLesionLib.study.study_folder import freeze

    if args.saving is not None and not args.saving < 100:
        raise InputError(f"--saving is {args.saving:g}, expected less than 100 per cent.")
    study = freeze(args.study)
    deal(study)
    others = [arm.id for arm in study.design.others]
    savings = {} if args.saving is None else dict.fromkeys(others, args.saving / 100)
    n = simulate_study(study, Truth(EffortModel(), savings, args.seed))
    print(f"{n} readings by {len(study.design.readers)} simulated readers in {args.study}")
    return 0


def _print_savings(summary: Summary) -> None:
    print(f"{'arm':<16}{'readers':<14}{'cases':>6}{'time saved':>12}   95 % interval")
    for told in summary.savings:
        saving = told.saving
        share = "-" if saving.saving is None else f"{saving.saving:.1%}"
        spread = (
            "-" if saving.low is None or saving.high is None else f"{saving.low:.1%} to {saving.high:.1%}"
        )
        print(f"{told.arm:<16}{told.reader:<14}{saving.n_cases:>6}{share:>12}   {spread}")
