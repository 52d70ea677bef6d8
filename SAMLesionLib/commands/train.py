"""`samlesion train`: a network learns from your data, or from synthetic scans, as a run file says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from SAMLesionLib.errors import InputError
from SAMLesionLib.io import atomic_write

TABLE = "table.md"
EXAMPLES = """examples:
  a run file holds what differs from the defaults:
    model = "sgp-sam-small"
    steps = 20000
    [data]
    source = "synthetic"
  train, and go on after a break:
    samlesion train run.toml -o runs/first
    samlesion train run.toml -o runs/first --resume
  change a value for once:
    samlesion train run.toml -o runs/second --set optimizer.lr=1e-4 --set batch.samples=2
  four GPUs of one machine:
    torchrun --nproc-per-node 4 -m SAMLesionLib.cli train run.toml -o runs/third
  SGP-SAM against its baselines on the Decathlon's livers, with the weights of SAM-Med3D:
    samlesion models download sam-med3d
    samlesion train --reproduce sgp-sam-msd-liver --data Task03_Liver -o liver
  TAGS and its ablations on the Decathlon's pancreases, with the weights of SAM and CLIP:
    samlesion models download sam-vit-b
    samlesion train --reproduce tags-msd-pancreas --data Task07_Pancreas --set words.clip=ViT-L-14.pt

Writes best.safetensors (for `samlesion models import --custom`), last.safetensors and what
--resume needs, log.csv and validation.csv. A recipe writes a folder an arm and table.md; the same command
goes on.
exit codes: 0 done; 1 training failed or was stopped; 2 something given cannot be used.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb to argparse."""
    parser = verbs.add_parser(
        "train",
        help="train a network",
        usage="samlesion train CONFIG.toml [-o DIR] [options], or --reproduce RECIPE --data DIR",
        description=__doc__,
        epilog=EXAMPLES,
    )
    parser.add_argument("config", type=Path, nargs="?", metavar="CONFIG.toml", help="the run file")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for the results (default: the name of the run file or the recipe)",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    parser.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a value of the run file for this time; can be repeated",
    )
    parser.add_argument(
        "--reproduce",
        metavar="RECIPE",
        help="sgp-sam-msd-liver, sgp-sam-msd-brain, tags-msd-pancreas, tags-kits or tags-lits",
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data set's folder, for --reproduce")
    parser.add_argument(
        "--arms",
        type=lambda text: tuple(name.strip() for name in text.split(";")),
        default=(),
        metavar="NAME[;NAME...]",
        help="only these arms of a recipe",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train what the run file says, or every arm of a recipe."""
    if bool(args.config) == bool(args.reproduce):
        raise InputError("Name one run file, or a recipe with --reproduce. See samlesion train --help.")
    return _reproduce(args) if args.reproduce else _train(args)


def _train(args: argparse.Namespace) -> int:
    from SAMLesionLib.training.checkpoints import BEST
    from SAMLesionLib.training.config import read_config
    from SAMLesionLib.training.loop import train
    from SAMLesionLib.training.tables import merge, read_changes, read_toml
    from SAMLesionLib.training.team import join_team

    table = read_toml(args.config)
    merge(table, read_changes(args.changes))
    config = read_config(table)
    folder = args.output or args.config.with_suffix("")
    with join_team() as team:
        best = train(config, folder, args.resume, team)
    if team.leads:
        is_loss = config.validation.best_at == "loss"
        told = f"best validation {'loss' if is_loss else 'Dice'} {abs(best):.4f}"
        has_best = (folder / BEST).exists()
        print(f"{told}, in {folder}" if has_best else f"{told}, before the first step: none was better")
    return 0


def _reproduce(args: argparse.Namespace) -> int:
    from SAMLesionLib.training.comparison import comparison
    from SAMLesionLib.training.point_comparison import point_comparison
    from SAMLesionLib.training.recipe import find_data, read_recipe
    from SAMLesionLib.training.reproduction import reproduce
    from SAMLesionLib.training.tables import read_changes
    from SAMLesionLib.training.team import join_team

    recipe = read_recipe(args.reproduce)
    if args.data is None:
        raise InputError(f"--reproduce needs the folder of {recipe.task}: name it with --data.")
    data, folder = find_data(recipe, args.data), args.output or Path(args.reproduce)
    with join_team() as team:
        results = reproduce(recipe, data, folder, args.arms, read_changes(args.changes), team)
    if team.leads:
        table = point_comparison(recipe, results) if recipe.points else comparison(recipe, results)
        with atomic_write(folder / TABLE) as file:
            file.write(table.encode())
        print(table, end="")
    return 0
