"""Files in and out: scans, masks and prompts. Each format's package loads when a file needs it."""

from SAMLesionLib.io.dicom import DicomSeries, find_series
from SAMLesionLib.io.dicom_seg import write_dicom_seg
from SAMLesionLib.io.files import append_text, atomic_write, make_folder, used_folder
from SAMLesionLib.io.images import count_channels, estimate_bytes, image_name, read_volume
from SAMLesionLib.io.label_table import write_label_table
from SAMLesionLib.io.memory import available_bytes, check_fits, peak_memory_bytes, reset_peak_memory
from SAMLesionLib.io.prompt_files import LesionPrompts, read_prompts, write_prompts
from SAMLesionLib.io.segmentation_reader import read_mask, read_segmentation
from SAMLesionLib.io.segmentation_writer import write_segmentation
from SAMLesionLib.io.segments import Segment, Segmentation

__all__ = [
    "DicomSeries",
    "LesionPrompts",
    "Segment",
    "Segmentation",
    "append_text",
    "atomic_write",
    "available_bytes",
    "check_fits",
    "count_channels",
    "estimate_bytes",
    "find_series",
    "image_name",
    "make_folder",
    "peak_memory_bytes",
    "read_mask",
    "read_prompts",
    "read_segmentation",
    "read_volume",
    "reset_peak_memory",
    "used_folder",
    "write_dicom_seg",
    "write_label_table",
    "write_prompts",
    "write_segmentation",
]
