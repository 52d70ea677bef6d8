"""How well a segmenter does on lesions that experts have drawn: data sets, simulated readers, opponents."""

from SAMLesionLib.evaluation.cases import Case, Lesion
from SAMLesionLib.evaluation.datasets import Dataset

__all__ = ["Case", "Dataset", "Lesion"]
