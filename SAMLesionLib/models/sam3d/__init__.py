"""SAM-Med3D: the Segment Anything Model with three axes."""

from __future__ import annotations

from SAMLesionLib.models.sam3d.inference import prepare_for_answers
from SAMLesionLib.models.sam3d.sam3d import Encoded, Sam3D, build_sam_med3d, build_tiny_sam3d

__all__ = ["Encoded", "Sam3D", "build_sam_med3d", "build_tiny_sam3d", "prepare_for_answers"]
