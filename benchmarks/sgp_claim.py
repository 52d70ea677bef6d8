"""SGP-SAM's claim in small: gates and Zoom Loss against other ways to teach a trained network new lesions.

All arms start from one small pretrained network, see the same cubes in the same order, and take as many
steps: real sarcomas in MR, CT and PET, and synthetic scans with many small lesions. They are judged by
cubes of patients and shapes that no arm has seen, with one click and after two corrections.

    python benchmarks/sgp_claim.py --base BASE.safetensors --data FOLDER [--steps N] [--seeds N] [-o DIR]

BASE is a checkpoint of sgp-sam-small; what it has learned in its gates and fusion is dropped. FOLDER holds
`shapes/permissive_shapes.npz` and `lesions/sts_train`. An interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import as_in_the_engine  # noqa: F401
import numpy as np
import torch
from safetensors.torch import load_file, save_file

from SAMLesionLib.models.registry import find
from SAMLesionLib.models.sgp_sam import NEW_KEYS
from SAMLesionLib.reports.statistics import Estimate, estimate
from SAMLesionLib.training.asking import ask
from SAMLesionLib.training.batches import batch_of
from SAMLesionLib.training.checkpoints import LAST
from SAMLesionLib.training.config import read_config
from SAMLesionLib.training.judging import JUDGING_SEED, dice
from SAMLesionLib.training.loop import train
from SAMLesionLib.training.opening import open_run
from SAMLesionLib.training.team import Team

HELD_OUT = tuple(f"STS_{number:03}" for number in (3, 6, 10, 14, 17, 19, 32, 36, 41))
N_JUDGED = 48
SIZES = ("small", "middle", "large")
CLICKS = {"deepest": 0.5, "near_middle": True, "keep": True, "mask_only": 0.0}
PLAIN = {"gates": {"mode": "closed"}, "loss": {"name": "dice-ce"}}
ARMS: dict[str, dict[str, Any]] = {
    "zero-shot": {"tune": {"method": "zero-shot"}, **PLAIN},
    "full fine-tuning": {"tune": {"method": "full"}, **PLAIN},
    "decoder only": {"tune": {"method": "decoder"}, **PLAIN},
    "LoRA": {"tune": {"method": "lora"}, **PLAIN},
    "adapter": {"tune": {"method": "adapter"}, **PLAIN},
    "SGP, DiceCE": {"tune": {"method": "sgp"}, "loss": {"name": "dice-ce"}},
    "SGP-SAM": {"tune": {"method": "sgp"}, "loss": {"name": "zoom"}},
}
"""What differs between the arms, as in a run file; SGP-SAM is gates, fusion, decoder and Zoom Loss."""


class Row(NamedTuple):
    """One judged cube.

    Attributes:
        arm: how the network was taught.
        seed: of its training.
        name: of the cube.
        voxels: of the lesion, in cells of the cube.
        first: Dice after one click.
        last: Dice after two corrections.
        is_open: share of the gates that were open.
    """

    arm: str
    seed: int
    name: str
    voxels: int
    first: float
    last: float
    is_open: float


def run_file(arm: str, seed: int, base: Path, data: Path, steps: int) -> dict[str, Any]:
    """The run of an arm."""
    left_out = [*(f"sarcoma_{patient}" for patient in HELD_OUT), "ms26_"]
    table: dict[str, Any] = {
        "model": "sgp-sam-small",
        "start": str(base),
        "seed": seed,
        "steps": steps,
        "threads": 1,
        "log_every": 25,
        "save_every": steps,
        "data": {
            "source": "synthetic",
            "shapes": str(data / "shapes" / "permissive_shapes.npz"),
            "arrays": str(data / "lesions" / "sts_train"),
            "leave_out": left_out,
            "validation": list(HELD_OUT),
            "framed_share": 0.3,
        },
        "prompts": {"least": 1, "most": 2, **CLICKS},
        "batch": {"samples": 1, "workers": 1},
        "optimizer": {"lr": 5e-4, "weight_decay": 0.05},
        # The last checkpoint is judged, below, so that no arm is helped by a choice among many.
        "validation": {"every": steps, "samples": 1, "prompts": {"least": 3, "most": 3, **CLICKS}},
    }
    return table | ARMS[arm]


def judged(arm: str, seed: int, table: dict[str, Any], folder: Path) -> Iterator[Row]:
    """The trained network of an arm, asked about cubes that it has not seen."""
    config = read_config(table)
    run = open_run(config, folder, resume=(folder / LAST).exists(), team=Team())  # zero-shot writes none
    source = config.data.open(find(config.model), "validation")
    run.network.eval()
    run.set_gates(1.0)
    for number in range(N_JUDGED):
        sample = source.sample(number, JUDGING_SEED)
        batch, rng = batch_of([sample], number), torch.Generator().manual_seed(number)
        with torch.inference_mode(), run.arithmetic.autocast():
            rounds = ask(run.network, batch, rng, config.validation)
        scores = [float(dice(logits, batch.labels)) for logits in rounds.logits]
        is_open = float(torch.stack([gate.is_open.float() for gate in rounds.gates]).mean())
        yield Row(arm, seed, sample.name, int(batch.labels.sum()), scores[0], scores[-1], is_open)


def all_rows(base: Path, data: Path, steps: int, seeds: int, folder: Path) -> list[Row]:
    """Every arm with every seed; finished ones are read from their tables."""
    rows: list[Row] = []
    for seed in range(1, seeds + 1):
        for arm in ARMS if seed == 1 else [arm for arm in ARMS if arm != "zero-shot"]:
            place = folder / f"{arm.replace(' ', '-').replace(',', '')}-{seed}"
            table, done = run_file(arm, seed, base, data, steps), place / "judged.csv"
            if not done.exists():
                train(read_config(table), place, resume=(place / LAST).exists())
                found = list(judged(arm, seed, table, place))
                with done.open("w", newline="") as file:
                    csv.writer(file).writerows([Row._fields, *found])
            with done.open(newline="") as file:
                rows += [
                    Row(r["arm"], int(r["seed"]), r["name"], int(r["voxels"]), float(r["first"]),
                        float(r["last"]), float(r["is_open"]))
                    for r in csv.DictReader(file)
                ]  # fmt: skip
            print_table(rows)
    return rows


def size_of(row: Row, rows: list[Row]) -> str:
    """Which third of the lesions a lesion belongs to."""
    thirds = np.quantile([r.voxels for r in rows], (1 / 3, 2 / 3))
    return SIZES[int(np.searchsorted(thirds, row.voxels))]


def print_table(rows: list[Row]) -> None:
    """Dice with 95 % intervals over patients and shapes, by size, and how often gates are open."""
    print(f"\n{'arm':18} {'1 click':>21} {'+ 2 corrections':>21}  by size (1 click)        gates open")
    for arm in dict.fromkeys(row.arm for row in rows):
        mine = [row for row in rows if row.arm == arm]
        thirds = [[row for row in mine if size_of(row, rows) == size] for size in SIZES]
        whole = [_said(mean_of(mine, what)) for what in ("first", "last")]
        sizes = " / ".join(f"{np.mean([row.first for row in third]):.3f}" for third in thirds)
        opened = " / ".join(f"{np.mean([row.is_open for row in third]):.2f}" for third in thirds)
        print(f"{arm:18} {whole[0]:>21} {whole[1]:>21}  {sizes}    {opened}", flush=True)


def mean_of(rows: list[Row], what: str) -> Estimate:
    """The mean, and its interval over whole patients and shapes, each with all its cubes and seeds."""
    return estimate((row.name.split()[-1], getattr(row, what)) for row in rows)


def _said(found: Estimate) -> str:
    return f"{found.mean:.3f} ({found.low:.3f}-{found.high:.3f})"


def draw(rows: list[Row], path: Path) -> None:
    """Dice by lesion size, and the share of open gates."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    arms = list(dict.fromkeys(row.arm for row in rows))
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), width_ratios=(3, 1), layout="constrained")
    width = 0.8 / len(arms)
    for at, arm in enumerate(arms):
        mine = [row for row in rows if row.arm == arm]
        thirds = [[row for row in mine if size_of(row, rows) == size] for size in SIZES]
        found = [mean_of(third, "first") for third in thirds]
        means = [e.mean or 0.0 for e in found]
        errors = [[m - (e.low or m), (e.high or m) - m] for e, m in zip(found, means, strict=True)]
        places = np.arange(len(SIZES)) + (at - (len(arms) - 1) / 2) * width
        left.bar(places, means, width, yerr=np.transpose(errors), label=arm, error_kw={"lw": 0.8})
        if arm.startswith("SGP"):
            right.plot(SIZES, [np.mean([r.is_open for r in third]) for third in thirds], "o-", label=arm)
    left.set(ylabel="Dice after one click", ylim=(0, 1), xticks=range(3), xticklabels=SIZES)
    left.legend(fontsize=8, ncols=4, loc="upper center")
    right.set(ylabel="share of open gates", ylim=(-0.02, 1.02))
    right.legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/sgp-claim"))
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    base = args.output / "base.safetensors"
    if not base.exists():
        save_file({k: v for k, v in load_file(args.base).items() if not k.startswith(NEW_KEYS)}, base)
    draw(all_rows(base, args.data, args.steps, args.seeds, args.output), args.output / "claim.png")


if __name__ == "__main__":
    main()
