"""Simulated readers: prompts drawn by rule from the expert's lesion."""

from SAMLesionLib.evaluation.readers.finding import READERS, find_reader
from SAMLesionLib.evaluation.readers.reader import Reader

__all__ = ["READERS", "Reader", "find_reader"]
