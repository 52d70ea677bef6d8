from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    RTStructureSetStorage,
    generate_uid,
)

from SAMLesionLib.errors import ImageError
from SAMLesionLib.io import estimate_bytes, find_series, read_volume

ROWS, COLUMNS = 6, 5
WriteSeries = Callable[..., str]


def a_plane(k: int) -> np.ndarray:
    return (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) + 100 * k).astype(np.uint16)


def write_slice(path: Path, position_lps: np.ndarray, **fields: Any) -> None:
    """One CT image; `fields` replace or, when None, leave out what a plain one has."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = fields.get("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPInstanceUID = fields.get("SOPInstanceUID", generate_uid())
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    plain: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "Modality": "CT",
        "SeriesDescription": "Chest",
        "SeriesNumber": 3,
        "Rows": ROWS,
        "Columns": COLUMNS,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "PixelSpacing": [2.0, 0.5],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [round(float(v), 6) for v in position_lps],
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "PixelData": a_plane(0).tobytes(),
    }
    for name, value in (plain | fields).items():
        if value is not None:
            setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)


@pytest.fixture
def write_series(tmp_path: Path) -> WriteSeries:
    """Writes a series of slices into a folder, in an order that is not the patient's; returns its UID."""

    def write(folder: str = "scan", step: Any = (0, 0, 3), n: int = 4, at: Any = None, **fields: Any) -> str:
        (tmp_path / folder).mkdir(exist_ok=True)
        uid = generate_uid()
        positions = [np.array([10.0, 20, 30]) + np.multiply(step, k) for k in (at or range(n))]
        for k, position in enumerate(positions):
            own = {name: value[k] if isinstance(value, tuple) else value for name, value in fields.items()}
            own.setdefault("PixelData", a_plane(k).tobytes())
            name = f"{uid[-6:]}_{(k * 7) % len(positions)}_{k}.dcm"
            write_slice(tmp_path / folder / name, position, SeriesInstanceUID=uid, **own)
        return uid

    return write


def test_a_series_becomes_a_volume_in_ras(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series()

    volume = read_volume(tmp_path / "scan")

    expected = np.array([a_plane(k) for k in range(4)]).astype(int) - 1024
    np.testing.assert_array_equal(volume.voxels, expected)
    assert volume.voxels.dtype == np.int16
    np.testing.assert_allclose(
        volume.affine.ijk_to_ras, [[-0.5, 0, 0, -10], [0, -2, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]]
    )
    assert (volume.name, volume.modality) == ("Chest", "CT")
    assert estimate_bytes(tmp_path / "scan") == volume.voxels.nbytes


def test_one_file_stands_for_its_series(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series()
    write_series(SeriesDescription="Other")
    one = next(
        p for p in sorted((tmp_path / "scan").iterdir()) if pydicom.dcmread(p).SeriesDescription == "Chest"
    )

    volume = read_volume(one)

    assert (volume.name, volume.shape_ijk) == ("Chest", (COLUMNS, ROWS, 4))


def test_slices_that_count_down_the_patient_are_sorted_along_their_normal(
    tmp_path: Path, write_series: WriteSeries
) -> None:
    write_series(step=(0, 0, -3))

    volume = read_volume(tmp_path / "scan")

    assert volume.affine.ijk_to_ras[2, 2] == 3
    np.testing.assert_array_equal(volume.voxels[0], a_plane(3).astype(int) - 1024)


def test_a_tilted_gantry_gives_a_sheared_grid(tmp_path: Path, write_series: WriteSeries) -> None:
    angle = np.deg2rad(20)
    tilted = [1, 0, 0, 0, np.cos(angle), np.sin(angle)]
    write_series(step=(0, 0, 3), ImageOrientationPatient=tilted)  # the table moves along z, the slices lean

    affine = read_volume(tmp_path / "scan").affine

    for k, point in enumerate(affine.to_ras([[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 3]])):
        np.testing.assert_allclose(point, [-10, -20, 30 + 3 * k], atol=1e-4)
    np.testing.assert_allclose(
        affine.to_ras([[0, 1, 0]])[0], [-10, -20 - 2 * np.cos(angle), 30 + 2 * np.sin(angle)], atol=1e-4
    )
    assert affine.voxel_ml == pytest.approx(0.5 * 2 * 3 * np.cos(angle) / 1000, rel=1e-4)


def test_oblique_slices_keep_their_directions(tmp_path: Path, write_series: WriteSeries) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))
    normal = np.cross(turn[:, 0], turn[:, 1])
    write_series(step=normal * 4, ImageOrientationPatient=[round(float(v), 8) for v in turn[:, :2].T.ravel()])

    ijk_to_lps = read_volume(tmp_path / "scan").affine.ijk_to_lps

    expected = np.stack([turn[:, 0] * 0.5, turn[:, 1] * 2.0, normal * 4], axis=1)
    np.testing.assert_allclose(ijk_to_lps[:3, :3], expected, atol=1e-5)


def test_a_missing_slice_is_named(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(at=(0, 1, 2, 4, 5))

    with pytest.raises(ImageError, match=r"3 to 6 mm apart, the widest gap after slice 3 of 5.*resample"):
        read_volume(tmp_path / "scan")


def test_rounded_positions_are_a_regular_grid(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(at=(0, 1.01, 1.99, 3))

    assert read_volume(tmp_path / "scan").affine.spacing_mm[2] == pytest.approx(3)


def test_copies_of_an_image_count_once(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series()
    for path in list((tmp_path / "scan").iterdir()):
        shutil.copy(path, path.with_name(f"copy_{path.name}"))

    assert read_volume(tmp_path / "scan").shape_ijk == (COLUMNS, ROWS, 4)


def test_time_points_at_one_position_are_refused(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(at=(0, 1, 0, 1))

    with pytest.raises(ImageError, match="several images at one position"):
        read_volume(tmp_path / "scan")


def test_other_objects_and_files_are_passed_over(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series()
    extra = tmp_path / "scan" / "more"
    extra.mkdir()
    structures = {"SOPClassUID": RTStructureSetStorage, "Modality": "RTSTRUCT", "Rows": None, "Columns": None}
    write_slice(extra / "rs", np.zeros(3), SeriesInstanceUID=generate_uid(), PixelData=None, **structures)
    write_slice(
        extra / "seg", np.zeros(3), SeriesInstanceUID=generate_uid(), Modality="SEG", NumberOfFrames=9
    )
    scanned_paper = {"Modality": "OT", "ImagePositionPatient": None}
    write_slice(extra / "paper", np.zeros(3), SeriesInstanceUID=generate_uid(), **scanned_paper)
    (extra / "notes.txt").write_text("no image")
    (extra / "DICOMDIR").write_text("an index")

    assert [str(s) for s in find_series(tmp_path)] == ["Chest (CT, 4 images)"]
    assert read_volume(tmp_path).shape_ijk == (COLUMNS, ROWS, 4)


def test_several_series_are_listed_and_can_be_chosen(tmp_path: Path, write_series: WriteSeries) -> None:
    uid = write_series(SeriesDescription="Lung", SeriesNumber=7)
    write_series("other", n=2, SeriesDescription="Liver", SeriesNumber=2, Modality="MR")

    with pytest.raises(ImageError, match=r"2 image series: 1\. Liver \(MR, 2 images\); 2\. Lung \(CT, 4"):
        read_volume(tmp_path)
    assert read_volume(tmp_path, series="1").modality == "MR"
    assert read_volume(tmp_path, series="Lung").name == "Lung"
    assert read_volume(tmp_path, series=uid).name == "Lung"
    with pytest.raises(ImageError, match=r"no DICOM image series 9, but 1\. .*; 2\. .*Choose one"):
        read_volume(tmp_path, series="9")


def test_a_localizer_of_another_orientation_is_a_series_of_its_own(
    tmp_path: Path, write_series: WriteSeries
) -> None:
    coronal = [1, 0, 0, 0, 0, -1]
    axial = [1, 0, 0, 0, 1, 0]
    write_series(ImageOrientationPatient=(axial, axial, axial, coronal))

    assert sorted(len(s.slices) for s in find_series(tmp_path)) == [1, 3]


def test_slopes_that_differ_by_slice_are_applied_to_each(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(Modality="PT", RescaleSlope=(0.5, 0.25, 2, 1), RescaleIntercept=0)

    volume = read_volume(tmp_path / "scan")

    assert (volume.voxels.dtype, volume.modality) == (np.float32, "PT")
    for k, slope in enumerate((0.5, 0.25, 2, 1)):
        np.testing.assert_allclose(volume.voxels[k], a_plane(k) * slope)


def test_a_single_slice_is_as_thick_as_its_header_says(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series(n=1, SliceThickness=7.5, Modality="US")

    volume = read_volume(tmp_path / "scan")

    assert (volume.affine.spacing_mm[2], volume.modality) == (7.5, "OT")


def test_multi_frame_and_colour_images_are_refused(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series("frames", n=1, NumberOfFrames=2, PixelData=a_plane(0).tobytes() * 2)
    rgb = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    write_series("colour", n=1, PixelData=a_plane(0).tobytes() * 3, **rgb)

    with pytest.raises(ImageError, match=r"2 frames in one file.*save the volume as NRRD"):
        read_volume(tmp_path / "frames")
    with pytest.raises(ImageError, match="is colour"):
        read_volume(tmp_path / "colour")


def test_folders_without_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")

    with pytest.raises(ImageError, match="holds no DICOM image series"):
        read_volume(tmp_path)


def test_a_truncated_image_is_refused(tmp_path: Path, write_series: WriteSeries) -> None:
    write_series()
    victim = sorted((tmp_path / "scan").iterdir())[1]
    victim.write_bytes(victim.read_bytes()[:-20])

    with pytest.raises(ImageError, match="is damaged or incomplete"):
        read_volume(tmp_path / "scan")
