"""`samlesion study pack` and `unpack`: a reader's part of a study, sent away and taken back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_parsers(actions: Any) -> None:
    """Describe both actions to argparse."""
    for name, text, run, other in (
        (
            "pack",
            "copy what one reader needs into a folder to send: no references, no design",
            _pack,
            "new folder",
        ),
        ("unpack", "take a reader's log and masks back from such a folder", _unpack, "folder that came back"),
    ):
        parser = actions.add_parser(name, help=text, description=f"{text}.")
        parser.add_argument("study", type=Path, metavar="STUDY", help="folder of the study")
        parser.add_argument("folder", type=Path, metavar="FOLDER", help=other)
        parser.add_argument("--reader", required=True, metavar="ID", help="whose part")
        parser.set_defaults(run=run)


def _pack(args: argparse.Namespace) -> int:
    from SAMLesionLib.study.packing import pack
    from SAMLesionLib.study.study_folder import read_study

    n = pack(read_study(args.study), args.reader, args.folder)
    print(f"wrote {args.folder} with {n} {'scan' if n == 1 else 'scans'}. The reader types:")
    print(f"samlesion study read {args.folder.name} --reader {args.reader}")
    return 0


def _unpack(args: argparse.Namespace) -> int:
    from SAMLesionLib.study.packing import unpack
    from SAMLesionLib.study.study_folder import read_study

    unpack(read_study(args.study), args.reader, args.folder)
    print(f"took the readings of {args.reader} from {args.folder}")
    return 0
