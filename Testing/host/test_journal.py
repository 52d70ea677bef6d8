"""Work survives a crash of the host: written as it happens, read back whole, whatever cut it off."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeSegmenter
from reader_cases import A_BOX, B_BOX, a_noisy_volume, settle

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host import journal as journals
from SAMLesionLib.host.kept_journals import discard_kept
from SAMLesionLib.host.looks import Look
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.recovery import find_recoveries
from SAMLesionLib.host.results import Result
from SAMLesionLib.host.session import Session
from SAMLesionLib.lesions import Lesion
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import BoxPrompt

pytestmark = pytest.mark.mrml
TESTING = Path(__file__).parents[1]

CRASHING_HOST = f"""
import os, sys
sys.path[:0] = [{str(TESTING)!r}, {str(TESTING / "host")!r}]
from pathlib import Path
from test_journal import begin_to_work
from SAMLesionLib.host.headless import HeadlessHost
with HeadlessHost() as host:
    begin_to_work(host.scene, Path(sys.argv[1]))[0]._journal.flush()
    print("working", flush=True)
    os.kill(os.getpid(), 9)
"""


def begin_to_work(scene: Any, folder: Path, name: str = "Doe, Jane") -> tuple[Session, Any]:
    """An accepted lesion, a flagged one painted by hand, and one whose mask never came."""
    volume = a_noisy_volume(scene)
    volume.SetName(name)
    session = Session.open(FakeSegmenter(), volume, parameters=Parameters("fake"), journal_folder=folder)
    for box in (A_BOX, B_BOX):
        session.annotation.add_prompt(session.controller.add_lesion(), BoxPrompt(box))
    settle(session.controller)
    session.controller.accept("lesion_1")
    session.annotation.flag("lesion_2")
    session.controller.segments.write("lesion_2", IndexBox((0, 0, 0), (2, 2, 2)), np.ones((2, 2, 2), bool))
    session.pump()
    session.controller.parameters = Parameters("no such model")
    session.annotation.add_prompt(session.controller.add_lesion("Waiting"), BoxPrompt(B_BOX))
    settle(session.controller)
    session.pump()
    return session, volume


def masks(session: Session) -> dict[str, bytes]:
    return {x: session.controller.segments.read(x).tobytes() for x in session.controller.segments.segment_ids}


def open_again(volume: Any, folder: Path) -> Session:
    return Session.open(FakeSegmenter(), volume, parameters=Parameters("fake"), journal_folder=folder)


def crash(session: Session) -> None:
    """What a crash leaves: the file, unlocked."""
    journal = session._journal
    session._journal = None
    journal.close()
    os.close(journal._handle)
    session.close()


def test_a_killed_host_leaves_the_whole_work(scene, tmp_path):
    killed = subprocess.run(
        [sys.executable, "-c", CRASHING_HOST, str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert killed.stdout == "working\n", killed.stderr
    assert killed.returncode < 0
    same, _ = begin_to_work(scene, tmp_path / "other")
    snapshot, expected, tags = (
        same.annotation.snapshot,
        masks(same),
        same.controller.segments.tags("lesion_1"),
    )
    same.close()
    scene.RemoveNode(same.controller.segments.node)
    session = open_again(same.controller.segments.volume_node, tmp_path)
    (recovery,) = session.recoveries()
    session.recover(recovery)
    assert session.annotation.snapshot == snapshot
    settle(session.controller)  # the mask that never came is asked for
    assert session.annotation.snapshot == snapshot
    now = masks(session)
    assert {x: now[x] for x in ("lesion_1", "lesion_2")} == {x: expected[x] for x in ("lesion_1", "lesion_2")}
    assert not session.controller.is_outdated("lesion_3")
    assert session.controller.segments.is_accepted("lesion_1")
    restored = session.controller.segments.tags("lesion_1")
    assert {k: v for k, v in restored.items() if "Time" not in k} == {
        k: v for k, v in tags.items() if "Time" not in k
    }
    assert not recovery.path.exists()
    assert session.recoveries() == ()
    session.controller.undo()
    assert session.annotation.snapshot.lesions == ()
    session.controller.redo()
    assert masks(session)["lesion_1"] == expected["lesion_1"]
    session.close()


def test_the_file_holds_no_word_of_the_scene_outside_the_readers_own(scene, tmp_path):
    session, _ = begin_to_work(scene, tmp_path)
    session._journal.flush()
    (path,) = tmp_path.iterdir()
    text = path.read_text()
    assert "Jane" not in path.name + text
    assert path.stat().st_mode & 0o077 == 0
    session.close()


def test_living_sessions_and_other_volumes_are_not_offered(scene, tmp_path, new_volume):
    session, volume = begin_to_work(scene, tmp_path)
    assert open_again(volume, tmp_path).recoveries() == ()
    crash(session)
    other = open_again(new_volume(name="other"), tmp_path)
    assert other.recoveries() == ()
    other.close()


def test_work_that_is_here_already_is_not_offered(scene, tmp_path):
    session, volume = begin_to_work(scene, tmp_path)
    crash(session)
    again = open_again(volume, tmp_path)
    assert again.recoveries() == ()
    again.annotation.delete("lesion_2")
    again.pump()
    assert len(again.recoveries()) == 1
    again.close()


def test_what_is_accepted_here_stays_and_the_other_comes_as_a_new_lesion(scene, tmp_path):
    session, volume = begin_to_work(scene, tmp_path)
    crash(session)
    scene.RemoveNode(session.controller.segments.node)
    again = open_again(volume, tmp_path)
    again.annotation.add_prompt(again.controller.add_lesion("Mine"), BoxPrompt(B_BOX))
    settle(again.controller)
    again.controller.accept("lesion_1")
    mine = masks(again)["lesion_1"]
    again.recover(again.recoveries()[0])
    assert [x.lesion_id for x in again.annotation.snapshot.lesions] == [
        "lesion_1",
        "lesion_4",
        "lesion_2",
        "lesion_3",
    ]
    assert masks(again)["lesion_1"] == mine
    recovered = np.frombuffer(masks(again)["lesion_4"], bool)
    assert recovered.any()
    assert not (recovered & np.frombuffer(mine, bool)).any()
    again.close()


def test_damaged_and_hostile_lines_are_skipped(scene, tmp_path):
    session, volume = begin_to_work(scene, tmp_path)
    crash(session)
    (path,) = tmp_path.glob("*.journal")
    lines = path.read_bytes()
    values = json.loads(lines.splitlines()[-1])
    values["changed"] = [
        {"lesion": 3},
        7,
        {"lesion": {}, "mask": {"bits": "AAAA"}, "tags": [], "is_answer": 1},
    ]
    path.write_bytes(lines + b"\n\xff\xfe\n[1]\nnull\n" + json.dumps(values | {"time": "yesterday"}).encode())
    scene.RemoveNode(session.controller.segments.node)
    again = open_again(volume, tmp_path)
    assert len(again.recoveries()[0].looks) == 3
    again.close()


def looks(*names: str) -> list[Look]:
    return [Look(Lesion(name, name), Result(PackedMask.of(np.ones((2, 2, 2), bool)))) for name in names]


def unlocked(journal: journals.Journal) -> None:
    journal.close()
    os.close(journal._handle)
    journal._handle = None


def test_a_line_that_was_cut_off_costs_only_itself(tmp_path):
    journal = journals.Journal(tmp_path, "f")
    for names in ("a", "ab", "abc"):
        journal.note(looks(*names))
        journal.flush()
    unlocked(journal)
    data = journal.path.read_bytes()
    starts = [n for n, byte in enumerate(data) if byte == ord("\n")][1:]
    beside_an_end = {end + step for end in (*starts, len(data)) for step in (-2, -1, 0, 1, 2)}
    for cut in sorted({*range(starts[0], len(data), 7), *beside_an_end} & {*range(starts[0], len(data) + 1)}):
        journal.path.write_bytes(data[:cut])
        recoveries = find_recoveries(tmp_path, "f")
        whole = sum(cut >= end for end in (*starts[1:], len(data)))
        assert ["".join(x.lesion.name for x in r.looks) for r in recoveries] == ["abc"[:whole]][: bool(whole)]


def test_a_full_disk_is_one_sentence_and_nothing_is_lost_when_there_is_room_again(tmp_path, monkeypatch):
    journal = journals.Journal(tmp_path, "f")
    journal.note(looks("a"))
    assert journal.flush()
    room = [30, 0, 0, 0]

    def write(handle: int, data: memoryview) -> int:
        if not room.pop(0):
            room.append(0)
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.writev(handle, [data[:30]])

    with monkeypatch.context() as full:
        full.setattr(journals.os, "write", write)
        for name in ("b", "c"):
            journal.note(looks("a", name))
            assert not journal.flush()
    assert journal.failure().startswith("Your work cannot be written down against a crash (No space left")
    assert journal.failure() is None
    journal.note(looks("a", "c", "d"))
    assert journal.flush()
    unlocked(journal)
    (recovery,) = find_recoveries(tmp_path, "f")
    assert [look.lesion.name for look in recovery.looks] == ["a", "c", "d"]


def test_what_a_full_disk_refused_is_written_at_the_end(tmp_path, monkeypatch):
    journal = journals.Journal(tmp_path / "missing", "f")
    blocked = tmp_path / "missing"
    blocked.write_text("a file where the folder should be")
    journal.note(looks("a"))
    assert not journal.flush()
    assert "cannot be written down" in journal.failure()
    blocked.unlink()
    journal.close()
    assert journal.path.exists()
    journal.discard()
    assert not journal.path.exists()


def test_only_what_changed_is_written_again(tmp_path):
    journal = journals.Journal(tmp_path, "f")
    first, second = looks("a", "b")
    journal.note([first, second])
    for _ in range(3):
        journal.note([first, second])
    journal.note([second])
    assert journal.flush()
    lines = [json.loads(line) for line in journal.path.read_text().splitlines() if line]
    assert [(x["lesion_ids"], len(x["changed"])) for x in lines[1:]] == [(["a", "b"], 2), (["b"], 0)]
    journal.discard()


def test_noting_takes_no_time_of_the_viewers(tmp_path):
    journal = journals.Journal(tmp_path, "f")
    mask = PackedMask.of(np.random.default_rng(0).random((60, 90, 90)) < 0.5)
    forty = [Look(Lesion(f"lesion_{n}", ""), Result(mask)) for n in range(40)]
    began = time.thread_time()
    journal.note(forty)
    assert time.thread_time() - began < 0.002
    journal.discard()


def test_a_journal_stays_until_the_scene_is_closed_or_the_host_ends(host, tmp_path):
    session, volume = begin_to_work(host.scene, tmp_path)
    session.close()
    assert len(list(tmp_path.glob("*.journal"))) == 1
    again = open_again(volume, tmp_path)
    assert again.recoveries() == ()  # this process still looks after it
    again.annotation.rename("lesion_1", "Node")
    again.pump()
    host.scene.Clear(False)
    assert list(tmp_path.glob("*.journal")) == []
    session, _ = begin_to_work(host.scene, tmp_path)
    session.close()
    discard_kept()
    assert list(tmp_path.glob("*.journal")) == []


def test_the_journal_lies_beside_a_saved_scene(host, tmp_path):
    (tmp_path / "case").mkdir()
    host.scene.SetURL(str(tmp_path / "case" / "case.mrml"))
    session, volume = begin_to_work(host.scene, tmp_path)
    session._journal.flush()
    assert len(list((tmp_path / "case").glob("*.journal"))) == 1
    crash(session)
    host.scene.RemoveNode(session.controller.segments.node)
    again = open_again(volume, tmp_path)
    assert len(again.recoveries()) == 1
    again.close()
