"""`samlesion train`: a network learns from your data, or from synthetic scans, as a run file says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

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

Writes best.safetensors and last.safetensors (weights that `samlesion models import` takes), what --resume
needs, log.csv and validation.csv.
exit codes: 0 done; 1 training failed or was stopped; 2 something given cannot be used.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb to argparse."""
    parser = verbs.add_parser(
        "train",
        help="train a network",
        usage="samlesion train CONFIG.toml [-o DIR] [options]",
        description=__doc__,
        epilog=EXAMPLES,
    )
    parser.add_argument("config", type=Path, metavar="CONFIG.toml", help="the run file")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for the results (default: the run file's name without its ending)",
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
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, and tell the best validation Dice."""
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
        print(f"best validation Dice {best:.4f}, in {folder}")
    return 0
