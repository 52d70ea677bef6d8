"""Segmentations and scenes survive their files, and other programs read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from mrml_cases import OBLIQUE, make_volume, put_under

from SAMLesionLib.errors import ImageError, OutputError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.files import load_scene, load_segmentation, save_scene, save_segmentation
from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.host.segments import LesionSegments, create_segmentation
from SAMLesionLib.host.volumes import world_affine
from SAMLesionLib.masks import RunReport
from SAMLesionLib.prompts import BoxPrompt, MaskPrompt, PromptSet
from SAMLesionLib.provenance import provenance_tags

pytestmark = pytest.mark.mrml

FIRST, SECOND = IndexBox((2, 3, 1), (7, 9, 5)), IndexBox((5, 7, 3), (12, 10, 8))
MASKS = [np.random.default_rng(n).random(b.shape_kji) < 0.6 for n, b in enumerate((FIRST, SECOND))]
REPORT = RunReport('odd | "name": x, y', "79d8", "cpu", "bfloat16", "0.1.0", 1.0, 0.1, 3)
PROMPTS = PromptSet((BoxPrompt(FIRST), MaskPrompt(FIRST, MASKS[0])))


@pytest.fixture
def two_lesions(segments: LesionSegments) -> list[str]:
    """Overlapping, the first accepted."""
    ids = [segments.add(f"lesion_{n}") for n in (1, 2)]
    for segment_id, block, mask in zip(ids, (FIRST, SECOND), MASKS, strict=True):
        segments.write(segment_id, block, mask)
        segments.set_tags(segment_id, provenance_tags(REPORT, PROMPTS))
    segments.accept(ids[0])
    return ids


def described(segments: LesionSegments, ids: list[str]) -> list[tuple]:
    found = []
    for segment_id in ids:
        segment = segments.segment(segment_id)
        mask = segments.read(segment_id)
        colour = tuple(round(c, 3) for c in segment.GetColor())
        tags = segments.tags(segment_id)
        found.append((segment.GetName(), colour, segment.GetTerminology(), tags, mask.tobytes()))
    return found


def test_a_seg_nrrd_brings_every_segment_back(scene, segments, two_lesions, tmp_path):
    path = save_segmentation(segments.node, tmp_path / "lesions.seg.nrrd")
    loaded = LesionSegments(load_segmentation(scene, path), segments.volume_node)
    assert loaded.segment_ids == tuple(two_lesions)
    assert described(loaded, two_lesions) == described(segments, two_lesions)
    assert [loaded.is_accepted(i) for i in two_lesions] == [True, False]


def test_saving_leaves_each_lesion_its_own_layer(segments, two_lesions, tmp_path):
    save_segmentation(segments.node, tmp_path / "lesions.seg.nrrd")
    assert segments.node.GetSegmentation().GetNumberOfLayers() == 2


def test_a_loaded_draft_can_be_edited_beside_its_accepted_neighbour(scene, segments, two_lesions, tmp_path):
    path = save_segmentation(segments.node, tmp_path / "lesions.seg.nrrd")
    loaded = LesionSegments(load_segmentation(scene, path), segments.volume_node)
    whole = IndexBox.whole(segments.volume_node.GetImageData().GetDimensions())
    loaded.write(two_lesions[1], whole, np.ones(whole.shape_kji, bool))
    assert np.array_equal(loaded.read(two_lesions[0]), segments.read(two_lesions[0]))
    assert np.array_equal(loaded.read(two_lesions[1]), ~segments.read(two_lesions[0]))


@pytest.mark.parametrize("does_overlap", [True, False])
def test_simpleitk_reads_a_seg_nrrd_where_it_lies(segments, tmp_path, does_overlap):
    blocks = (FIRST, SECOND) if does_overlap else (FIRST, IndexBox((9, 0, 6), (12, 3, 9)))
    for block in blocks:
        segments.write(segments.add(), block, np.ones(block.shape_kji, bool))
    path = save_segmentation(segments.node, tmp_path / "lesions.seg.nrrd")
    image = sitk.ReadImage(str(path))
    assert image.GetNumberOfComponentsPerPixel() == (2 if does_overlap else 1)
    first = sitk.GetArrayFromImage(image)[..., 0] if does_overlap else sitk.GetArrayFromImage(image)
    found = np.argwhere(first == int(image.GetMetaData("Segment0_LabelValue")))[:, ::-1]
    lps = np.array([image.TransformIndexToPhysicalPoint(p) for p in found.tolist()])
    ijk = np.round(world_affine(segments.volume_node).to_ijk(lps, "lps"), 2)
    assert IndexBox.around(ijk) == FIRST
    assert len(ijk) == FIRST.n_voxels


def test_a_scene_brings_volume_transform_segments_and_tags_back(scene, segments, two_lesions, tmp_path):
    transform = put_under(segments.volume_node, np.diag([1.0, 2.0, 1.0, 1.0]))
    segments.node.SetAndObserveTransformNodeID(transform.GetID())
    before, affine = described(segments, two_lesions), world_affine(segments.volume_node)
    path = save_scene(scene, tmp_path / "session.mrb")
    with HeadlessHost() as other:
        load_scene(other.scene, path)
        volume = other.scene.GetFirstNodeByName("CT_chest")
        loaded = LesionSegments(other.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode"), volume)
        assert np.allclose(world_affine(volume).ijk_to_ras, affine.ijk_to_ras, atol=1e-6)
        assert described(loaded, two_lesions) == before


def test_a_left_handed_grid_that_mrml_turned_round_still_holds_its_lesions(scene, tmp_path):
    """MRML reverses the slices of such an image when it reads it; the segmentation stays as it was."""
    grid = OBLIQUE @ np.diag([1.0, 1.0, -1.0, 1.0])
    volume = make_volume(scene, ijk_to_ras=grid)
    segments = LesionSegments(create_segmentation(scene, volume), volume)
    for segment_id, block, mask in zip(("a", "b"), (FIRST, SECOND), MASKS, strict=True):
        segments.write(segments.add(segment_id), block, mask)
    segments.accept("a")
    path = save_scene(scene, tmp_path / "session.mrb")
    with HeadlessHost() as other:
        load_scene(other.scene, path)
        turned = other.scene.GetFirstNodeByName("CT_chest")
        assert np.linalg.det(world_affine(turned).ijk_to_ras) > 0 > np.linalg.det(grid)
        loaded = LesionSegments(other.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode"), turned)
        assert np.array_equal(loaded.read("a"), segments.read("a")[::-1])
        assert np.array_equal(loaded.read("b"), segments.read("b")[::-1])
        whole = IndexBox.whole(turned.GetImageData().GetDimensions())
        loaded.write("b", whole, np.ones(whole.shape_kji, bool))
        assert np.array_equal(loaded.read("b"), ~segments.read("a")[::-1])


def test_an_old_file_stays_when_the_new_one_cannot_be_written(segments, two_lesions, tmp_path, monkeypatch):
    path = tmp_path / "lesions.seg.nrrd"
    path.write_text("precious")

    class FailingStorage(slicer.vtkMRMLSegmentationStorageNode):
        def WriteData(self, node):
            Path(self.GetFileName()).write_text("half")
            return 0

    monkeypatch.setattr(slicer, "vtkMRMLSegmentationStorageNode", FailingStorage)
    with pytest.raises(OutputError, match="could not be written"):
        save_segmentation(segments.node, path)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_wrong_endings_and_missing_folders_are_refused(scene, segments, tmp_path):
    with pytest.raises(OutputError, match=r"must end in \.seg\.nrrd, got lesions\.nii\.gz"):
        save_segmentation(segments.node, tmp_path / "lesions.nii.gz")
    with pytest.raises(OutputError, match="There is no folder"):
        save_scene(scene, tmp_path / "nowhere" / "session.mrb")


@pytest.mark.usefixtures("expects_vtk_errors")
def test_missing_and_broken_files_are_refused(scene, tmp_path):
    for load in (load_segmentation, load_scene):
        with pytest.raises(ImageError, match="There is no file"):
            load(scene, tmp_path / "nothing.seg.nrrd")
        (tmp_path / "broken").write_bytes(b"nonsense")
        with pytest.raises(ImageError, match="cannot be read as a s"):
            load(scene, tmp_path / "broken")
    assert scene.GetFirstNodeByClass("vtkMRMLSegmentationNode") is None


@pytest.mark.usefixtures("expects_vtk_errors")
def test_a_broken_scene_leaves_the_working_folder_as_it_was(scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.mrb").write_bytes(b"nonsense")
    with pytest.raises(ImageError):
        load_scene(scene, "broken.mrb")
    assert Path.cwd() == tmp_path


def test_a_large_coordinate_survives_the_files_decimal_numbers(scene, tmp_path):
    grid = OBLIQUE.copy()
    grid[:3, 3] = [-1234.56789012, 987.654321098, -4321.00000123]
    volume = make_volume(scene, ijk_to_ras=grid)
    segments = LesionSegments(create_segmentation(scene, volume), volume)
    segments.write(segments.add("x"), FIRST, MASKS[0])
    loaded = load_segmentation(scene, save_segmentation(segments.node, tmp_path / "x.seg.nrrd"))
    assert np.array_equal(LesionSegments(loaded, volume).read("x"), segments.read("x"))


def test_an_empty_lesion_in_front_leaves_the_voxels_of_the_others_where_they_are(scene, segments, tmp_path):
    segments.add("empty")
    lesion = segments.add("lesion")
    block = IndexBox((5, 0, 7), (7, 5, 9))
    segments.write(lesion, block, np.ones(block.shape_kji, bool))
    loaded = load_segmentation(scene, save_segmentation(segments.node, tmp_path / "work.seg.nrrd"))
    read = LesionSegments(loaded, segments.volume_node)
    assert np.array_equal(read.read(lesion), segments.read(lesion))


def test_segments_that_other_programs_left_empty_move_nothing_either(scene, segments, tmp_path):
    foreign = slicer.vtkSegment()
    foreign.SetName("Liver")
    foreign.AddRepresentation("Binary labelmap", slicer.vtkOrientedImageData())
    segments.node.GetSegmentation().AddSegment(foreign, "foreign")
    lesion = segments.add("lesion")
    block = IndexBox((5, 0, 7), (7, 5, 9))
    segments.write(lesion, block, np.ones(block.shape_kji, bool))
    loaded = load_segmentation(scene, save_segmentation(segments.node, tmp_path / "work.seg.nrrd"))
    assert np.array_equal(LesionSegments(loaded, segments.volume_node).read(lesion), segments.read(lesion))


def test_a_host_leaves_no_rules_behind_that_slow_the_next_one_down():
    factory = slicer.vtkSegmentationConverterFactory.GetInstance()
    before = len(factory.GetConverterRules())
    with HeadlessHost():
        assert len(factory.GetConverterRules()) > before
    assert len(factory.GetConverterRules()) == before
