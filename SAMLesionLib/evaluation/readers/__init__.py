"""Simulated readers: prompts drawn by rule from the expert's lesion."""

from SAMLesionLib.evaluation.readers.reader import Reader

__all__ = ["Reader"]
