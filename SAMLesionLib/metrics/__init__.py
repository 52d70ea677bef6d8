"""How good a mask is: overlap, surface distance, lesion-wise detection, and the sizes people report."""

from SAMLesionLib.metrics.agreement import Icc, cohen_kappa, icc
from SAMLesionLib.metrics.clicks import area_under_clicks, clicks_to_reach
from SAMLesionLib.metrics.diameters import AxialDiameter, axial_diameter
from SAMLesionLib.metrics.lesions import LesionDetection, detect_lesions
from SAMLesionLib.metrics.overlap import (
    dice,
    jaccard,
    precision,
    recall,
    relative_volume_difference,
    volume_difference_ml,
    volume_ml,
)
from SAMLesionLib.metrics.surface import SurfaceDistances, hd95_mm, nsd, surface_distances

__all__ = [
    "AxialDiameter",
    "Icc",
    "LesionDetection",
    "SurfaceDistances",
    "area_under_clicks",
    "axial_diameter",
    "clicks_to_reach",
    "cohen_kappa",
    "detect_lesions",
    "dice",
    "hd95_mm",
    "icc",
    "jaccard",
    "nsd",
    "precision",
    "recall",
    "relative_volume_difference",
    "surface_distances",
    "volume_difference_ml",
    "volume_ml",
]
