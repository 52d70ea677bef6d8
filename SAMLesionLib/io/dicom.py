"""A folder of DICOM files: which image series it holds, and the voxels of one of them."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import ImageError
from SAMLesionLib.geometry import Affine
from SAMLesionLib.io import itk
from SAMLesionLib.io.dicom_grid import DicomSlice, grid_of_slices
from SAMLesionLib.io.headers import DAMAGED
from SAMLesionLib.volume import MODALITIES

logger = logging.getLogger(__name__)

_SCALING = ("RescaleSlope", "RescaleIntercept", "BitsStored", "PixelRepresentation")
_IDENTITY = ("SOPInstanceUID", "SeriesInstanceUID", "SeriesDescription", "SeriesNumber", "Modality")
_LAYOUT = ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel")
_PLACE = ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient")
_THICKNESS = ("SpacingBetweenSlices", "SliceThickness")
_TAGS = [*_SCALING, *_IDENTITY, *_LAYOUT, *_PLACE, *_THICKNESS]


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """The slices of one image series that share size and orientation.

    Attributes:
        uid: the series' UID.
        title: its description, or the folder's name.
        modality: one of `MODALITIES`.
        slices: its images in the order of their files.
    """

    uid: str
    title: str
    modality: str
    slices: tuple[DicomSlice, ...]

    def __str__(self) -> str:
        return f"{self.title} ({self.modality}, {len(self.slices)} images)"

    @cached_property
    def _grid(self) -> tuple[Affine, tuple[DicomSlice, ...]]:
        return grid_of_slices(self.slices, self.title)

    @property
    def affine(self) -> Affine:
        """The grid's place in the patient, sheared when the gantry was tilted.

        Raises:
            ImageError: when the slices form no regular grid.
        """
        return self._grid[0]

    @property
    def sorted_slices(self) -> tuple[DicomSlice, ...]:
        """The slices along k."""
        return self._grid[1]

    @cached_property
    def dtype(self) -> np.dtype:
        """The type that holds the rescaled values of every slice."""
        kinds = {s.scaling: s for s in self.slices}
        dtype = np.result_type(*(itk.read_header(s.path, self.title).dtype for s in kinds.values()))
        # GDCM rescales to double; single precision holds any stored 16 bit value times a slope.
        return np.dtype(np.float32) if dtype.kind == "f" else dtype

    @property
    def n_bytes(self) -> int:
        """Size of the voxels in memory."""
        first = self.slices[0]
        return first.rows * first.columns * len(self.slices) * self.dtype.itemsize


def choose_series(path: Path, series: str | None = None) -> DicomSeries:
    """The series to read from a folder, or the one a single file belongs to.

    Args:
        path: folder, searched with its subfolders, or one DICOM file.
        series: number in the list, description or UID, needed when there are several.

    Raises:
        ImageError: when there is none or several, with the list of them.
    """
    folder = path if path.is_dir() else path.parent
    found = find_series(folder)
    if path.is_file():
        found = [s for s in found if any(x.path == path for x in s.slices)]
    if not found:
        raise ImageError(
            f"{path} holds no DICOM image series with a place in the patient. "
            "Choose the folder with the slices of a CT, MR or PET scan."
        )
    listed = "; ".join(f"{n}. {s}" for n, s in enumerate(found, 1))
    if series is not None:
        found = [s for n, s in enumerate(found, 1) if series in (str(n), s.uid, s.title)]
    if not found:
        raise ImageError(
            f"{path} holds no DICOM image series {series}, but {listed}. Choose one by its number."
        )
    if len(found) > 1:
        raise ImageError(
            f"{path} holds {len(found)} image series: {listed}. "
            "Choose one by its number (--series 1), or give a folder that holds only one."
        )
    return found[0]


def find_series(folder: Path) -> list[DicomSeries]:
    """All image series below a folder, in the order of their numbers.

    Structure sets, segmentations, reports and images without a place in the patient are passed over.

    Raises:
        ImageError: when a file holds a colour or a multi-frame image.
    """
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for path, header in _headers(folder):
        if not _is_slice(header):
            logger.info("not a slice of a scan: %s", path)
            continue
        _refuse_unknown_layout(header, path)
        image = _slice(header, path)
        group = groups.setdefault((header.SeriesInstanceUID, *image.stack), {"header": header, "slices": {}})
        if group["slices"].setdefault(header.SOPInstanceUID, image) is not image:
            logger.info("the same image as another file: %s", path)
    ordered = sorted(groups.values(), key=lambda g: int(g["header"].get("SeriesNumber") or 0))
    return [_series(group["header"], tuple(group["slices"].values()), folder) for group in ordered]


def read_voxels(series: DicomSeries) -> npt.NDArray[Any]:
    """The rescaled voxels (k, j, i), read slice by slice into one array.

    Raises:
        ImageError: when a file is damaged or its compression unknown.
    """
    first = series.slices[0]
    voxels = np.empty((len(series.slices), first.rows, first.columns), series.dtype)
    for plane, image in zip(voxels, series.sorted_slices, strict=True):
        stored = itk.read_voxels(image.path)
        if stored.size != plane.size:
            raise ImageError(f"{image.path} {DAMAGED}. Copy or export the series again.")
        plane[...] = stored.reshape(plane.shape)
    return voxels


def _headers(folder: Path) -> Iterator[tuple[Path, Any]]:
    """Every DICOM file below the folder with its header, hidden files left out."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(n for n in names if not n.startswith(".") and n != "DICOMDIR"):
            path = Path(parent, name)
            try:
                with warnings.catch_warnings():  # scanners write values that break the standard's small rules
                    warnings.simplefilter("ignore")
                    header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
            except InvalidDicomError:
                continue
            except (OSError, EOFError, ValueError, KeyError, AttributeError) as broken:
                raise ImageError(f"{path} {DAMAGED} ({broken}). Copy or export the series again.") from broken
            yield path, header


def _is_slice(header: Any) -> bool:
    needed = ("SeriesInstanceUID", "SOPInstanceUID", "Rows", "Columns")
    if header.get("Modality") in ("SEG", "RTDOSE") or not all(header.get(n) for n in needed):
        return False
    return header.get("NumberOfFrames", 1) not in (None, 1) or bool(
        header.get("ImagePositionPatient")
        and header.get("ImageOrientationPatient")
        and header.get("PixelSpacing")
    )


def _refuse_unknown_layout(header: Any, path: Path) -> None:
    if (header.get("NumberOfFrames") or 1) > 1:
        raise ImageError(
            f"{path} holds {header.NumberOfFrames} frames in one file, and we read one slice per file. "
            "Load it in 3D Slicer and save the volume as NRRD."
        )
    if (header.get("SamplesPerPixel") or 1) > 1:
        raise ImageError(f"{path} must be a grey-value image, but is colour. Choose the original scan.")


def _slice(header: Any, path: Path) -> DicomSlice:
    return DicomSlice(
        path=path,
        rows=int(header.Rows),
        columns=int(header.Columns),
        position_lps=tuple(float(v) for v in header.ImagePositionPatient),
        orientation=tuple(float(v) for v in header.ImageOrientationPatient),
        pixel_spacing_mm=tuple(float(v) for v in header.PixelSpacing),
        thickness_mm=float(header.get("SpacingBetweenSlices") or header.get("SliceThickness") or 1.0),
        scaling=tuple(
            float(v) if v is not None else None
            for v in map(
                header.get, ("RescaleSlope", "RescaleIntercept", "BitsStored", "PixelRepresentation")
            )
        ),
    )


def _series(header: Any, slices: tuple[DicomSlice, ...], folder: Path) -> DicomSeries:
    title = str(header.get("SeriesDescription") or "").strip() or folder.resolve().name
    modality = str(header.get("Modality") or "OT")
    return DicomSeries(
        str(header.SeriesInstanceUID), title, modality if modality in MODALITIES else "OT", slices
    )
