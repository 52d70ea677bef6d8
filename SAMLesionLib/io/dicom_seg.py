"""Lesions as a DICOM segmentation object beside the series they were drawn on, written with highdicom."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import InputError, OutputError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.io.dicom import DicomSeries
from SAMLesionLib.io.files import atomic_write
from SAMLesionLib.io.segments import Segment
from SAMLesionLib.terminology import MASS, Code, Terminology
from SAMLesionLib.version import __version__

MANUFACTURER = "SAMLesion"
ALGORITHM_TYPE_TAG, ALGORITHM_NAME_TAG = "DICOM.SegmentAlgorithmType", "DICOM.SegmentAlgorithmName"
"""Tags of a segment that say who made it; without them it counts as drawn by hand."""

_LONGEST_LABEL = 64  # DICOM's limit (value representation LO)


def write_dicom_seg(path: str | os.PathLike[str], segments: Sequence[Segment], series: DicomSeries) -> None:
    """Write segments as a DICOM segmentation object (binary, one segment each, overlaps kept).

    Patient, study and frame of reference are those of the series. Segments whose tags say so are
    semi-automatic, with the algorithm's name and version; empty ones are left out, as DICOM wants.

    Args:
        path: the file, usually ending in .dcm.
        segments: on the grid of the series.
        series: the DICOM series they were drawn on.

    Raises:
        OutputError: there is nothing to write, a segment reaches beyond the series, the series lacks what
            DICOM needs, highdicom is missing, or the disk refuses.
        ImageError: the series forms no regular grid.
    """
    segments = [segment for segment in segments if segment.mask.size]
    if not segments:
        raise OutputError(f"Cannot write {path}: no segment has a voxel. Draw a lesion first.")
    first = series.slices[0]
    whole = IndexBox.whole((first.columns, first.rows, len(series.slices)))
    for segment in segments:
        if segment.block.intersect(whole) != segment.block:
            raise OutputError(
                f"Cannot write {path}: {segment.name} reaches beyond the series {series.title}."
            )
    with _sentences(path), atomic_write(path) as file:
        _segmentation(segments, series).save_as(file, enforce_file_format=True)


def is_grid_of(series: DicomSeries, affine: Affine) -> bool:
    """Whether a grid is that of a series, so that masks on it can be written beside it.

    Raises:
        ImageError: the series forms no regular grid.
    """
    return bool(np.allclose(series.affine.ijk_to_ras, affine.ijk_to_ras, atol=1e-2))


def _segmentation(segments: Sequence[Segment], series: DicomSeries) -> Any:
    import highdicom

    start, stop = _slices_with_lesions(segments)
    return highdicom.seg.Segmentation(
        source_images=_headers(series, start, stop),
        pixel_array=_frames(segments, series, start, stop),
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(n, segment) for n, segment in enumerate(segments, start=1)],
        series_instance_uid=highdicom.UID(),
        series_number=900,  # behind the scanner's own
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=__version__,
        device_serial_number="none",
        series_description="SAMLesion segmentation",
        content_label="SEGMENTATION",
    )


def _slices_with_lesions(segments: Sequence[Segment]) -> tuple[int, int]:
    return min(s.block.start_ijk[2] for s in segments), max(s.block.stop_ijk[2] for s in segments)


def _headers(series: DicomSeries, start: int, stop: int) -> list[Any]:
    import pydicom

    slices = series.sorted_slices[start:stop]
    return [pydicom.dcmread(image.path, stop_before_pixels=True) for image in slices]


def _frames(
    segments: Sequence[Segment], series: DicomSeries, start: int, stop: int
) -> npt.NDArray[np.uint8 | np.uint16]:
    """Labels (k, rows, columns); with an axis of segments behind where some of them overlap."""
    first = series.slices[0]
    shape = (stop - start, first.rows, first.columns)
    labels = np.zeros(shape, np.uint8 if len(segments) < 256 else np.uint16)
    for number, segment in enumerate(segments, start=1):
        block = labels[segment.block.shift((0, 0, -start)).slices_kji()]
        if (block[segment.mask] != 0).any():
            return _stacked(segments, shape, start)
        block[segment.mask] = number
    return labels


def _stacked(segments: Sequence[Segment], shape: tuple[int, int, int], start: int) -> npt.NDArray[np.uint8]:
    stacked = np.zeros((*shape, len(segments)), np.uint8)
    for n, segment in enumerate(segments):
        stacked[..., n][segment.block.shift((0, 0, -start)).slices_kji()] = segment.mask
    return stacked


def _description(number: int, segment: Segment) -> Any:
    import highdicom

    words = _terminology(segment)
    kind = segment.tags.get(ALGORITHM_TYPE_TAG, "MANUAL")
    red, green, blue = (round(255 * c) for c in segment.colour)
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=segment.name[:_LONGEST_LABEL] or f"Segment {number}",
        segmented_property_category=_concept(words.category),
        segmented_property_type=_concept(words.type),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues[kind],
        algorithm_identification=None if kind == "MANUAL" else _algorithm(segment),
        anatomic_regions=[_concept(words.region)] if words.region else None,
        display_color=highdicom.color.CIELabColor.from_rgb(red, green, blue),
    )


def _algorithm(segment: Segment) -> Any:
    import highdicom
    from pydicom.sr.codedict import codes

    return highdicom.AlgorithmIdentificationSequence(
        name=segment.tags.get(ALGORITHM_NAME_TAG) or MANUFACTURER,
        family=codes.DCM.ArtificialIntelligence,
        version=segment.tags.get("SAMLesion.Version") or __version__,
    )


def _terminology(segment: Segment) -> Terminology:
    try:
        words = Terminology.parse(segment.terminology)
    except InputError:
        return MASS
    return words if words.category and words.type else MASS


def _concept(code: Code) -> Any:
    import highdicom

    return highdicom.sr.CodedConcept(value=code.value, scheme_designator=code.scheme, meaning=code.meaning)


@contextmanager
def _sentences(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turns what highdicom raises into a sentence, and keeps its warnings to itself."""
    try:
        with warnings.catch_warnings():  # of values of the scanner that break the standard's small rules
            warnings.simplefilter("ignore")
            yield
    except ImportError as missing:
        raise OutputError(
            f"Cannot write {path}: DICOM segmentations need the package highdicom. "
            'Install it with: pip install "samlesion[dicom]"'
        ) from missing
    except (AttributeError, KeyError, ValueError, TypeError) as lacking:
        raise OutputError(
            f"Cannot write {path}: the DICOM series lacks what a segmentation needs ({lacking}). "
            "Export the series again with all its attributes, or write a .seg.nrrd."
        ) from lacking
