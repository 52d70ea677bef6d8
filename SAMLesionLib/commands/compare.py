"""`samlesion compare`: two runs of `samlesion evaluate` on the same cases, in pairs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from SAMLesionLib.evaluation.compare import Comparison

EXAMPLES = """examples:
  samlesion compare before after
  samlesion compare run-lite-medsam run-otsu -o comparison.html

Pairs the cases that both runs have, all lesions of a case as one mask, after the last step. Dice and NSD are
0 to 1, HD95 is in mm. Each model that both runs have is compared; runs of one model each may have different
models.
The difference is the second minus the first, with a 95 % interval; p is the Wilcoxon signed-rank test's.
exit codes: 0 done; 2 something given cannot be used.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb to argparse."""
    parser = verbs.add_parser(
        "compare", help="compare two evaluations case by case", description=__doc__, epilog=EXAMPLES
    )
    parser.add_argument(
        "first", type=Path, metavar="DIR_A", help="folder of a run, as given to evaluate with -o"
    )
    parser.add_argument("second", type=Path, metavar="DIR_B", help="folder of the run to compare with it")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("compare.html"),
        metavar="FILE",
        help="page to write, with charts and every case; default: compare.html. With several models the "
        "model's name is put before the ending",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare, draw, and tell."""
    from SAMLesionLib.evaluation.compare import compare_runs, write_comparison

    comparisons = compare_runs(args.first, args.second)
    for comparison in comparisons:
        output = args.output
        if len(comparisons) > 1:
            output = output.with_name(f"{output.stem}-{comparison.a.model}{output.suffix}")
        write_comparison(output, comparison)
        _print_table(comparison)
        print(f"wrote {output}\n")
    return 0


def _print_table(comparison: Comparison) -> None:
    from SAMLesionLib.evaluation.compare import TITLES
    from SAMLesionLib.reports.pages import number, p_value, signed

    a, b = comparison.a, comparison.b
    print(f"A: {a.model}, {a.name}\nB: {b.model}, {b.name}")
    print(f"{'':<22}{'cases':>6}{'A':>10}{'B':>10}{'B - A':>10}   {'95 % interval':<20}{'p':>8}")
    for name, told in comparison.metrics.items():
        spread = f"{signed(told.low)} to {signed(told.high)}" if told.low is not None else "-"
        print(
            f"{TITLES[name]:<22}{told.n:>6}{number(told.mean_a):>10}{number(told.mean_b):>10}"
            f"{signed(told.difference):>10}   {spread:<20}{p_value(told.p_value):>8}"
        )
    for note in sorted({told.note for told in comparison.metrics.values() if told.note}):
        print(note)
