"""Where the command `samlesion` begins: Ctrl-C is answered in one line while its packages still load."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; see `SAMLesionLib.cli.main`."""
    try:
        from SAMLesionLib import cli

        return cli.main()
    except KeyboardInterrupt:
        print("samlesion: Stopped; nothing was written over.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
