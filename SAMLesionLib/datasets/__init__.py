"""Scans whose lesions experts have drawn, as they lie on disks: to learn from and to measure against."""

from SAMLesionLib.datasets.cases import Case, Lesion
from SAMLesionLib.datasets.dataset import Dataset, FileDataset, find_dataset, open_dataset
from SAMLesionLib.datasets.lesions import LesionRule

__all__ = ["Case", "Dataset", "FileDataset", "Lesion", "LesionRule", "find_dataset", "open_dataset"]
