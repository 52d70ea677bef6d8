"""The options that choose a model and the hardware it runs on."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from SAMLesionLib.engine import Engine
    from SAMLesionLib.models.cards import ModelCard

DEFAULT_MODEL = "lite-medsam"


def add_engine_options(parser: argparse.ArgumentParser, has_model: bool = True) -> None:
    """Model, device, precision and threads."""
    group = parser.add_argument_group("engine")
    if has_model:
        group.add_argument(
            "--model",
            default=DEFAULT_MODEL,
            metavar="NAME",
            help=f"one of `samlesion models list`; default {DEFAULT_MODEL}",
        )
    group.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda", "mps"),
        default="auto",
        help="where the model runs; auto takes a GPU when there is one",
    )
    group.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="arithmetic of the image encoder; auto takes the faster one that this hardware has",
    )
    group.add_argument(
        "--threads", type=_count, metavar="N", help="CPU threads, 1 or more; default: as many as cores"
    )


def model_card(name: str) -> ModelCard:
    """The model of this name, whose weights are here.

    Raises:
        UnknownModel: when there is none.
        WeightsError: when its weights are missing.
    """
    from SAMLesionLib.models.registry import find
    from SAMLesionLib.models.weights import locate

    card = find(name)
    locate(card)
    return card


def engine_from(args: argparse.Namespace) -> Engine:
    """The engine that the options describe."""
    from SAMLesionLib.engine import Engine

    return Engine(device=args.device, precision=args.precision, threads=args.threads)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to 1024 is needed, got {text!r}")
    return int(text)
