"""The lesion list: sizes worked out by hand, measured once, in order, as CSV."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from mrml_cases import make_volume, put_under, put_under_bend
from reader_cases import A_BOX, B_BOX, Reader

from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.host import measures
from SAMLesionLib.host.lesion_table import LesionRow, LesionTable
from SAMLesionLib.host.measures import axial_axis
from SAMLesionLib.lesions import Status, label_values
from SAMLesionLib.prompts import PointPrompt

pytestmark = pytest.mark.mrml
BRICK = IndexBox((2, 3, 1), (5, 4, 3))


@pytest.fixture
def table(reader) -> Iterator[LesionTable]:
    table = LesionTable(reader.controller)
    yield table
    table.close()


def measured_rows(table: LesionTable) -> tuple[LesionRow, ...]:
    """The rows once their sizes are known."""
    tick = threading.Event()
    for _ in range(20000):
        rows = table.rows()
        if all(row.is_measured for row in rows):
            return rows
        tick.wait(0.001)
        table.pump()
    raise AssertionError("never measured")


def painted(reader: Reader, box: IndexBox) -> str:
    lesion = reader.controller.add_lesion()
    reader.paint(lesion, box)
    reader.controller.pump()
    return lesion


def test_sizes_are_those_of_the_voxels(scene, segmenter):
    voxels = np.arange(9 * 11 * 13, dtype=np.int16).reshape(9, 11, 13)
    reader = Reader(scene, make_volume(scene, voxels, np.diag([-0.8, -0.9, 2.5, 1.0])), segmenter)
    painted(reader, BRICK)  # 3 x 1 x 2 voxels of 0.8 x 0.9 x 2.5 mm
    table = LesionTable(reader.controller)
    (row,) = measured_rows(table)
    table.close()
    assert row.volume_ml == pytest.approx(6 * 0.8 * 0.9 * 2.5 / 1000)
    # Between the middles of the outermost voxel faces: 2.4 mm along, the slice 0.9 mm across.
    assert (row.long_mm, row.short_mm) == (pytest.approx(2.4), pytest.approx(0.9))
    assert row.mean_intensity == voxels[BRICK.slices_kji()].mean()
    assert row.centre_ras == pytest.approx((-0.8 * 3, -0.9 * 3, 2.5))
    assert (row.name, row.terminology, row.organ, row.status) == ("Lesion 1", "Mass", "", Status.DRAFT)
    assert row.colour == reader.segments.segment("lesion_1").GetColor()
    reader.controller.close()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_axial_slices_are_found_whichever_way_the_scan_was_cut(axis):
    across, along = (a for a in range(3) if a != axis)
    matrix = np.zeros((4, 4))
    matrix[0, across], matrix[1, along], matrix[2, axis], matrix[3, 3] = 5.0, 5.0, -0.7, 1.0
    assert axial_axis(Affine(matrix)) == axis


def test_a_lesion_without_a_mask_is_found_where_it_was_prompted(reader, table, a_lesion):
    (row,) = table.rows()
    assert (row.volume_ml, row.long_mm, row.mean_intensity, row.centre_ras) == (None,) * 4
    reader.annotation.add_prompt(a_lesion, PointPrompt((5.0, 2.0, 3.0)))
    (row,) = table.rows()
    assert row.centre_ras == pytest.approx((-4.0, -1.8, 7.5))
    assert (row.n_prompts, row.is_outdated) == (1, True)


def test_only_what_changed_is_measured_again_and_the_list_does_not_wait_for_it(reader, table, monkeypatch):
    asked, proceed = [], threading.Event()
    original = measures.measure

    def measure(mask, volume):
        asked.append(mask)
        assert proceed.wait(20)
        return original(mask, volume)

    monkeypatch.setattr(measures, "measure", measure)
    first, second = reader.drawn(A_BOX), reader.drawn(B_BOX)
    assert [(row.volume_ml, row.is_measured) for row in table.rows()] == [(None, False)] * 2
    assert table.is_measuring
    proceed.set()
    rows = measured_rows(table)
    assert len(asked) == 2
    assert not table.is_measuring
    reader.annotation.rename(first, "Node")
    reader.draw(second, A_BOX)
    assert [(row.is_busy, row.is_measured) for row in table.rows()] == [(False, True), (True, True)]
    reader.settle()
    assert [row.volume_ml for row in table.rows()] == [row.volume_ml for row in rows]  # the earlier ones
    assert [row.is_measured for row in table.rows()] == [True, False]
    assert measured_rows(table)[1].volume_ml > rows[1].volume_ml
    assert table.rows()[0].name == "Node"
    assert len(asked) == 3
    put_under(reader.volume, np.diag([2.0, 1.0, 1.0, 1.0]))
    assert measured_rows(table)[0].volume_ml == pytest.approx(2 * rows[0].volume_ml)


def test_a_scan_that_is_none_any_more_leaves_the_list_standing(reader, table):
    lesion = reader.drawn(A_BOX)
    put_under_bend(reader.volume)
    (row,) = table.rows()
    assert (row.lesion_id, row.volume_ml, row.centre_ras) == (lesion, None, None)


def test_the_list_is_filtered_and_walked_round(reader, table):
    assert table.next_id(None) is None
    first, second, third = (painted(reader, A_BOX.shift((n, 0, 0))) for n in range(3))
    reader.controller.accept(second)
    reader.annotation.flag(third)
    assert [r.lesion_id for r in table.rows({Status.DRAFT, Status.FLAGGED})] == [first, third]
    assert [table.next_id(x) for x in (None, first, third, "gone")] == [first, second, first, first]
    assert table.next_id(first, step=-1) == third
    assert table.next_id(None, step=-1) == third
    assert table.next_id(first, {Status.ACCEPTED, Status.DRAFT}) == second
    assert table.next_id(second, {Status.ACCEPTED}) == second


def test_the_table_is_written_as_csv(reader, table):
    lesion = painted(reader, BRICK)
    reader.annotation.rename(lesion, 'Node, "left"')
    reader.annotation.set_organ(lesion, "lung")
    reader.controller.add_lesion()
    first, second = csv.DictReader(io.StringIO(table.to_csv()))
    assert (first["label"], first["name"], first["organ"]) == ("1", 'Node, "left"', "lung")
    assert (first["volume_ml"], first["long_mm"], first["status"]) == ("0.0108", "2.40", "draft")
    assert (second["label"], second["volume_ml"], second["centre_r_mm"]) == ("2", "", "")


def test_a_lesion_keeps_its_label_whatever_comes_and_goes():
    assert label_values(["lesion_1", "lesion_3"]) == {"lesion_1": 1, "lesion_3": 3}
    assert label_values(["tumour", "lesion_1", "node_1", "x_00"]) == {
        "tumour": 2,
        "lesion_1": 1,
        "node_1": 3,
        "x_00": 4,
    }
