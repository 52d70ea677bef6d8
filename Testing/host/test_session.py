"""A session through the life of its scene: saved, loaded, closed, with nodes renamed and removed."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest
from fakes import FakeSegmenter
from reader_cases import A_BOX, B_BOX, Reader, a_noisy_volume, settle

from SAMLesionLib.errors import ImageError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.files import load_scene, load_segmentation, save_scene, save_segmentation
from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.host.opening import find_segmentation
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.segments import LesionSegments
from SAMLesionLib.host.session import Session
from SAMLesionLib.host.volumes import voxels_of
from SAMLesionLib.prompts import BoxPrompt

pytestmark = pytest.mark.mrml


def a_worked_on_scan(scene: Any) -> tuple[Any, Any, Reader]:
    """One lesion of each status, one of them hand-edited, one with a prompt that was never answered."""
    volume = a_noisy_volume(scene)
    reader = Reader(scene, volume, FakeSegmenter())
    accepted, edited, waiting = reader.drawn(A_BOX), reader.drawn(B_BOX), reader.drawn()
    reader.controller.accept(accepted)
    reader.annotation.rename(edited, "Node | left")
    reader.annotation.set_organ(edited, "lung")
    reader.annotation.flag(edited)
    reader.paint(edited, IndexBox((0, 0, 0), (2, 2, 2)))
    reader.controller.pump()
    reader.controller.parameters = Parameters("no such model")
    reader.draw(waiting, IndexBox((8, 8, 6), (12, 10, 9)))
    reader.settle()
    reader.segments.add("other", "Liver")
    return volume, reader.segments.node, reader


def open_again(volume: Any, node: Any = None) -> Session:
    return Session.open(FakeSegmenter(), volume, node, Parameters("fake"))


def masks(session: Session) -> dict[str, bytes]:
    return {x: session.controller.segments.read(x).tobytes() for x in session.controller.segments.segment_ids}


def test_a_scene_that_was_saved_gives_lesions_prompts_and_states_back(host, tmp_path):
    _, _, reader = a_worked_on_scan(host.scene)
    snapshot, before = reader.annotation.snapshot, reader.masks()
    reader.controller.close()
    path = save_scene(host.scene, tmp_path / "work.mrb")
    with HeadlessHost() as other:
        load_scene(other.scene, path)
        session = open_again(other.scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode"))
        assert session.annotation.snapshot == snapshot
        assert masks(session) == before
        assert [session.controller.is_outdated(x.lesion_id) for x in snapshot.lesions] == [False, False, True]
        assert session.annotation.new_id(before) not in before
        session.close()


def test_a_segmentation_file_gives_them_back_too(host, tmp_path):
    volume, node, reader = a_worked_on_scan(host.scene)
    snapshot, before = reader.annotation.snapshot, reader.masks()
    reader.controller.close()
    loaded = load_segmentation(host.scene, save_segmentation(node, tmp_path / "work.seg.nrrd"))
    session = open_again(volume, loaded)
    assert session.annotation.snapshot == snapshot
    assert masks(session) == before
    session.close()


def test_work_goes_on_after_loading_and_undo_stops_at_what_was_loaded(host, tmp_path):
    volume, node, reader = a_worked_on_scan(host.scene)
    reader.controller.close()
    session = open_again(volume)
    assert session.controller.segments.node is node
    before = masks(session)
    session.controller.run()
    settle(session.controller)
    assert np.frombuffer(masks(session)["lesion_3"], bool).any()
    session.annotation.add_prompt("lesion_2", *session.annotation.lesion("lesion_1").prompts)
    settle(session.controller)
    assert session.controller.undo()
    assert masks(session)["lesion_2"] == before["lesion_2"]
    assert not session.controller.undo()
    session.close()


def test_lesions_of_a_file_get_layers_of_their_own_and_other_segments_keep_theirs(host, tmp_path):
    volume, node, reader = a_worked_on_scan(host.scene)
    reader.segments.write("other", IndexBox((8, 0, 0), (10, 2, 2)), np.ones((2, 2, 2), bool))
    before = reader.masks()
    reader.controller.close()
    loaded = load_segmentation(host.scene, save_segmentation(node, tmp_path / "work.seg.nrrd"))
    n_shared = loaded.GetSegmentation().GetNumberOfLayers()
    session = open_again(volume, loaded)
    assert (n_shared, loaded.GetSegmentation().GetNumberOfLayers()) == (1, 4)
    loaded.GetSegmentation().MergeSegmentLabelmaps(list(before))
    session.pump()
    assert masks(session) == before
    assert loaded.GetSegmentation().GetNumberOfLayers() >= 3
    session.close()


def test_damaged_prompts_cost_no_mask(scene):
    volume, node, reader = a_worked_on_scan(scene)
    before = reader.masks()
    reader.controller.close()
    node.GetSegmentation().GetSegment("lesion_2").SetTag("SAMLesion.Lesion", '{"prompts": [{"kind": ')
    session = open_again(volume)
    lesion = session.annotation.lesion("lesion_2")
    assert (len(lesion.prompts), lesion.name, lesion.edit.is_empty) == (0, "Node | left", False)
    session.pump()
    assert masks(session) == before
    session.close()


def test_closing_the_scene_ends_the_session_quietly(host):
    volume, _, reader = a_worked_on_scan(host.scene)
    reader.controller.close()
    session, told = open_again(volume), []
    session.ended.connect(told.append)
    session.controller.run()
    host.scene.Clear(False)
    assert (told, session.is_open) == ([""], False)
    session.pump()
    session.close()


@pytest.mark.parametrize(("kind", "word"), [("volume_node", "image"), ("node", "segmentation")])
def test_removing_a_node_ends_the_session_with_a_sentence(scene, kind, word):
    volume, _, reader = a_worked_on_scan(scene)
    reader.controller.close()
    session, told = open_again(volume), []
    session.ended.connect(told.append)
    session.controller.run()
    scene.RemoveNode(getattr(session.controller.segments, kind))
    assert not session.is_open
    assert f"The {word} was removed" in told[0]
    session.pump()


def test_other_nodes_come_and_go_and_names_change(scene, new_volume):
    volume, node, reader = a_worked_on_scan(scene)
    reader.controller.close()
    session = open_again(volume)
    other = new_volume(name="other")
    volume.SetName("renamed")
    node.SetName("also renamed")
    scene.RemoveNode(other)
    session.controller.run()
    assert session.is_open
    session.close()


def test_the_readers_own_nodes_stay_as_they_were(scene):
    volume = a_noisy_volume(scene)
    voxels = voxels_of(volume).copy()
    own = LesionSegments(scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs"), volume)
    own.add("liver", "Liver")
    nodes = {scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())}
    names = {node: node.GetName() for node in nodes}
    reader = Reader(scene, volume, FakeSegmenter())
    reader.draw(reader.controller.add_lesion(), A_BOX)
    reader.settle()
    reader.controller.close()
    assert np.array_equal(voxels_of(volume), voxels)
    assert {n: n.GetName() for n in nodes if scene.IsNodePresent(n)} == names
    assert own.segment_ids == ("liver",)


def test_sessions_opened_and_closed_again_and_again_leave_nothing_behind(scene, segmenter):
    volume = a_noisy_volume(scene)
    n_threads, left = threading.active_count(), []
    for _ in range(3):
        session = Session.open(segmenter, volume, parameters=Parameters("fake"))
        lesion = session.controller.add_lesion()
        session.annotation.add_prompt(lesion, BoxPrompt(A_BOX))
        session.pump()
        session.close()
        left.append(weakref.ref(session))
        del session
    gc.collect()
    assert [x() for x in left] == [None] * 3  # so no observer of the scene holds on to them
    assert threading.active_count() <= n_threads
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1
    assert find_segmentation(volume) is not None


def test_a_volume_that_is_none_is_refused(scene, new_volume):
    with pytest.raises(ImageError, match="label map"):
        Session.open(FakeSegmenter(), new_volume(class_name="vtkMRMLLabelMapVolumeNode"))
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
