"""Masks without what they are called: names and tags may tell the patient, the model and with it the arm."""

from __future__ import annotations

from collections.abc import Sequence

from SAMLesionLib.io import Segment


def bare(segments: Sequence[Segment]) -> list[Segment]:
    """Only the masks, numbered."""
    return [Segment(f"Lesion {n}", segment.mask, segment.box) for n, segment in enumerate(segments, start=1)]
