"""The verbs of the command line, one file each; `cli.py` assembles them."""

__all__: list[str] = []
