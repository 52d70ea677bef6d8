"""`samlesion serve`: an engine that 3D Slicer and other programs on this computer ask for masks."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from SAMLesionLib.commands import console
from SAMLesionLib.commands.engine_options import add_engine_options, engine_from
from SAMLesionLib.errors import InputError

EXAMPLES = """When it answers, it prints a line of JSON: {"event": "ready", "address": "127.0.0.1:PORT", …}.
The token (16 characters or more) comes from --token-file or the variable SAMLESION_TOKEN; without both one is
made and printed in that line. It is never taken from the command line, where other users could read it.

examples:
  samlesion serve
  SAMLESION_TOKEN=$(openssl rand -hex 24) samlesion serve --port 8765 --device cuda
"""
MAX_TOKEN_BYTES = 4096


def add_parser(verbs: Any) -> None:
    """Describe the verb to argparse."""
    parser = verbs.add_parser(
        "serve", help="run an engine for other programs", description=__doc__, epilog=EXAMPLES
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default 127.0.0.1")
    parser.add_argument(
        "--port", type=_port, default=0, metavar="N", help="1 to 65535, or 0 (default) for any free one"
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="a file that holds the token")
    parser.add_argument(
        "--ready-file",
        type=Path,
        metavar="FILE",
        help="also write the ready line here, readable by you alone",
    )
    parser.add_argument(
        "--watch-stdin",
        action="store_true",
        help="end when standard input ends, with the program that started it",
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="listen to other computers too; token and images then cross the network in the clear",
    )
    add_engine_options(parser, has_model=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until told to end."""
    from SAMLesionLib.transport.server import TOKEN_VARIABLE, bind, check_token, run_server

    token = _token(args.token_file) if args.token_file else None
    # Before the engine loads: a wrong token and a taken port are told at once.
    given = os.environ.get(TOKEN_VARIABLE) if token is None else token
    if given is not None:
        check_token(given)
    listener = bind(args.host, args.port, allow_remote=args.allow_remote)
    engine = engine_from(args)
    console.say("Engine ready to serve; stop it with Ctrl-C.")
    run_server(
        engine,
        token=token,
        device=str(engine.device),
        ready_file=args.ready_file,
        watch_stdin=args.watch_stdin,
        allow_remote=args.allow_remote,
        listener=listener,
    )
    return 0


def _token(path: Path) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(MAX_TOKEN_BYTES).strip()
    except (OSError, UnicodeDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "it is no text"
        raise InputError(f"The token file {path} cannot be read ({reason}). Check --token-file.") from None


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a whole number from 0 to 65535 is needed, got {text!r}")
    return int(text)
