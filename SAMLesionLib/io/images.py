"""A scan from disk: NIfTI, NRRD, MetaImage or a folder of DICOM files becomes a `Volume`."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

from SAMLesionLib.errors import ImageError
from SAMLesionLib.io import dicom, itk, nifti
from SAMLesionLib.io.files import suffix_of
from SAMLesionLib.io.headers import ImageHeader
from SAMLesionLib.io.memory import check_fits
from SAMLesionLib.volume import Volume

_FORMATS: dict[str, ModuleType] = {
    ".nii": nifti,
    ".nii.gz": nifti,
    ".nrrd": itk,
    ".nhdr": itk,
    ".mha": itk,
    ".mhd": itk,
}
PathLike = str | os.PathLike[str]


def read_volume(
    path: PathLike, modality: str | None = None, series: str | None = None, channel: int | None = None
) -> Volume:
    """Read a scan, in the type it is stored in.

    Args:
        path: an image file, a folder of DICOM files, or one DICOM file of the series to read.
        modality: one of `MODALITIES`; when None what DICOM says, and OT for other formats.
        series: which DICOM series to read when a folder holds several: its number in the list that
            the error shows, its description or its UID.
        channel: which volume to read of a file with four axes, counted from 0.

    Raises:
        ImageError: when it is missing, unreadable, damaged, colour, 4D with no channel chosen, or larger
            than the free memory, or when a series is asked of a file that is not DICOM.
    """
    path = _existing(path)
    if _is_dicom(path):
        chosen = dicom.choose_series(path, series)
        check_fits(chosen.n_bytes, chosen.title)
        return Volume(dicom.read_voxels(chosen), chosen.affine, chosen.title, modality or chosen.modality)
    if series is not None:
        raise ImageError(
            f"Only a DICOM folder holds several series, and {path} is one image. Leave the series out."
        )
    header = _header(path)
    if channel is not None:
        header = header.of_channel(channel)
    header.check_scalar_3d()
    check_fits(header.n_bytes, header.name)
    try:
        voxels = _FORMATS[suffix_of(path, tuple(_FORMATS))].read_voxels(path, channel)
    except MemoryError:
        check_fits(header.n_bytes, header.name, available=0)
        raise
    return Volume(voxels, header.affine, header.name, modality or "OT")


def estimate_bytes(path: PathLike, series: str | None = None) -> int:
    """The memory a scan's voxels will take, from its header alone.

    Raises:
        ImageError: when it is missing or its header cannot be read.
    """
    path = _existing(path)
    return dicom.choose_series(path, series).n_bytes if _is_dicom(path) else _header(path).n_bytes


def count_channels(path: PathLike) -> int:
    """How many volumes a file holds along its fourth axis, from its header alone; 1 for DICOM.

    Raises:
        ImageError: when it is missing or its header cannot be read.
    """
    path = _existing(path)
    return 1 if _is_dicom(path) else _header(path).n_volumes


def image_name(path: Path) -> str:
    """A file's name without the ending of its format."""
    suffix = suffix_of(path, (*_FORMATS, ".seg.nrrd"))
    return path.name[: len(path.name) - len(suffix)] or path.name


def _header(path: Path) -> ImageHeader:
    suffix = suffix_of(path, tuple(_FORMATS))
    if not suffix:
        raise ImageError(
            f"{path} is no image we can read: expected a name ending in {', '.join(_FORMATS)}, "
            "or a folder of DICOM files. Convert it first."
        )
    header: ImageHeader = _FORMATS[suffix].read_header(path, image_name(path))
    return header


def _existing(path: PathLike) -> Path:
    path = Path(path)
    if not os.path.exists(path):
        raise ImageError(f"There is no file or folder {path}. Check the path.")
    if not os.access(path, os.R_OK):
        raise ImageError(f"{path} may not be read. Ask for permission to read it.")
    if path.is_file() and path.stat().st_size == 0:
        raise ImageError(f"{path} is empty (0 bytes). Copy or export it again.")
    return path


def _is_dicom(path: Path) -> bool:
    if path.is_dir():
        return True
    if suffix_of(path, tuple(_FORMATS)):
        return False
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"
