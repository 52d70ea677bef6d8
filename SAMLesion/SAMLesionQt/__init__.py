"""The panel of the Slicer module, in parts that are handed what they need."""

__all__: list[str] = []
