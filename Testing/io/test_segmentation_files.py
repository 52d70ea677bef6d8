from __future__ import annotations

import csv
import json
import logging
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from SAMLesionLib import Affine, IndexBox, Volume
from SAMLesionLib.errors import ImageError, OutputError
from SAMLesionLib.io import (
    Segment,
    read_mask,
    read_segmentation,
    write_label_table,
    write_segmentation,
)

SHAPE_KJI = (7, 9, 11)
PROMPTS = json.dumps([{"kind": "box", "note": 'a|b "c" \\ \n: ü'}])


def an_affine(shear: float = 0.0) -> Affine:
    turn, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    sheared = np.diag([0.8, 1.5, 3.0])
    sheared[0, 2] = shear
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn @ sheared, (12.5, -34.0, 56.0)
    return Affine(matrix)


def a_volume(shear: float = 0.0) -> Volume:
    return Volume(np.zeros(SHAPE_KJI, np.int16), an_affine(shear), "scan")


def a_segment(name: str, k: slice, j: slice, i: slice, **others: object) -> Segment:
    mask = np.zeros(SHAPE_KJI, bool)
    mask[k, j, i] = True
    mask[k.start, j.start, i.start] = False  # not a plain box
    return Segment(name, mask, **others)  # type: ignore[arg-type]


LEFT = a_segment(
    "Läsion 1",
    slice(1, 4),
    slice(2, 6),
    slice(1, 5),
    colour=(0.25, 0.5, 1.0),
    tags={"SAMLesion.Prompts": PROMPTS},
)
RIGHT = a_segment("Lesion 2", slice(2, 6), slice(1, 5), slice(6, 10))
ACROSS = a_segment("Lesion 3", slice(3, 5), slice(4, 8), slice(3, 8))
NOTHING = Segment("Lesion 4", np.zeros(SHAPE_KJI, bool))


def full(segment: Segment) -> np.ndarray:
    mask = np.zeros(SHAPE_KJI, bool)
    mask[segment.block.slices_kji()] = segment.mask
    return mask


def header_of(path: Path) -> dict[str, str]:
    text = path.read_bytes().split(b"\n\n")[0].decode()
    return dict(
        line.replace(":=", ": ").split(": ", 1) for line in text.splitlines() if ": " in line or ":=" in line
    )


@pytest.mark.parametrize("shear", [0.0, 0.7])
@pytest.mark.parametrize("segments", [[LEFT, RIGHT], [LEFT, RIGHT, ACROSS, NOTHING], [NOTHING]])
def test_slicer_segmentations_come_back_whole(tmp_path: Path, segments: list[Segment], shear: float) -> None:
    path = tmp_path / "a.seg.nrrd"

    write_segmentation(path, segments, a_volume(shear))
    found = read_segmentation(path)

    assert [(s.name, s.colour, dict(s.tags), s.terminology) for s in found.segments] == [
        (s.name, s.colour, dict(s.tags), s.terminology) for s in segments
    ]
    for ours, theirs in zip(segments, found.segments, strict=True):
        np.testing.assert_array_equal(full(theirs), full(ours))
    np.testing.assert_allclose(found.affine.ijk_to_ras, an_affine(shear).ijk_to_ras, atol=1e-9)


def test_segments_apart_share_one_layer_and_overlapping_ones_get_their_own(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "one.seg.nrrd", [LEFT, RIGHT], a_volume())
    write_segmentation(tmp_path / "two.seg.nrrd", [LEFT, RIGHT, ACROSS], a_volume())

    one, two = header_of(tmp_path / "one.seg.nrrd"), header_of(tmp_path / "two.seg.nrrd")

    assert (one["sizes"], one["kinds"]) == ("11 9 7", "domain domain domain")
    assert (two["sizes"], two["kinds"]) == ("2 11 9 7", "list domain domain domain")
    assert [two[f"Segment{n}_Layer"] for n in range(3)] == ["0", "0", "1"]
    assert [two[f"Segment{n}_LabelValue"] for n in range(3)] == ["1", "2", "3"]
    assert two["space directions"].startswith("none (")


def test_the_fields_are_slicers(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "a.seg.nrrd", [LEFT, RIGHT], Volume(np.zeros(SHAPE_KJI, np.int16)))

    fields = header_of(tmp_path / "a.seg.nrrd")

    assert fields["Segment0_ID"] == "Segment_1"
    assert fields["Segment0_Color"] == "0.25 0.5 1"
    assert fields["Segment0_Extent"] == fields["Segment1_Extent"] == "1 9 1 5 1 5"  # of the shared layer
    assert fields["Segment1_Tags"].startswith("TerminologyEntry:Segmentation category and type - 3D Slicer")
    assert fields["Segmentation_MasterRepresentation"] == "Binary labelmap"
    assert fields["Segmentation_ContainedRepresentationNames"] == "Binary labelmap|"
    assert fields["Segmentation_ReferenceImageExtentOffset"] == "0 0 0"
    geometry = "1;0;0;0;0;1;0;0;0;0;1;0;0;0;0;1;0;10;0;8;0;6;"
    assert fields["Segmentation_ConversionParameters"] == f"Reference image geometry|{geometry}|&"
    assert "|" not in fields["Segment0_Tags"].split("SAMLesion.Prompts:")[1].split("|TerminologyEntry")[0]


def test_other_readers_see_the_same_voxels_and_place(tmp_path: Path) -> None:
    for name in ("a.seg.nrrd", "a.nrrd", "a.nii.gz"):
        write_segmentation(tmp_path / name, [LEFT, RIGHT], a_volume())
    expected = full(LEFT) * 1 + full(RIGHT) * 2

    for name in ("a.seg.nrrd", "a.nrrd", "a.nii.gz"):
        image = sitk.ReadImage(str(tmp_path / name))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image), expected)
        ends = image.TransformContinuousIndexToPhysicalPoint((10.0, 8.0, 6.0))
        np.testing.assert_allclose(ends * np.array([-1, -1, 1]), an_affine().to_ras([10, 8, 6])[0], atol=1e-4)


@pytest.mark.parametrize("ending", ["nrrd", "nii.gz", "nii"])
@pytest.mark.parametrize("shear", [0.0, 0.7])
def test_label_maps_number_the_segments_and_the_earlier_one_wins(
    tmp_path: Path, ending: str, shear: float, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"a.{ending}"

    with caplog.at_level(logging.WARNING):
        write_segmentation(path, [LEFT, NOTHING, ACROSS], a_volume(shear))
    found = read_segmentation(path)

    assert "overlap" in caplog.text
    assert [s.name for s in found.segments] == ["Label 1", "Label 3"]
    np.testing.assert_array_equal(full(found.segments[0]), full(LEFT))
    np.testing.assert_array_equal(full(found.segments[1]), full(ACROSS) & ~full(LEFT))
    np.testing.assert_allclose(found.affine.ijk_to_ras, an_affine(shear).ijk_to_ras, atol=1e-5)


def test_the_same_segments_give_the_same_bytes(tmp_path: Path) -> None:
    for ending in ("seg.nrrd", "nii.gz"):
        write_segmentation(tmp_path / f"a.{ending}", [LEFT, ACROSS], a_volume())
        write_segmentation(tmp_path / f"b.{ending}", [LEFT, ACROSS], a_volume())
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_more_than_255_segments_need_two_bytes(tmp_path: Path) -> None:
    box = IndexBox((0, 0, 0), (1, 1, 1))
    dots = [
        Segment(str(n), np.ones((1, 1, 1), bool), box.shift((n % 11, n // 11 % 9, n // 99)))
        for n in range(300)
    ]

    for ending in ("seg.nrrd", "nrrd", "nii"):
        write_segmentation(tmp_path / f"a.{ending}", dots, a_volume())
        found = read_segmentation(tmp_path / f"a.{ending}")
        assert [s.block for s in found.segments] == [s.block for s in dots]


def test_a_block_of_a_mask_lands_where_its_box_says(tmp_path: Path) -> None:
    block = Segment("a", LEFT.mask, LEFT.block)
    write_segmentation(tmp_path / "a.nrrd", [block], a_volume())

    np.testing.assert_array_equal(read_mask(tmp_path / "a.nrrd", a_volume()), full(LEFT))


def test_a_segment_keeps_no_whole_grid_alive() -> None:
    assert LEFT.mask.base is None
    assert LEFT.mask.shape == LEFT.block.shape_kji == (3, 4, 4)


def test_a_crop_of_the_grid_is_put_in_its_place(tmp_path: Path) -> None:
    whole = a_volume(0.7)
    start = (2, 1, 1)
    moved = an_affine(0.7).ijk_to_ras.copy()
    moved[:3, 3] = an_affine(0.7).to_ras(start)[0]
    crop = Volume(np.zeros((5, 7, 8), np.int16), Affine(moved), "crop")
    write_segmentation(tmp_path / "a.seg.nrrd", [Segment("a", np.ones((5, 7, 8), bool))], crop)

    mask = read_mask(tmp_path / "a.seg.nrrd", whole)

    expected = np.zeros(SHAPE_KJI, bool)
    expected[1:6, 1:8, 2:10] = True
    np.testing.assert_array_equal(mask, expected)


def test_a_mask_of_another_grid_is_refused(tmp_path: Path) -> None:
    write_segmentation(tmp_path / "a.nii.gz", [LEFT], a_volume())
    other = Volume(np.zeros(SHAPE_KJI, np.int16), Affine(np.eye(4)), "CT")

    assert read_mask(tmp_path / "a.nii.gz").any()
    with pytest.raises(ImageError, match=r"a\.nii\.gz \(11 x 9 x 7 voxels\) lies on another grid than CT"):
        read_mask(tmp_path / "a.nii.gz", other)


def test_float_label_maps_are_read_and_scans_are_not_label_maps(tmp_path: Path) -> None:
    nibabel.Nifti1Image(full(LEFT).T.astype(np.float32) * 2, np.eye(4)).to_filename(tmp_path / "label.nii")
    nibabel.Nifti1Image(np.full(SHAPE_KJI, 0.5, np.float32), np.eye(4)).to_filename(tmp_path / "scan.nii")

    assert [s.name for s in read_segmentation(tmp_path / "label.nii").segments] == ["Label 2"]
    with pytest.raises(ImageError, match="is no label map"):
        read_segmentation(tmp_path / "scan.nii")
    with pytest.raises(ImageError, match="is a folder"):
        read_segmentation(tmp_path)


def test_what_cannot_be_written_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    (tmp_path / "a.seg.nrrd").write_bytes(b"old")

    with pytest.raises(OutputError, match="no segment"):
        write_segmentation(tmp_path / "a.seg.nrrd", [], a_volume())
    with pytest.raises(OutputError, match=r"expected a name ending in \.seg\.nrrd"):
        write_segmentation(tmp_path / "a.jpg", [LEFT], a_volume())
    beyond = Segment("far", np.ones((1, 1, 1), bool), IndexBox((50, 0, 0), (51, 1, 1)))
    with pytest.raises(OutputError, match="far reaches beyond the grid of scan"):
        write_segmentation(tmp_path / "a.seg.nrrd", [beyond], a_volume())
    with pytest.raises(ValueError, match="tag's name"):
        write_segmentation(
            tmp_path / "a.seg.nrrd", [Segment("a", LEFT.mask, LEFT.block, tags={"a:b": "c"})], a_volume()
        )

    assert (tmp_path / "a.seg.nrrd").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.seg.nrrd"]


@pytest.mark.mrml
@pytest.mark.parametrize("shear", [0.0, 0.7])
@pytest.mark.parametrize("segments", [[LEFT, RIGHT], [LEFT, RIGHT, ACROSS, NOTHING]])
def test_slicer_reads_what_we_write(tmp_path: Path, segments: list[Segment], shear: float) -> None:
    slicer = pytest.importorskip("slicer", exc_type=ImportError)
    vtk = pytest.importorskip("vtk")
    from vtk.util.numpy_support import vtk_to_numpy

    path = tmp_path / "a.seg.nrrd"
    write_segmentation(path, segments, a_volume(shear))

    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == len(segments)

    for n, ours in enumerate(segments):
        theirs = segmentation.GetSegment(f"Segment_{n + 1}")
        assert (theirs.GetName(), theirs.GetColor()) == (ours.name, pytest.approx(ours.colour))
        for key, value in {"TerminologyEntry": ours.terminology, **ours.tags}.items():
            text = vtk.mutable("")
            assert theirs.GetTag(key, text)
            assert str(text.get()) == value.replace("|", "\\u007c")
        image = slicer.vtkOrientedImageData()
        node.GetBinaryLabelmapRepresentation(f"Segment_{n + 1}", image)
        i0, i1, j0, j1, k0, k1 = image.GetExtent()
        mask = np.zeros(SHAPE_KJI, bool)
        scalars = vtk_to_numpy(image.GetPointData().GetScalars())
        mask[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1] = (
            scalars.reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1) != 0
        )
        np.testing.assert_array_equal(mask, full(ours))
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        to_world = [[matrix.GetElement(r, c) for c in range(4)] for r in range(4)]
        np.testing.assert_allclose(to_world, an_affine(shear).ijk_to_ras, atol=1e-6)


@pytest.mark.mrml
def test_what_slicer_writes_we_read(tmp_path: Path) -> None:
    slicer = pytest.importorskip("slicer", exc_type=ImportError)
    path = tmp_path / "a.seg.nrrd"
    write_segmentation(path, [LEFT, RIGHT, ACROSS], a_volume())
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    storage.SetFileName(str(tmp_path / "b.seg.nrrd"))
    assert storage.WriteData(node)

    found = read_segmentation(tmp_path / "b.seg.nrrd")

    assert [(s.name, dict(s.tags)) for s in found.segments] == [
        (s.name, dict(s.tags)) for s in (LEFT, RIGHT, ACROSS)
    ]
    union = full(LEFT) | full(RIGHT) | full(ACROSS)
    np.testing.assert_array_equal(read_mask(tmp_path / "b.seg.nrrd", a_volume()), union)


def test_given_labels_are_kept_and_the_others_fill_the_gaps(tmp_path):
    segments = [replace(LEFT, label=300), RIGHT, replace(NOTHING, label=2)]
    path = tmp_path / "labels.nrrd"
    write_segmentation(path, segments, a_volume())
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert np.array_equal(voxels == 300, full(LEFT))
    assert np.array_equal(voxels == 1, full(RIGHT))
    write_label_table(tmp_path / "labels.csv", segments)
    rows = list(csv.DictReader((tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()))
    assert [(r["label"], r["name"]) for r in rows] == [
        ("300", "Läsion 1"),
        ("1", "Lesion 2"),
        ("2", "Lesion 4"),
    ]
    assert (rows[0]["colour"], rows[0]["what"]) == ("#4080FF", "Mass")
    with pytest.raises(ValueError, match="labels differ"):
        write_segmentation(path, [replace(LEFT, label=2), replace(RIGHT, label=2)], a_volume())
