"""NIfTI files, with the grids as they say, sheared ones too.

Through nibabel: ITK refuses a sheared sform, or silently takes the qform in its place.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import ImageError
from SAMLesionLib.geometry import Affine
from SAMLesionLib.io.headers import DAMAGED, ImageHeader, grid_of, in_native_order, padded_to_3d


def read_header(path: Path, name: str) -> ImageHeader:
    """What a NIfTI file says about its image.

    Raises:
        ImageError: when it cannot be read.
    """
    image = _open(path)
    header = image.header
    dtype = np.dtype(header.get_data_dtype())
    n_channels = len(dtype.names) if dtype.names else 1  # colours are stored as (R, G, B) records
    if dtype.names is None and not _is_unscaled(image) and dtype.kind != "c":
        # Enough for an estimate: integer scaling may need less.
        dtype = np.dtype(np.float32)
    sizes = header.get_data_shape()
    if header["dim"][0] == 5 and header["dim"][4] == 1:  # the fourth axis is for time, the fifth for vectors
        sizes, n_channels = sizes[:3], sizes[4]
    return ImageHeader(name, padded_to_3d(sizes), n_channels, dtype, _affine(image, name))


def read_voxels(path: Path, channel: int | None = None) -> npt.NDArray[Any]:
    """The voxels (k, j, i) with the file's scaling applied, as integers where that loses nothing.

    Args:
        path: the file.
        channel: the place on the fourth axis to read; the others stay on the disk.

    Raises:
        ImageError: when the file is damaged.
    """
    image = _open(path)
    try:
        stored = _stored(image.dataobj, channel)
    except (OSError, EOFError, ValueError, zlib.error) as broken:
        raise ImageError(f"{path} {DAMAGED} ({_first_line(broken)}). Copy or export it again.") from broken
    stored = in_native_order(stored.T)
    stored = stored.reshape(stored.shape[-3:])
    return stored if _is_unscaled(image) else _scaled(stored, image.dataobj.slope, image.dataobj.inter)


def _stored(proxy: Any, channel: int | None) -> npt.NDArray[Any]:
    """The numbers as they are on the disk, (i, j, k)."""
    from nibabel.arrayproxy import ArrayProxy

    if channel is None or len(proxy.shape) == 3:
        return np.asarray(proxy.get_unscaled())
    unscaled = ArrayProxy(proxy.file_like, (proxy.shape, proxy.dtype, proxy.offset), mmap=False)
    return np.asarray(unscaled[..., channel])


def _open(path: Path) -> Any:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    failures = (OSError, EOFError, ValueError, zlib.error, ImageFileError, HeaderDataError)
    try:
        # Not memory mapped: a file that shrinks later would kill the process.
        image: Any = nibabel.load(path, mmap=False)
        image.header.get_data_dtype()
    except failures as broken:
        raise ImageError(
            f"{path} cannot be read as NIfTI ({_first_line(broken)}). Export it again."
        ) from broken
    return image


def _first_line(failure: Exception) -> str:
    return str(failure).strip().split("\n")[0].rstrip(".") or type(failure).__name__


def _affine(image: Any, name: str) -> Affine:
    header = image.header
    if header["sform_code"] > 0 or header["qform_code"] > 0:
        return grid_of(image.affine, name)  # the sform where there is one, else the qform
    # No place in the patient is given. ITK, and so 3D Slicer, then takes the axes as L, P, S.
    spacing = [float(z) or 1.0 for z in header.get_zooms()[:3]]
    return Affine.from_lps(np.diag([*spacing, 1.0]))


def _is_unscaled(image: Any) -> bool:
    return bool(image.dataobj.slope == 1 and image.dataobj.inter == 0)


def _scaled(stored: npt.NDArray[Any], slope: float, intercept: float) -> npt.NDArray[Any]:
    """The values slope x stored + intercept, in int16 where all are whole numbers that fit."""
    ends = [slope * float(v) + intercept for v in (stored.min(), stored.max())]
    is_whole = stored.dtype.kind in "iu" and float(slope).is_integer() and float(intercept).is_integer()
    fits = min(ends) >= -(2**15) and max(ends) < 2**15
    scaled = np.empty(stored.shape, np.int16 if is_whole and fits else np.float32)
    for into, plane in zip(scaled, stored, strict=True):  # plane by plane: no third copy
        into[...] = plane * float(slope) + float(intercept)
    return scaled


def header_bytes(affine: Affine, shape_ijk: tuple[int, int, int], dtype: np.dtype) -> bytes:
    """Everything before the voxels of a single-file NIfTI-1.

    A sheared grid is kept in the sform; the qform, which cannot hold shear, is then left unset.
    """
    import nibabel

    header = nibabel.Nifti1Header(endianness="<")
    header.set_data_shape(shape_ijk)
    header.set_data_dtype(dtype.newbyteorder("<"))
    header.set_xyzt_units("mm")
    header.set_sform(affine.ijk_to_ras, code="scanner")
    header["pixdim"][1:4] = affine.spacing_mm
    axes = affine.ijk_to_ras[:3, :3] / affine.spacing_mm
    if np.allclose(axes.T @ axes, np.eye(3), atol=1e-5):
        header.set_qform(affine.ijk_to_ras, code="scanner")
    header["vox_offset"] = 352
    header["scl_slope"], header["scl_inter"] = 1, 0
    return bytes(header.binaryblock) + bytes(4)  # four zeros: no extension follows
