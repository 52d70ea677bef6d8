"""A real server process for tests: serves `FakeSegmenter`, and misbehaves when told to."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes import FakeSegmenter

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.transport.server import run_server


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--watch-stdin", action="store_true")
    parser.add_argument("--hang-at", type=int, help="wait for ever before this slice")
    parser.add_argument("--crash-at", type=int, help="die before this slice")
    parser.add_argument("--freeze-at", type=int, help="stop the whole process before this slice")
    parser.add_argument("--once", type=Path, help="misbehave only while this file does not exist")
    parser.add_argument("--fail-start", help="print this and end")
    args = parser.parse_args()
    if args.fail_start:
        print(args.fail_start, file=sys.stderr)
        return 3

    def before_slice(n: int) -> None:
        if n not in (args.hang_at, args.crash_at, args.freeze_at):
            return
        if args.once is not None:
            if args.once.exists():
                return
            args.once.touch()
        if n == args.crash_at:
            os._exit(9)
        if n == args.freeze_at:
            import signal

            os.kill(os.getpid(), signal.SIGSTOP)
        threading.Event().wait()

    print("a line that is no news")
    try:
        run_server(FakeSegmenter(before_slice), port=args.port, watch_stdin=args.watch_stdin, device="cpu")
    except SAMLesionError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
