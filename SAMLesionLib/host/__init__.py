"""Between MRML nodes and the vocabulary, the same in Slicer, in trame-slicer and in plain Python.

Nothing is imported here: each module loads `slicer` and `vtk`, and a viewer takes what it needs.
"""

__all__: list[str] = []
