"""Where segments are written: the place is checked before any work is done, the name chooses the format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from SAMLesionLib.errors import ImageError, OutputError
from SAMLesionLib.io import Segment, atomic_write, write_dicom_seg, write_segmentation
from SAMLesionLib.io.dicom import choose_series
from SAMLesionLib.io.files import suffix_of
from SAMLesionLib.io.segmentation_writer import ENDINGS
from SAMLesionLib.volume import Volume

DICOM_ENDING = ".dcm"


def check_output(output: Path, image: Path | None = None, series: str | None = None) -> None:
    """Refuse a place that cannot be written to.

    Args:
        output: the file to write.
        image: the scan.
        series: which series of a DICOM folder.

    Raises:
        OutputError: when the ending is unknown, the folder is missing or read-only, it is the scan, or a
            DICOM segmentation is wanted of a scan that is not from DICOM.
    """
    if not suffix_of(output, (*ENDINGS, DICOM_ENDING)):
        raise OutputError(
            f"Cannot write {output}: expected a name ending in {', '.join(ENDINGS)}, or, for a scan from "
            f"DICOM, {DICOM_ENDING}."
        )
    if image is not None and os.path.exists(output) and os.path.exists(image) and output.samefile(image):
        raise OutputError(f"Cannot write {output}: it is the scan itself. Give another name with -o.")
    if image is not None and _is_dicom(output):
        _check_series(output, image, series)
    # Begun and given up: the disk itself says whether the file could be made; permission bits may not.
    with suppress(_GivenUp), atomic_write(output):
        raise _GivenUp


def write_output(
    output: Path, segments: Sequence[Segment], volume: Volume, image: Path, series: str | None = None
) -> None:
    """Write segments, as a DICOM segmentation beside their series where the name ends in .dcm.

    Raises:
        OutputError: when there is nothing to write, or the disk or DICOM refuses.
    """
    if _is_dicom(output):
        write_dicom_seg(output, segments, choose_series(image, series))
    else:
        write_segmentation(output, segments, volume)


def _is_dicom(output: Path) -> bool:
    return output.name.lower().endswith(DICOM_ENDING)


def _check_series(output: Path, image: Path, series: str | None) -> None:
    try:
        choose_series(image, series)
    except ImageError as wrong:
        raise OutputError(
            f"Cannot write {output}: a DICOM segmentation needs a DICOM series. {wrong}"
        ) from None


class _GivenUp(Exception):
    """Leaves a file that was begun only to see whether it could be."""
