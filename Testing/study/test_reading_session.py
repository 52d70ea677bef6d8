"""A reader's sittings: the work list, the wash-out, the lock, and results that tell nothing of the arm."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from study_cases import a_cube, a_study, a_volume

from SAMLesionLib.errors import InputError
from SAMLesionLib.io import Segment, read_mask, read_segmentation
from SAMLesionLib.study.dealing import deal
from SAMLesionLib.study.design_file import DESIGN
from SAMLesionLib.study.log import LOG
from SAMLesionLib.study.log_reading import read_log
from SAMLesionLib.study.reading_session import ReadingSession
from SAMLesionLib.study.study_folder import StudyFolder, freeze, read_study
from SAMLesionLib.study.worklist import Task, read_progress, read_worklist

SEGMENT = Segment("Mrs Miller", a_cube(), tags={"SAMLesion.Model": "lite-medsam"})


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    study = a_study(tmp_path / "pilot")
    deal(study)
    return study


def do_next(folder: Path, now: datetime | None = None) -> Task:
    with ReadingSession(folder) as session:
        task = session.next(now).task
        assert task is not None
        session.start(task)
        session.finish([SEGMENT], a_volume())
    return task


def wait_for(word: str, path: Path, process: subprocess.Popen[bytes]) -> None:
    for _ in range(3000):
        if path.exists() and word in path.read_text():
            return
        assert process.poll() is None, "the session ended by itself"
        time.sleep(0.02)
    pytest.fail(f"{word} was not written within a minute")


def test_a_reader_works_through_the_list_and_the_washout_lies_between(study: StudyFolder) -> None:
    folder = study.reader_folder("R1")
    first = [do_next(folder), do_next(folder)]
    assert {task.case for task in first} == {"C1", "C2"}
    with ReadingSession(folder) as session:
        waiting = session.next()
        assert waiting.task is None
        assert waiting.wait_until is not None
        assert timedelta(days=6.9) < waiting.wait_until - datetime.now(timezone.utc) < timedelta(days=7)
    later = datetime.now(timezone.utc) + timedelta(days=8)
    second = do_next(folder, later)
    assert second.period == 2
    plan = study.plan()
    assert plan[second.reading].arm != next(plan[t.reading].arm for t in first if t.case == second.case)


def test_a_reading_that_was_begun_comes_first_with_what_was_saved_of_it(study: StudyFolder) -> None:
    folder = study.reader_folder("R1")
    with ReadingSession(folder) as session:
        begun = session.next().task
        assert begun is not None
        assert session.start(begun) is None
        session.autosave([SEGMENT], a_volume())
    with ReadingSession(folder) as session:
        assert session.next().task == begun
        saved = session.start(begun)
        assert saved is not None
        assert np.array_equal(read_mask(saved), a_cube())
        session.finish([SEGMENT], a_volume())
        assert not saved.exists()
    assert read_progress(folder, read_worklist(folder)).state(begun) == "finished"


def test_a_reading_that_was_put_aside_is_the_next_one_again(study: StudyFolder) -> None:
    with ReadingSession(study.reader_folder("R1")) as session:
        task = session.next().task
        assert task is not None
        session.start(task)
        session.leave()
        assert session.task is None
        assert session.next().task == task
        session.start(task)
        session.finish([], a_volume())
    kinds = [line.kind for line in read_log(study.reader_folder("R1") / LOG).lines()]
    assert kinds == ["start", "pause", "start", "finish", "end"]


def test_a_skipped_reading_does_not_come_again_and_keeps_no_free_text(study: StudyFolder) -> None:
    folder = study.reader_folder("R2")
    with ReadingSession(folder) as session:
        task = session.next().task
        assert task is not None
        session.start(task)
        session.skip("Mrs Miller moved")
        assert session.next().task != task
    assert "Miller" not in (folder / LOG).read_text()
    assert '"reason":"other"' in (folder / LOG).read_text()


def test_readers_files_tell_neither_arms_of_results_nor_references_nor_other_readers(
    study: StudyFolder,
) -> None:
    folder = study.reader_folder("R1")
    for _ in range(2):
        do_next(folder)
    written = {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert len([name for name in written if name.endswith(".seg.nrrd")]) == 2
    for content in written.values():
        for word in (b"expert", b"references", b"With LiteMedSAM", b"AI-assisted", b'"manual"\n', b"R2"):
            assert word not in content
    others = [content for name, content in written.items() if name != "worklist.json"]
    assert all(word not in content for content in others for word in (b"lite-medsam", b"assisted", b"Miller"))
    mask = next(folder.rglob("*.seg.nrrd"))
    assert [(s.name, dict(s.tags)) for s in read_segmentation(mask).segments] == [("Lesion 1", {})]


def test_two_sessions_in_one_folder_are_refused(study: StudyFolder) -> None:
    folder = study.reader_folder("R1")
    with ReadingSession(folder):
        with pytest.raises(InputError, match="Another session of reader R1"):
            ReadingSession(folder)
        ReadingSession(study.reader_folder("R2")).close()
    ReadingSession(folder).close()


def test_a_design_that_was_changed_is_refused_until_it_has_a_new_version(study: StudyFolder) -> None:
    folder, path = study.reader_folder("R1"), study.path / DESIGN
    first = do_next(folder)
    path.write_text(path.read_text().replace("washout_days = 7", "washout_days = 0"))
    for refused in (
        lambda: ReadingSession(folder),
        lambda: read_study(study.path),
        lambda: freeze(study.path),
    ):
        with pytest.raises(InputError, match=r"changed \(order\) after the study began .* version to 2"):
            refused()
    path.write_text(path.read_text().replace("version = 1", "version = 2"))
    with pytest.raises(InputError, match=r"of version 2, and the work lists are of version 1"):
        ReadingSession(folder)
    again = freeze(study.path)
    deal(again)
    worklist = read_worklist(folder)
    assert worklist.version == 2
    assert read_progress(folder, worklist).state(first) == "finished"
    assert (study.path / "designs" / "design-v1.toml").exists()


def test_a_crash_loses_no_accepted_lesion(study: StudyFolder) -> None:
    folder = study.reader_folder("R1")
    code = f"""
import time
from pathlib import Path
from SAMLesionLib import BoxPrompt, IndexBox
from SAMLesionLib.annotation import Annotation
from SAMLesionLib.study.reading_session import ReadingSession
session = ReadingSession(Path({str(folder)!r}))
session.start(session.next().task)
annotation = Annotation()
session.recorder.listen(annotation)
lesion = annotation.add_lesion()
annotation.add_prompt(lesion.lesion_id, BoxPrompt(IndexBox((1, 1, 1), (4, 4, 4))))
annotation.accept(lesion.lesion_id)
time.sleep(300)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        wait_for("lesion_accepted", folder / LOG, process)
        process.kill()
    with (folder / LOG).open("ab") as file:
        file.write(b'\n{"t":1,"w":2,"e":"scr')
    log = read_log(folder / LOG)
    assert [line.kind for line in log.lines()] == ["start", "lesion_added", "prompt_added", "lesion_accepted"]
    assert log.n_torn == 1
    with ReadingSession(folder) as session:  # the lock went with the process
        assert session.next().task is not None


def test_the_first_line_of_a_session_says_what_it_ran_on(study: StudyFolder) -> None:
    folder = study.reader_folder("R1")
    ReadingSession(folder, {"recorder": "host", "host": "3D Slicer", "host_version": "5.12.3"}).close()
    (session,) = read_log(folder / LOG).sessions
    assert session.has_ended
    assert session.facts["design_sha256"] == study.start.design_sha256
    assert {"samlesion", "python", "processor", "n_cores", "gpu", "host_version"} <= session.facts.keys()


def test_only_one_reading_is_at_hand(study: StudyFolder) -> None:
    with ReadingSession(study.reader_folder("R1")) as session:
        with pytest.raises(InputError, match="Start one first"):
            session.pause()
        task = session.next().task
        assert task is not None
        session.start(task)
        with pytest.raises(InputError, match="Finish or skip it first"):
            session.start(task)


def test_a_damaged_work_list_is_refused(study: StudyFolder) -> None:
    folder = study.reader_folder("R1")
    (folder / "worklist.json").write_text(json.dumps({"format": 1, "arms": 3}))
    with pytest.raises(InputError, match="deal the work lists again"):
        ReadingSession(folder)
    (folder / "worklist.json").unlink()
    with pytest.raises(InputError, match="no work list"):
        ReadingSession(folder)


def test_a_reader_of_no_such_name_is_refused(study: StudyFolder) -> None:
    with pytest.raises(InputError, match=r"no reader 'R9'\. Its readers are R1, R2"):
        study.reader_folder("R9")


def test_a_missing_scan_is_told_before_anyone_begins(tmp_path: Path) -> None:
    study = a_study(tmp_path / "pilot")
    (study.path / "images" / "C2.nrrd").unlink()
    with pytest.raises(InputError, match=r"C2 names images/C2\.nrrd"):
        deal(study)
