"""The layout of the liver tumour challenge: `volume-0.nii` and `segmentation-0.nii`, maybe in folders."""

from __future__ import annotations

from pathlib import Path

from SAMLesionLib.datasets.layouts.listing import CaseFiles, Listing
from SAMLesionLib.io import image_name

LABELS = {"liver": (1,), "tumor": (2,)}
PLACES = ("volume-*.nii*", "*/volume-*.nii*")
"""LiTS comes in batches of scans, a folder each, which many keep in one."""


def is_here(path: Path) -> bool:
    """Whether the folder, or one in it, holds a scan under LiTS's name."""
    return any(any(path.glob(place)) for place in PLACES)


def list_cases(path: Path, channel: int | None) -> Listing:
    """Every case with a scan, by number; the segmentation may turn out to be missing."""
    images = sorted(image for place in PLACES for image in path.glob(place))
    cases = [CaseFiles(image_name(image), image, _label(image), "CT", channel) for image in images]
    return Listing(path.resolve().name, tuple(cases), LABELS)


def _label(image: Path) -> Path:
    return image.with_name(image.name.replace("volume-", "segmentation-"))
