"""Lesions written out and read back by others: same voxels, stable labels, names and numbers beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import nibabel
import numpy as np
import pytest
from fakes import FakeSegmenter
from reader_cases import A_BOX, B_BOX, a_noisy_volume, settle

from SAMLesionLib.errors import OutputError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.exports import export_labelmap, export_segmentation, export_table
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.session import Session
from SAMLesionLib.host.volumes import world_affine
from SAMLesionLib.io import read_segmentation
from SAMLesionLib.prompts import BoxPrompt

pytestmark = pytest.mark.mrml


@pytest.fixture
def session(scene) -> Iterator[Session]:
    session = Session.open(FakeSegmenter(), a_noisy_volume(scene), parameters=Parameters("fake"))
    for box in (A_BOX, IndexBox((8, 8, 6), (12, 10, 9)), B_BOX):
        session.annotation.add_prompt(session.controller.add_lesion(), BoxPrompt(box))
    settle(session.controller)
    session.controller.accept("lesion_1")
    session.annotation.delete("lesion_2")
    session.annotation.rename("lesion_3", "Läsion")
    session.annotation.set_organ("lesion_3", "liver")
    session.controller.add_lesion()
    yield session
    session.close()


def test_a_label_map_keeps_each_lesions_label_and_its_place(session, tmp_path):
    path, table = export_labelmap(session, tmp_path / "work.nii.gz")
    image = nibabel.load(path)
    assert np.allclose(image.affine, world_affine(session.controller.segments.volume_node).ijk_to_ras)
    labels = np.asarray(image.dataobj).T
    assert set(np.unique(labels)) == {0, 1, 3}
    for label in (1, 3):
        assert np.array_equal(labels == label, session.controller.segments.read(f"lesion_{label}"))
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [(r["label"], r["name"], r["organ"]) for r in rows] == [
        ("1", "Lesion 1", ""),
        ("3", "Läsion", "liver"),
    ]
    assert all(len(r["colour"]) == 7 for r in rows)


def test_a_segmentation_file_holds_masks_names_and_how_they_were_made(session, tmp_path):
    read = read_segmentation(export_segmentation(session, tmp_path / "work.seg.nrrd"))
    by_name = {segment.name: segment for segment in read.segments}
    assert by_name.keys() == {"Lesion 1", "Läsion", "Lesion 4"}
    assert by_name["Läsion"].tags["DICOM.SegmentAlgorithmType"] == "SEMIAUTOMATIC"
    mask = session.controller.mask("lesion_3")
    assert by_name["Läsion"].block == mask.box
    assert np.array_equal(by_name["Läsion"].mask, mask.unpack())


def test_the_table_is_a_file_too(session, tmp_path):
    path = export_table(session, tmp_path / "work.csv")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [row["label"] for row in rows] == ["1", "3", "4"]
    assert float(rows[0]["volume_ml"]) > 0
    assert rows[2]["volume_ml"] == ""


def test_what_cannot_be_written_is_told_and_an_old_file_stays(session, tmp_path):
    with pytest.raises(OutputError, match="ends in"):
        export_labelmap(session, tmp_path / "work.seg.nrrd")
    with pytest.raises(OutputError, match="its folder does not exist"):
        export_table(session, tmp_path / "no" / "work.csv")
    for lesion in ("lesion_3", "lesion_4"):
        session.annotation.delete(lesion)
    session.annotation.reopen("lesion_1")
    session.annotation.delete("lesion_1")
    (tmp_path / "work.nii").write_text("old")
    with pytest.raises(OutputError, match="nothing to write"):
        export_labelmap(session, tmp_path / "work.nii")
    assert (tmp_path / "work.nii").read_text() == "old"
