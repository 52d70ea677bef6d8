"""`samlesion evaluate`: models and opponents on a data set, with the numbers that papers report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SAMLesionLib.commands import console
from SAMLesionLib.commands.evaluation_options import add_evaluation_options, command_of, settings_of

if TYPE_CHECKING:
    from SAMLesionLib.evaluation.settings import EvaluationSettings
    from SAMLesionLib.evaluation.workers import Slot

EXAMPLES = """examples:
  our model and what one would use instead, a tight 3D box for each lesion:
    samlesion evaluate lesions/ --model lite-medsam,official-lite-medsam,box-fill --reader box3d -o run
  the box and five clicks of the CVPR 2025 challenge, boxes drawn up to 5 voxels too wide, the first 20 cases:
    samlesion evaluate Task03_Liver/ --label 2 --reader cvpr25 --jitter 5 --limit 20 -o liver
  the same prompts once more:
    samlesion evaluate --replay run -o again
  on a Ray cluster:
    samlesion evaluate lesions/ --reader box3d --ray 10.0.0.1:6379 -o run

Writes cases.csv (one row a case, lesion, model and step), summary.json (means, intervals), report.html
(a page for people), prompts.jsonl and masks.jsonl. The same command resumes a run that was interrupted.
exit codes: 0 done; 1 the engine failed; 2 something given cannot be used; 130 stopped.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb to argparse."""
    parser = verbs.add_parser(
        "evaluate",
        help="measure models on a data set",
        usage="samlesion evaluate DATASET --model NAME[,NAME...] --reader NAME -o DIR [options]",
        description=__doc__,
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "dataset",
        nargs="?",
        metavar="DATASET",
        help="folder of NAME/image.nrrd and NAME/label.nrrd, of the Decathlon, nnU-Net or KiTS, or a CSV "
        "file of pairs",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the results"
    )
    parser.add_argument(
        "--replay",
        type=Path,
        metavar="DIR",
        help="give the prompts of an earlier run again, with its settings",
    )
    add_evaluation_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate, write, and tell."""
    # Before hours of work: what the pages need is here.
    from SAMLesionLib.evaluation.report import REPORT, write_report
    from SAMLesionLib.evaluation.run import run_evaluation
    from SAMLesionLib.evaluation.summary import summarise, write_summary
    from SAMLesionLib.evaluation.worker import dataset_of

    settings = settings_of(args)
    dataset = dataset_of(settings)
    n_cases = len(dataset.case_names[: settings.limit])
    with ExitStack() as stack:
        slots = _slots(args, settings, n_cases, stack)
        bar = stack.enter_context(console.bar(n_cases * len(settings.models), "Evaluating", "case"))
        rows = run_evaluation(settings, dataset, args.output, slots, lambda done, _: bar.update(done - bar.n))
    summary = summarise(rows, settings, dataset.describe())
    write_summary(args.output, summary)
    write_report(args.output, rows, summary, dataset, command_of(settings, args.output))
    _print_table(summary)
    print(f"wrote {args.output / REPORT}")
    return 0


def _slots(
    args: argparse.Namespace, settings: EvaluationSettings, n_cases: int, stack: ExitStack
) -> Sequence[Slot]:
    from SAMLesionLib.commands.evaluation_models import process_slots, ray_slots

    if not args.ray:
        return process_slots(settings, args.workers, n_cases)
    from SAMLesionLib.evaluation import cluster

    cluster.connect(args.ray, args.workers)
    stack.callback(cluster.disconnect)
    return ray_slots(settings, args.workers, n_cases)


def _print_table(summary: dict[str, Any]) -> None:
    width = max(map(len, ("model", *summary["models"])))
    print(f"{'model':<{width}}   Dice (95 % interval)    NSD   HD95 mm   s/prompt   failed")
    for name, told in summary["models"].items():
        cases, prompt = told["cases"], told["seconds_per_prompt"]["mean"]
        dice, nsd = cases["dice"], cases["nsd"]
        spread = f"({_figure(dice['low'])}-{_figure(dice['high'])})" if dice["low"] is not None else ""
        print(
            f"{name:<{width}}   {_figure(dice['mean'])} {spread:<16} {_figure(nsd['mean']):>6} "
            f"{_figure(cases['hd95_mm']['median'], 1):>9} {_figure(prompt, 2):>10} "
            f"{sum(told['failures'].values()):>8}"
        )


def _figure(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
