"""What an evaluation costs beside the model: reading cases, drawing prompts, measuring masks.

One worker, in a process of its own as `samlesion evaluate` runs it. The goal is an overhead under 5 % of the
model's time.

    python benchmarks/evaluation_overhead.py [FOLDER] [--reader NAME] [--limit N] [--threads N]

FOLDER is a data set as `samlesion evaluate` takes it; without it, the bundled sample is used.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from SAMLesionLib.commands.evaluation_models import EngineAndOpponents
from SAMLesionLib.evaluation.rows import Row
from SAMLesionLib.evaluation.run import run_evaluation
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.evaluation.worker import WorkOrder, dataset_of
from SAMLesionLib.evaluation.workers import ProcessSlot

MODEL = "lite-medsam"
SAMPLES = Path(__file__).resolve().parent.parent / "SAMLesionLib" / "samples"


def main() -> None:
    """Measure and print."""
    args = _arguments()
    settings = EvaluationSettings(
        str(args.folder.resolve()), (MODEL,), args.reader, limit=args.limit, least_voxels=50
    )
    order = WorkOrder(settings, EngineAndOpponents("cpu", "auto"), args.threads)
    with tempfile.TemporaryDirectory() as folder:
        dataset = dataset_of(settings)
        rows = run_evaluation(settings, dataset, Path(folder), [ProcessSlot(order)], lambda done, total: None)
    cases = [_times(rows, row) for row in rows if row.wall_s is not None]
    print(f"{'case':<24}{'model (s)':>12}{'overhead (s)':>14}{'share':>9}")
    for name, model_s, overhead_s in cases:
        print(f"{name:<24}{model_s:>12.2f}{overhead_s:>14.2f}{overhead_s / model_s:>9.1%}")
    model_s, overhead_s = (sum(case[n] for case in cases) for n in (1, 2))
    print(f"{'all':<24}{model_s:>12.2f}{overhead_s:>14.2f}{overhead_s / model_s:>9.1%}")


def _times(rows: list[Row], first: Row) -> tuple[str, float, float]:
    """A case's name, the model's seconds and the seconds of everything else."""
    whole = [row for row in rows if row.case == first.case and row.is_whole_case]
    model_s = sum(row.seconds or 0.0 for row in whole) + (first.load_s or 0.0)
    return first.case, model_s, (first.wall_s or 0.0) - model_s


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=SAMPLES, help="data set")
    parser.add_argument("--reader", default="box3d", help="simulated reader; default box3d")
    parser.add_argument("--limit", type=int, help="only so many cases")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads; default 2")
    return parser.parse_args()


if __name__ == "__main__":
    main()
