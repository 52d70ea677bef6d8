"""Simulated readers: prompts drawn by rule from the expert's lesion."""

from SAMLesionLib.evaluation.readers.finding import READERS, find_reader
from SAMLesionLib.evaluation.readers.fitting import FittingReader
from SAMLesionLib.evaluation.readers.reader import Reader

__all__ = ["READERS", "FittingReader", "Reader", "find_reader"]
