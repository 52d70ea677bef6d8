"""Segments go to the file that was named: a label map, Slicer's format, or DICOM beside the scan's series."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.uid import generate_uid

from SAMLesionLib import IndexBox
from SAMLesionLib.commands.output import check_output, write_output
from SAMLesionLib.errors import OutputError
from SAMLesionLib.io import Segment, read_mask, read_volume

BOX = IndexBox((2, 3, 1), (6, 8, 4))
MADE = {
    "DICOM.SegmentAlgorithmType": "SEMIAUTOMATIC",
    "DICOM.SegmentAlgorithmName": "SAMLesion 0.1.0 lite-medsam",
}


@pytest.fixture
def a_series(tmp_path: Path) -> Path:
    """A folder with the five slices of a CT."""
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    folder = tmp_path / "ct"
    folder.mkdir()
    for k in range(5):
        image = sitk.GetImageFromArray(np.full((1, 12, 10), 100 + k, np.int16))
        image.SetSpacing((0.8, 0.8, 2.5))
        image.SetOrigin((-10.0, -20.0, 2.5 * k))
        facts = {
            **{"0008|0016": "1.2.840.10008.5.1.4.1.1.2", "0008|0060": "CT", "0020|0052": frame},
            **{"0020|000d": study, "0020|000e": series, "0020|0013": str(k + 1), "0018|0050": "2.5"},
            **{"0010|0010": "Doe^Jane", "0010|0020": "P1", "0008|0020": "20260301", "0008|0030": "120000"},
            "0020|0032": f"-10\\-20\\{2.5 * k}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
        }
        for tag, value in facts.items():
            image.SetMetaData(tag, value)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetFileName(str(folder / f"{k}.dcm"))
        writer.Execute(image)
    return folder


@pytest.fixture
def a_segment() -> Segment:
    return Segment("Läsion", np.ones(BOX.shape_kji, bool), BOX, tags=MADE)


def test_a_dicom_scan_gets_a_dicom_segmentation(a_series: Path, a_segment: Segment, tmp_path: Path) -> None:
    target, volume = tmp_path / "lesion.dcm", read_volume(a_series)
    check_output(target, a_series)
    write_output(target, [a_segment], volume, a_series)
    written = highdicom.seg.segread(target)
    assert (written.PatientID, written.Modality) == ("P1", "SEG")
    (described,) = written.SegmentSequence
    assert (described.SegmentLabel, described.SegmentAlgorithmType) == ("Läsion", "SEMIAUTOMATIC")
    assert written.pixel_array.sum() == BOX.n_voxels


def test_the_same_segment_as_a_label_map(a_series: Path, a_segment: Segment, tmp_path: Path) -> None:
    target, volume = tmp_path / "lesion.nii.gz", read_volume(a_series)
    write_output(target, [a_segment], volume, a_series)
    assert read_mask(target, volume)[BOX.slices_kji()].all()


def test_a_scan_that_is_not_from_dicom_gets_none(tmp_path: Path) -> None:
    image = tmp_path / "scan.nrrd"
    image.write_bytes(b"NRRD0004")
    with pytest.raises(OutputError, match="needs a DICOM series"):
        check_output(tmp_path / "lesion.dcm", image)
    with pytest.raises(OutputError, match=r"expected a name ending in .*\.dcm"):
        check_output(tmp_path / "lesion.png", image)
    assert not (tmp_path / "lesion.dcm").exists()
