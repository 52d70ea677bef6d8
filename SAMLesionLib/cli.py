"""The command `samlesion`: puts the verbs together and turns every failure into one sentence."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from SAMLesionLib.commands import compare, console, data, demo, evaluate, models, segment, serve, study, train
from SAMLesionLib.commands.prompt_options import OPTIONS_WITH_NUMBERS
from SAMLesionLib.version import __version__

DESCRIPTION = """Segment lesions in CT, MR and PET: a box around a lesion becomes an editable segment.
Coordinates are voxels (ijk, half-open blocks) unless --frame says ras or lps; then they are millimetres.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: what was typed after `samlesion`; the process's own arguments when None.

    Returns:
        The exit code: 0 done, 1 the engine failed, 2 an input was refused, 130 stopped by Ctrl-C.
    """
    args = _parser().parse_args(_with_minus_signs(sys.argv[1:] if argv is None else argv))
    return console.guarded(args.run, args)


def _parser() -> console.Parser:
    parser = console.Parser(
        prog="samlesion",
        description=DESCRIPTION,
        epilog="Each command explains itself: samlesion segment --help",
    )
    parser.add_argument("--version", action="version", version=f"samlesion {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for verb in (segment, models, serve, demo, data, evaluate, compare, study, train):
        verb.add_parser(verbs)
    return parser


def _with_minus_signs(argv: Sequence[str]) -> list[str]:
    """`--box -1,2,...` becomes `--box=-1,2,...`: argparse would take the number for an option."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] in OPTIONS_WITH_NUMBERS and re.match(r"-[\d.]", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


if __name__ == "__main__":
    sys.exit(main())
