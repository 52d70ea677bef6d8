"""PythonQt's ways over PySide6: properties as attributes, signals by signature, flat enums, no more."""

from slicer_host.pythonqt import extras, facts
from slicer_host.pythonqt.classes import Wrapper, wrapped, wrapper_class
from slicer_host.pythonqt.module import FlatModule

__all__ = ["FlatModule", "Wrapper", "extras", "facts", "wrapped", "wrapper_class"]
