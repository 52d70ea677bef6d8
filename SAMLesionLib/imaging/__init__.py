"""Images between files and networks: intensities, frames, resampling, evidence, regions."""

from SAMLesionLib.imaging.cube_images import cube_image
from SAMLesionLib.imaging.evidence import FusionWeights, fuse, network_log_odds
from SAMLesionLib.imaging.frames import IN_PLANE, InputFormat, SliceFrame, plane_of, slab
from SAMLesionLib.imaging.intensity import (
    CT_RANGE,
    Window,
    is_ct,
    looks_like_ct,
    medsam_window,
    positive_z,
    robust_z,
)
from SAMLesionLib.imaging.isotropic import IsotropicGrid
from SAMLesionLib.imaging.patches import PatchFrame
from SAMLesionLib.imaging.regions import (
    connected_parts,
    fill_holes_in_slices,
    keep_main_regions,
    keep_meant_regions,
    label_boxes,
)
from SAMLesionLib.imaging.resampling import Kernel, Part

__all__ = [
    "CT_RANGE",
    "IN_PLANE",
    "FusionWeights",
    "InputFormat",
    "IsotropicGrid",
    "Kernel",
    "Part",
    "PatchFrame",
    "SliceFrame",
    "Window",
    "connected_parts",
    "cube_image",
    "fill_holes_in_slices",
    "fuse",
    "is_ct",
    "keep_main_regions",
    "keep_meant_regions",
    "label_boxes",
    "looks_like_ct",
    "medsam_window",
    "network_log_odds",
    "plane_of",
    "positive_z",
    "robust_z",
    "slab",
]
