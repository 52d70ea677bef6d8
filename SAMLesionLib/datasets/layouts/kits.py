"""The layout of the kidney tumour challenges: `case_00000/imaging.nii.gz` and `segmentation.nii.gz`.

KiTS21 has several readings of a case; the voxels that most readers marked are taken.
"""

from __future__ import annotations

from pathlib import Path

from SAMLesionLib.datasets.layouts.listing import CaseFiles, Listing

LABELS = {"kidney": (1,), "tumor": (2,), "cyst": (3,)}
"""As in KiTS19, KiTS21 and KiTS23; the first has no cysts."""


def is_here(path: Path) -> bool:
    """Whether a folder below holds a scan under KiTS's name."""
    return any(path.glob("case_*/imaging.nii*"))


def list_cases(path: Path, channel: int | None) -> Listing:
    """Every case with a scan; the segmentation may turn out to be missing."""
    images = sorted(path.glob("case_*/imaging.nii*"))
    cases = [CaseFiles(i.parent.name, i, _label(i), "CT", channel) for i in images]
    return Listing(path.resolve().name, tuple(cases), LABELS)


def _label(image: Path) -> Path:
    label = image.with_name(image.name.replace("imaging", "segmentation"))
    of_most = image.with_name(image.name.replace("imaging", "aggregated_MAJ_seg"))
    return of_most if of_most.exists() and not label.exists() else label
