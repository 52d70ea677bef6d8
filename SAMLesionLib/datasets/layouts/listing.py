"""What a layout says about a data set before any voxel is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MRI_WORDS = ("MR", "FLAIR", "T1", "T2", "ADC", "DWI", "SWI", "PD")


@dataclass(frozen=True)
class CaseFiles:
    """Where one case lies on the disk.

    Attributes:
        name: unique within the data set.
        image: the scan.
        label: the expert's label map.
        modality: one of `volume.MODALITIES`.
        channel: which channel of a 4D image to read, None for a 3D one.
        instances: a label map that numbers the lesions, where there is one.
        organ: a mask of the organ, where there is one.
        word: the organ's name, where it is said.
    """

    name: str
    image: Path
    label: Path
    modality: str = "OT"
    channel: int | None = None
    instances: Path | None = None
    organ: Path | None = None
    word: str | None = None


@dataclass(frozen=True)
class Listing:
    """All cases of a data set.

    Attributes:
        name: how people call the data set.
        cases: the cases, sorted by name.
        labels: the label values of each named structure, background apart; empty when nothing is named.
        left_out: cases whose label is said to hold no lesion.
    """

    name: str
    cases: tuple[CaseFiles, ...]
    labels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def modality_of(words: str) -> str:
    """DICOM's word for a scan that people call "MRI", "FLAIR", "CT" or "PET"; OT for any other."""
    said = words.strip().upper()
    if said.startswith("CT"):
        return "CT"
    if said.startswith(("PT", "PET")):
        return "PT"
    return "MR" if said.startswith(MRI_WORDS) else "OT"
