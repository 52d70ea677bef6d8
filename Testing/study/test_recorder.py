"""What the recorder writes of a reader's work, and that it keeps out of the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from study_cases import a_cube

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.events import MaskShown, Signal, WorkFailed
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.masks import RunReport
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import BoxPrompt
from SAMLesionLib.study.describing import changed_voxels
from SAMLesionLib.study.log import LogWriter
from SAMLesionLib.study.log_reading import Line, read_log
from SAMLesionLib.study.recorder import Recorder

REPORT = RunReport("secret-model", "ab" * 32, "cpu", "float32", "1.0", 1.5, 0.25, 3)
BOX = BoxPrompt(IndexBox((1, 1, 1), (4, 4, 4)))


class Desk:
    """A reader's annotation with a recorder beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.annotation, self.failed = Annotation(), Signal[WorkFailed]()
        self.mask = PackedMask.of(a_cube())
        self.writer = LogWriter(path)
        self.writer.write("session", facts={"format": 1})
        self.recorder = Recorder(self.writer)
        self.recorder.reading = "x"
        self.recorder.listen(self.annotation, self.failed, lambda _: self.mask)

    def lines(self) -> list[Line]:
        assert self.writer.flush()
        return list(read_log(self.path).lines())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "log.jsonl")
    yield desk
    desk.writer.close()


def test_a_lesion_from_prompt_to_acceptance(desk: Desk) -> None:
    lesion = desk.annotation.add_lesion(name="Mrs Miller")
    desk.annotation.add_prompt(lesion.lesion_id, BOX)
    desk.annotation.changed.emit(MaskShown(lesion.lesion_id, "edit", 1, REPORT))
    desk.mask = PackedMask.of(a_cube(3, 9))
    desk.annotation.edit(lesion.lesion_id, desk.mask)
    desk.annotation.undo()
    desk.annotation.redo()
    desk.annotation.accept(lesion.lesion_id)
    lines = desk.lines()
    assert [line.kind for line in lines] == [
        "lesion_added", "prompt_added", "mask_shown", "mask_edited", "mask_edited", "mask_edited",
        "lesion_accepted",
    ]  # fmt: skip
    assert all(line.reading == "x" and line.facts["lesion"] == lesion.lesion_id for line in lines)
    added, shown, edited, undone, redone, accepted = (line.facts for line in lines[1:])
    assert added["prompt"] == BOX.to_json()
    assert (shown["n_voxels"], shown["encode_s"], shown["weights_sha256"]) == (125, 1.5, "ab" * 32)
    assert (edited["n_added"], edited["n_removed"]) == (6**3 - 5**3, 0)
    assert (undone["cause"], redone["cause"]) == ("undo", "redo")
    assert (accepted["n_voxels"], accepted["n_added_after_ai"], accepted["n_removed_after_ai"]) == (
        216,
        91,
        0,
    )
    assert [line.monotonic_s for line in lines] == sorted(line.monotonic_s for line in lines)


def test_no_name_no_message_and_no_model_is_written(desk: Desk) -> None:
    lesion = desk.annotation.add_lesion(name="Mrs Miller")
    desk.annotation.rename(lesion.lesion_id, "Mrs Miller's left")
    desk.annotation.set_organ(lesion.lesion_id, "liver")
    desk.annotation.changed.emit(MaskShown(lesion.lesion_id, "edit", 1, REPORT))
    desk.failed.emit(WorkFailed(lesion.lesion_id, "edit", "The scan of Mrs Miller is constant."))
    assert [line.kind for line in desk.lines()][-1] == "work_failed"
    text = desk.path.read_text()
    assert "Miller" not in text
    assert "secret-model" not in text


def test_what_a_host_tells_is_written_with_its_numbers(desk: Desk) -> None:
    desk.recorder.note("tool", name="Paint")
    desk.recorder.note("scroll", slice=12)
    desk.recorder.note("focus_lost")
    lines = desk.lines()
    assert [(line.kind, dict(line.facts)) for line in lines] == [
        ("tool", {"name": "Paint"}),
        ("scroll", {"slice": 12}),
        ("focus_lost", {}),
    ]


def test_a_sign_of_life_comes_after_a_while_without_a_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.recorder.tick()
    assert desk.lines() == []
    monkeypatch.setattr("SAMLesionLib.study.recorder.HEARTBEAT_S", -1.0)
    desk.recorder.tick()
    assert [line.kind for line in desk.lines()] == ["heartbeat"]


def test_it_stops_listening_when_told(desk: Desk) -> None:
    desk.recorder.stop()
    desk.annotation.add_lesion()
    assert desk.lines() == []


def test_a_disk_that_refuses_is_told_once_and_loses_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import SAMLesionLib.study.log as log

    real = log.os.write

    def refuse(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log.os, "write", refuse)
    desk.recorder.note("scroll", slice=1)
    desk.recorder.note("scroll", slice=2)
    assert not desk.writer.flush()
    sentence = desk.writer.failure()
    assert sentence is not None
    assert "No space left" in sentence
    assert desk.writer.failure() is None
    monkeypatch.setattr(log.os, "write", real)
    assert [line.facts["slice"] for line in desk.lines()] == [1, 2]


def test_details_that_cannot_be_worked_out_cost_only_themselves(desk: Desk, caplog) -> None:
    desk.writer.write("scroll", "x", lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    desk.recorder.note("scroll", slice=2)
    assert [dict(line.facts) for line in desk.lines()] == [{"undescribed": True}, {"slice": 2}]
    assert "cannot be written" in caplog.text


def test_changed_voxels_are_counted_both_ways() -> None:
    a, b = PackedMask.of(a_cube(3, 8)), PackedMask.of(a_cube(5, 9))
    assert changed_voxels(a, b) == (4**3 - 3**3, 5**3 - 3**3)
    assert changed_voxels(a, a) == (0, 0)
    assert changed_voxels(PackedMask(), a) == (125, 0)
    assert changed_voxels(a, PackedMask()) == (0, 125)
