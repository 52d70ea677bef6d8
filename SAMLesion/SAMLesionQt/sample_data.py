"""The brain tumour that comes with the extension, in Slicer's module Sample Data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

import SAMLesionLib

SAMPLE = Path(SAMLesionLib.__file__).resolve().parent / "samples" / "pyradiomics_brain1" / "image.nrrd"
CATEGORY = "SAMLesion"
NAME = "SAMLesionBrainTumour"


def registerSampleData(iconFolder: Path) -> None:
    """Offer the brain tumour; nothing is downloaded, since the file is part of the extension."""
    import SampleData

    logic = SampleData.SampleDataLogic
    if hasattr(logic, "registerCustomSampleDataCategory"):  # Slicer 5.12 and later
        logic.registerCustomSampleDataCategory(CATEGORY, "SAMLesion")
    logic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=NAME,
        thumbnailFileName=str(iconFolder / "BrainTumour.png"),
        uris=[SAMPLE.as_uri()],
        fileNames=[SAMPLE.name],
        nodeNames=["brain1"],
        customDownloader=loadSample,
    )


def loadSample(_source: Any = None) -> Any:
    """Load the brain tumour as a volume, with its modality."""
    node = slicer.util.loadVolume(str(SAMPLE), {"name": "brain1"})
    node.SetAttribute("DICOM.Modality", "MR")
    return node
