"""Where the command `samlesion` begins: Ctrl-C is answered in one line while its packages still load."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> int:
    """Run the command line; see `SAMLesionLib.cli.main`."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # a shell may have told background jobs to ignore it
        signal.signal(signal.SIGINT, _stop)
    from SAMLesionLib import cli

    signal.signal(signal.SIGINT, usual)
    return cli.main()


def _stop(number: int, frame: FrameType | None) -> None:
    # No exception: numpy turns one that reaches its first lines into pages about a broken installation.
    print("samlesion: Stopped; nothing was written over.", file=sys.stderr, flush=True)
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
