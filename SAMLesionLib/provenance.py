"""What a segment says about how it was made, as tags that travel with it in scenes and files."""

from __future__ import annotations

from datetime import datetime, timezone

from SAMLesionLib.masks import RunReport
from SAMLesionLib.prompts import PromptSet
from SAMLesionLib.terminology import MASS

LESION_TERMINOLOGY = str(MASS)
"""A mass, in the form of Slicer's terminology tag."""

PREFIX = "SAMLesion."
"""Our tags begin with this, so that they never meet another program's."""

STATUS_TAG = "Segmentation.Status"
"""Slicer's tag of how far a segment is."""


def provenance_tags(report: RunReport, prompts: PromptSet, made_at: datetime | None = None) -> dict[str, str]:
    """The tags of one AI-assisted segment.

    The `DICOM.` tags are those Slicer's DICOM export reads: without them a file would claim that the
    segment was drawn by hand. The status says that nobody has reviewed the segment yet.

    Args:
        report: how the mask was made.
        prompts: everything the reader drew.
        made_at: when; now when None.

    Returns:
        Keys without the characters that separate tags in files (`:` and `|`), and plain text values.
    """
    made_at = made_at or datetime.now(timezone.utc)
    return {
        f"{PREFIX}Model": report.model,
        f"{PREFIX}WeightsSHA256": report.weights_sha256,
        f"{PREFIX}Prompts": prompts.dumps(),
        f"{PREFIX}Version": report.version,
        f"{PREFIX}Device": report.device,
        f"{PREFIX}Precision": report.precision,
        f"{PREFIX}Time": made_at.astimezone(timezone.utc).isoformat(timespec="seconds"),
        "DICOM.SegmentAlgorithmType": "SEMIAUTOMATIC",
        "DICOM.SegmentAlgorithmName": f"SAMLesion {report.version} {report.model}",
        STATUS_TAG: "inprogress",
    }
