"""Masks go into segments voxel for voxel, and nothing else changes."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import slicer
from hypothesis import HealthCheck, given, settings
from mrml_cases import SHAPE_KJI, any_affine, any_box, make_volume, put_under, put_under_bend

from SAMLesionLib.errors import ImageError, InputError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.host.labelmaps import image_of_block
from SAMLesionLib.host.segments import (
    LESION_TERMINOLOGY,
    LesionSegments,
    create_segmentation,
)
from SAMLesionLib.host.volumes import matrix_from_array
from SAMLesionLib.palette import lesion_colour

pytestmark = pytest.mark.mrml

WHOLE = IndexBox.whole(SHAPE_KJI[::-1])
A_BLOCK = IndexBox((2, 3, 1), (7, 9, 5))
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def random_mask(block: IndexBox, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(block.shape_kji) < 0.5


def pasted(block: IndexBox, mask: np.ndarray, onto: np.ndarray | None = None) -> np.ndarray:
    whole = np.zeros(SHAPE_KJI, bool) if onto is None else onto.copy()
    whole[block.slices_kji()] = mask
    return whole


def fill(segments: LesionSegments, segment_id: str, block: IndexBox) -> np.ndarray:
    segments.write(segment_id, block, np.ones(block.shape_kji, bool))
    return pasted(block, np.ones(block.shape_kji, bool))


def shared(segments: LesionSegments, *blocks: IndexBox) -> list[str]:
    """Segments in one shared labelmap, as the Segment Editor makes them."""
    ids = [segments.add(f"editor_{n}", f"Editor {n}") for n in range(len(blocks))]
    for segment_id, block in zip(ids, blocks, strict=True):
        fill(segments, segment_id, block)
    segments.node.GetSegmentation().MergeSegmentLabelmaps(ids)
    assert segments.node.GetSegmentation().GetNumberOfLayers() == 1
    return ids


@quick
@given(st.data())
def test_what_is_written_block_by_block_is_read_back_on_any_grid(data):
    with HeadlessHost() as host:
        volume = make_volume(host.scene, ijk_to_ras=any_affine(data.draw))
        if data.draw(st.booleans()):
            put_under(volume, any_affine(data.draw))
        segments = LesionSegments(create_segmentation(host.scene, volume), volume)
        segment_id, expected = segments.add(), np.zeros(SHAPE_KJI, bool)
        for seed in range(data.draw(st.integers(1, 3))):
            block = any_box(data.draw)
            mask = random_mask(block, seed)
            segments.write(segment_id, block, mask)
            expected = pasted(block, mask, expected)
        assert np.array_equal(segments.read(segment_id), expected)
        assert segments.block(segment_id) == IndexBox.of_mask(expected)


@quick
@given(st.data())
def test_slicer_itself_reads_the_same_mask_on_the_volumes_grid(data):
    with HeadlessHost() as host:
        volume = make_volume(host.scene, ijk_to_ras=any_affine(data.draw))
        if data.draw(st.booleans()):
            put_under(volume, any_affine(data.draw))
        segments = LesionSegments(create_segmentation(host.scene, volume), volume)
        block = any_box(data.draw)
        mask = random_mask(block)
        segments.write(segment_id := segments.add(), block, mask)
        labelmap = host.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        assert logic.ExportSegmentsToLabelmapNode(
            segments.node, [segment_id], labelmap, volume, slicer.vtkSegmentation.EXTENT_REFERENCE_GEOMETRY
        )
        exported = slicer.util.arrayFromVolume(labelmap)
        assert np.array_equal(exported.astype(bool), pasted(block, mask))


def test_writing_zeros_empties_a_segment(segments, a_segment_id):
    fill(segments, a_segment_id, A_BLOCK)
    segments.write(a_segment_id, A_BLOCK, np.zeros(A_BLOCK.shape_kji, bool))
    assert not segments.read(a_segment_id).any()
    assert segments.block(a_segment_id) is None


def test_a_whole_mask_replaces_what_was_outside_its_block(segments, a_segment_id):
    fill(segments, a_segment_id, A_BLOCK)
    block = IndexBox((8, 0, 6), (10, 2, 8))
    segments.write(a_segment_id, block, np.ones(block.shape_kji, bool), is_whole=True)
    assert np.array_equal(segments.read(a_segment_id), pasted(block, True))


def test_what_lies_off_the_image_is_left_out(segments, a_segment_id):
    block = IndexBox((10, 8, 7), (16, 14, 12))
    segments.write(a_segment_id, block, np.ones(block.shape_kji, bool))
    assert segments.block(a_segment_id) == block.intersect(WHOLE)
    outside = IndexBox((20, 20, 20), (22, 22, 22))
    segments.write(a_segment_id, outside, np.ones(outside.shape_kji, bool))
    assert segments.block(a_segment_id) == block.intersect(WHOLE)


def test_an_accepted_neighbour_is_neither_changed_nor_covered(segments):
    first, second = segments.add(), segments.add()
    lesion = fill(segments, first, A_BLOCK)
    segments.accept(first)
    larger = A_BLOCK.grow(1)
    segments.write(second, larger, np.ones(larger.shape_kji, bool))
    assert np.array_equal(segments.read(first), lesion)
    assert np.array_equal(segments.read(second), pasted(larger, True) & ~lesion)


def test_accepted_neighbours_in_one_shared_labelmap_are_protected_each(segments):
    blocks = [
        IndexBox((0, 0, 0), (3, 3, 3)),
        IndexBox((4, 4, 4), (7, 7, 7)),
        IndexBox((8, 8, 6), (10, 10, 9)),
    ]
    ids = shared(segments, *blocks)
    segments.accept(ids[0])
    segments.accept(ids[2])
    mine = segments.add()
    segments.write(mine, WHOLE, np.ones(WHOLE.shape_kji, bool))
    expected = ~pasted(blocks[0], True) & ~pasted(blocks[2], True)
    assert np.array_equal(segments.read(mine), expected)
    for segment_id, block in zip(ids, blocks, strict=True):
        assert np.array_equal(segments.read(segment_id), pasted(block, True))


def test_a_draft_in_a_shared_labelmap_is_written_without_touching_the_others(segments):
    blocks = [IndexBox((0, 0, 0), (3, 3, 3)), IndexBox((4, 4, 4), (7, 7, 7))]
    first, second = shared(segments, *blocks)
    segments.write(second, WHOLE, np.ones(WHOLE.shape_kji, bool))
    assert np.array_equal(segments.read(first), pasted(blocks[0], True))
    assert segments.read(second).all()
    segments.remove(second)
    assert segments.segment_ids == (first,)
    assert np.array_equal(segments.read(first), pasted(blocks[0], True))


def test_an_unfinished_neighbour_keeps_its_voxels_but_may_be_overlapped_until_one_is_accepted(segments):
    first, second = segments.add(), segments.add()
    lesion = fill(segments, first, A_BLOCK)
    other = fill(segments, second, A_BLOCK.shift((1, 1, 1)))
    assert np.array_equal(segments.read(first), lesion)
    segments.accept(first)
    segments.accept(second)
    assert np.array_equal(segments.read(first), lesion)
    assert np.array_equal(segments.read(second), other & ~lesion)


def test_an_accepted_segment_refuses_every_change_until_it_is_reopened(segments, a_segment_id):
    lesion = fill(segments, a_segment_id, A_BLOCK)
    segments.accept(a_segment_id)
    for change in (
        lambda: fill(segments, a_segment_id, WHOLE),
        lambda: segments.remove(a_segment_id),
        lambda: segments.accept(a_segment_id),
    ):
        with pytest.raises(InputError, match=r"Lesion 1 is accepted and cannot be changed\. Reopen it"):
            change()
    assert np.array_equal(segments.read(a_segment_id), lesion)
    segments.reopen(a_segment_id)
    fill(segments, a_segment_id, WHOLE)
    assert segments.read(a_segment_id).all()


def test_an_accepted_segment_on_another_grid_is_protected_too(scene, segments, new_volume):
    coarse = np.diag([2.0, 2.0, 2.0, 1.0])
    coarse[:3, 3] = 0.5  # its voxel (1, 1, 1) covers voxels 2 and 3 along each axis
    own = matrix_from_array(np.eye(4))
    segments.volume_node.GetIJKToRASMatrix(own)
    grid = np.array([[own.GetElement(r, c) for c in range(4)] for r in range(4)]) @ coarse
    image = image_of_block(matrix_from_array(grid), IndexBox((1, 1, 1), (3, 2, 2)), np.ones((1, 1, 2)))
    segment = slicer.vtkSegment()
    segment.AddRepresentation("Binary labelmap", image)
    segments.node.GetSegmentation().AddSegment(segment, "foreign")
    foreign = pasted(IndexBox((2, 2, 2), (6, 4, 4)), True)
    assert np.array_equal(segments.read("foreign"), foreign)
    segments.accept("foreign")
    mine = segments.add()
    segments.write(mine, WHOLE, np.ones(WHOLE.shape_kji, bool))
    assert np.array_equal(segments.read(mine), ~foreign)


def test_a_surface_follows_the_mask(segments, a_segment_id):
    fill(segments, a_segment_id, A_BLOCK)
    segments.node.CreateClosedSurfaceRepresentation()
    segment = segments.segment(a_segment_id)
    before = segment.GetRepresentation("Closed surface").GetNumberOfPoints()
    fill(segments, a_segment_id, A_BLOCK.grow(1))
    assert segment.GetRepresentation("Closed surface").GetNumberOfPoints() > before


def test_new_lesions_have_names_colours_and_a_meaning(segments):
    ids = [segments.add(f"lesion_{n}") for n in range(1, 7)]
    assert ids == [f"lesion_{n}" for n in range(1, 7)]
    assert [segments.segment(i).GetName() for i in ids] == [f"Lesion {n}" for n in range(1, 7)]
    assert segments.add("lesion_1") not in ids
    assert segments.segment(segments.add(name="Lesion 3")).GetName() == "Lesion 3 1"
    for segment_id in ids:
        assert segments.segment(segment_id).GetTerminology() == LESION_TERMINOLOGY
    assert [segments.segment(i).GetColor() for i in ids] == [lesion_colour(n) for n in range(6)]


def test_the_segmentation_lies_on_the_volumes_grid_and_under_its_transform(scene, a_volume_node):
    put_under(a_volume_node, np.diag([1.0, 2.0, 1.0, 1.0]))
    node = create_segmentation(scene, a_volume_node)
    assert node.GetTransformNodeID() == a_volume_node.GetTransformNodeID()
    assert node.GetName() == "CT_chest lesions"


def test_unusable_volumes_transforms_and_ids_are_refused(scene, segments, a_volume_node):
    with pytest.raises(InputError, match="CT_chest lesions has no segment 'ghost' any more"):
        segments.read("ghost")
    put_under_bend(a_volume_node)
    with pytest.raises(ImageError, match="bends space"):
        create_segmentation(scene, a_volume_node)
    with pytest.raises(InputError, match="lie under different transforms"):
        LesionSegments(segments.node, a_volume_node)
