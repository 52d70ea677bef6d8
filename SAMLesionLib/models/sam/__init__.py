"""The SAM family: one network for SAM, MedSAM and LiteMedSAM."""

from __future__ import annotations

from SAMLesionLib.models.sam.inference import fuse_for_inference
from SAMLesionLib.models.sam.sam import (
    Sam,
    build_lite_medsam,
    build_sam_vit_b,
    build_sam_vit_h,
    build_sam_vit_l,
    build_tiny_lite_medsam,
    build_tiny_sam,
)

__all__ = [
    "Sam",
    "build_lite_medsam",
    "build_sam_vit_b",
    "build_sam_vit_h",
    "build_sam_vit_l",
    "build_tiny_lite_medsam",
    "build_tiny_sam",
    "fuse_for_inference",
]
