"""A DICOM segmentation says what was segmented, where, by whom; other readers get the same voxels."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid
from test_dicom import COLUMNS, ROWS, write_slice

from SAMLesionLib import IndexBox
from SAMLesionLib.errors import OutputError
from SAMLesionLib.io import DicomSeries, Segment, find_series, read_volume, write_dicom_seg
from SAMLesionLib.io.dicom_seg import is_grid_of
from SAMLesionLib.terminology import MASS, with_organ

STUDY = {
    "StudyInstanceUID": generate_uid(),
    "FrameOfReferenceUID": generate_uid(),
    "PatientID": "P1",
    "PatientName": "Doe^Jane",
    "PatientBirthDate": "",
    "PatientSex": "",
    "StudyID": "1",
    "StudyDate": "20260301",
    "StudyTime": "120000",
    "AccessionNumber": "",
    "ReferringPhysicianName": "",
}
MADE = {
    "DICOM.SegmentAlgorithmType": "SEMIAUTOMATIC",
    "DICOM.SegmentAlgorithmName": "SAMLesion 0.1.0 lite-medsam",
    "SAMLesion.Version": "0.1.0",
}


def write_series(folder: Path, n: int = 6, **fields: object) -> DicomSeries:
    folder.mkdir()
    uid = generate_uid()
    for k in range(n):
        own = {"SeriesInstanceUID": uid, "InstanceNumber": n - k, "SliceThickness": 3.0} | STUDY | fields
        write_slice(folder / f"{(k * 5) % n}.dcm", np.array([10.0, 20, 30 + 3 * k]), **own)
    return find_series(folder)[0]


@pytest.fixture
def series(tmp_path: Path) -> DicomSeries:
    return write_series(tmp_path / "scan")


def a_segment(name: str, box: IndexBox, **others: object) -> Segment:
    mask = np.ones(box.shape_kji, bool)
    mask[0, 0, 0] = box.n_voxels == 1
    return Segment(name, mask, box, **others)


LEFT = a_segment(
    "Läsion 1", IndexBox((0, 1, 1), (3, 4, 3)), tags=MADE, terminology=with_organ(str(MASS), "liver")
)
RIGHT = a_segment("Lesion 2", IndexBox((3, 2, 3), (5, 5, 5)), colour=(0.0, 1.0, 0.0))
OVER = a_segment("Lesion 3", IndexBox((1, 2, 2), (4, 5, 4)), tags=MADE)


def masks_of(path: Path, series: DicomSeries) -> list[np.ndarray]:
    """Each segment's voxels on the grid of the series, found by the UIDs of its slices."""
    seg = highdicom.seg.segread(path)
    uids = [pydicom.dcmread(x.path, stop_before_pixels=True).SOPInstanceUID for x in series.sorted_slices]
    frames = seg.get_pixels_by_source_instance(
        uids, ignore_spatial_locations=True, assert_missing_frames_are_empty=True
    )
    return [frames[..., n].astype(bool) for n in range(frames.shape[-1])]


def full(segment: Segment) -> np.ndarray:
    mask = np.zeros((6, ROWS, COLUMNS), bool)
    mask[segment.block.slices_kji()] = segment.mask
    return mask


@pytest.mark.parametrize("segments", [(LEFT, RIGHT), (LEFT, OVER, RIGHT)], ids=["apart", "overlapping"])
def test_the_voxels_come_back_on_the_slices_they_were_drawn_on(tmp_path, series, segments):
    path = tmp_path / "lesions.dcm"
    write_dicom_seg(path, segments, series)
    masks = masks_of(path, series)
    assert len(masks) == len(segments)
    for mask, segment in zip(masks, segments, strict=True):
        np.testing.assert_array_equal(mask, full(segment))


def test_it_says_what_where_and_by_whom(tmp_path, series):
    write_dicom_seg(tmp_path / "lesions.dcm", (LEFT, RIGHT), series)
    seg = pydicom.dcmread(tmp_path / "lesions.dcm")
    left, right = seg.SegmentSequence
    assert (left.SegmentLabel, left.SegmentAlgorithmType) == ("Läsion 1", "SEMIAUTOMATIC")
    assert left.SegmentAlgorithmName == "SAMLesion 0.1.0 lite-medsam"
    assert left.SegmentationAlgorithmIdentificationSequence[0].AlgorithmVersion == "0.1.0"
    assert left.SegmentedPropertyTypeCodeSequence[0].CodeValue == "4147007"
    assert left.AnatomicRegionSequence[0].CodeMeaning == "Liver"
    assert (right.SegmentAlgorithmType, "AnatomicRegionSequence" in right) == ("MANUAL", False)
    assert (seg.Modality, seg.PatientID, seg.StudyInstanceUID) == ("SEG", "P1", STUDY["StudyInstanceUID"])
    assert seg.FrameOfReferenceUID == STUDY["FrameOfReferenceUID"]
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == series.uid


def test_empty_segments_are_left_out_and_nothing_at_all_is_refused(tmp_path, series):
    nothing = Segment("Empty", np.zeros((6, ROWS, COLUMNS), bool))
    write_dicom_seg(tmp_path / "lesions.dcm", (nothing, RIGHT), series)
    assert len(pydicom.dcmread(tmp_path / "lesions.dcm").SegmentSequence) == 1
    with pytest.raises(OutputError, match="no segment has a voxel"):
        write_dicom_seg(tmp_path / "lesions.dcm", (nothing,), series)


def test_words_of_other_programs_become_a_mass(tmp_path, series):
    write_dicom_seg(tmp_path / "lesions.dcm", (replace(LEFT, terminology="tumour", name="x" * 90),), series)
    (segment,) = pydicom.dcmread(tmp_path / "lesions.dcm").SegmentSequence
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Mass"
    assert segment.SegmentLabel == "x" * 64


def test_what_cannot_be_written_is_told_and_an_old_file_stays(tmp_path, series, monkeypatch):
    path = tmp_path / "lesions.dcm"
    path.write_text("old")
    with pytest.raises(OutputError, match="reaches beyond the series"):
        write_dicom_seg(path, (a_segment("Far", IndexBox((0, 0, 0), (COLUMNS + 1, 2, 2))),), series)
    bare = write_series(tmp_path / "bare", StudyInstanceUID=None)
    with pytest.raises(OutputError, match="lacks what a segmentation needs"):
        write_dicom_seg(path, (LEFT,), bare)
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(OutputError, match=r"samlesion\[dicom\]"):
        write_dicom_seg(path, (LEFT,), series)
    assert path.read_text() == "old"


def test_the_grid_of_a_series_is_known_again(tmp_path, series):
    volume = read_volume(tmp_path / "scan")
    assert is_grid_of(series, volume.affine)
    assert not is_grid_of(write_series(tmp_path / "other", PixelSpacing=[1.0, 1.0]), volume.affine)
