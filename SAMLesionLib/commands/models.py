"""`samlesion models`: which models there are, and their weights on this machine."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SAMLesionLib.commands import console

if TYPE_CHECKING:
    from SAMLesionLib.models.cards import ModelCard

EXAMPLES = """examples:
  samlesion models list
  samlesion models download medsam-vit-b
  samlesion models import medsam-vit-b ~/Downloads/medsam_vit_b.pth
"""
Action = Callable[[argparse.Namespace], int]


def add_parser(verbs: Any) -> None:
    """Describe the verb to argparse."""
    parser = verbs.add_parser(
        "models",
        help="list models; download, check, import or remove weights",
        description=__doc__,
        epilog=EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = _action(actions, "list", "all models, one a line; sizes in MB", list_models)
    listing.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    info = _action(actions, "info", "everything known about one model", show_model, has_name=True)
    info.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    fetching = _action(
        actions,
        "download",
        "fetch the published weights; resumes, and checks the hash",
        download,
        has_name=True,
    )
    fetching.add_argument(
        "--json", action="store_true", help="print the progress as JSON, an object a line, on standard output"
    )
    verify = _action(
        actions, "verify", "read weights whole and compare them with what was published", verify_models
    )
    verify.add_argument(
        "name", nargs="*", metavar="NAME", help="models to check; default: all whose weights are here"
    )
    taken = _action(
        actions, "import", "take a file as a model's weights (it is copied)", import_weights, has_name=True
    )
    taken.add_argument("file", type=Path, metavar="FILE", help="a .pth or .safetensors file")
    taken.add_argument(
        "--custom", action="store_true", help="accept weights that fit but are not the published ones"
    )
    _action(actions, "remove", "delete downloaded or imported weights", remove, has_name=True)


def list_models(args: argparse.Namespace) -> int:
    """One line a model."""
    from SAMLesionLib.models.registry import MODELS

    if args.json:
        console.print_json({"models": [_facts(card) for card in MODELS.values()]})
        return 0
    rows = [
        ("NAME", "WEIGHTS", "SIZE", "PROMPTS", "LICENCE"),
        *(_row(_facts(card)) for card in MODELS.values()),
    ]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def show_model(args: argparse.Namespace) -> int:
    """Everything known about one model."""
    facts = _facts(_find(args.name))
    if args.json:
        console.print_json(facts)
        return 0
    for key, value in facts.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        print(
            textwrap.fill(f"{key + ':':<14}{text}", 100, subsequent_indent=" " * 14, break_on_hyphens=False)
        )
    return 0


def download(args: argparse.Namespace) -> int:
    """Fetch the weights of one model."""
    from SAMLesionLib.models import weights

    card = _find(args.name)
    with console.bar(card.size_bytes, f"Downloading {card.title}", "B") as bar:

        def moved(n_bytes: int, n_total: int) -> None:
            bar.total = n_total
            bar.update(n_bytes - bar.n)

        path = weights.download(card, _print_progress() if args.json else moved)
    print(f"{card.name}: {path} ({card.licence})")
    return 0


def _print_progress() -> Callable[[int, int], None]:
    """Tells a program how far a download is, at most every hundredth."""
    told = -1

    def moved(n_bytes: int, n_total: int) -> None:
        nonlocal told
        hundredth = 100 * n_bytes // max(1, n_total)
        if hundredth > told:
            told = hundredth
            print(json.dumps({"done_bytes": n_bytes, "total_bytes": n_total}), flush=True)

    return moved


def verify_models(args: argparse.Namespace) -> int:
    """Check weights against what was published."""
    from SAMLesionLib.models import weights
    from SAMLesionLib.models.registry import MODELS

    cards = [_find(name) for name in args.name] or [c for c in MODELS.values() if weights.is_available(c)]
    for card in cards:
        result = weights.verify(card)
        print(f"{card.name}: {result.sentence} SHA-256 {result.sha256}, {result.path}")
    if not cards:
        console.say("No model's weights are here. Get some with: samlesion models download lite-medsam")
    return 0


def import_weights(args: argparse.Namespace) -> int:
    """Take a file as a model's weights."""
    from SAMLesionLib.models import weights

    print(f"{args.name}: {weights.import_file(_find(args.name), args.file, args.custom)}")
    return 0


def remove(args: argparse.Namespace) -> int:
    """Delete a model's weights."""
    from SAMLesionLib.models import weights

    card = _find(args.name)
    n_bytes = weights.remove(card)
    freed = f"{n_bytes / 1e6:.1f} MB freed" if n_bytes else "nothing to remove"
    note = " (the file of an installed package stays: pip uninstall)" if weights.is_available(card) else ""
    print(f"{card.name}: {freed}{note}")
    return 0


def _action(
    actions: Any, name: str, summary: str, run: Action, has_name: bool = False
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=f"{summary}.")
    if has_name:
        parser.add_argument("name", metavar="NAME", help="one of `samlesion models list`")
    parser.set_defaults(run=run)
    return parser


def _find(name: str) -> ModelCard:
    from SAMLesionLib.models.registry import find

    return find(name)


def _facts(card: ModelCard) -> dict[str, Any]:
    from SAMLesionLib.models import weights

    is_here = weights.is_available(card)
    return {
        "name": card.name,
        "title": card.title,
        "summary": card.summary,
        "prompts": sorted(card.prompts),
        "takes_negative": card.takes_negative,
        "dimensions": card.dimensions,
        "n_parameters": card.n_parameters,
        "size_bytes": card.size_bytes,
        "sha256": card.sha256,
        "licence": card.licence,
        "paper": card.paper,
        "url": card.url,
        "is_available": is_here,
        "path": str(weights.locate(card)) if is_here else "",
    }


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    size = f"{facts['size_bytes'] / 1e6:.0f} MB" if facts["size_bytes"] else "-"
    here = "here" if facts["is_available"] else "not here"
    return facts["name"], here, size, ", ".join(facts["prompts"]), facts["licence"]
