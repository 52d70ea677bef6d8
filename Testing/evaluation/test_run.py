"""A whole evaluation of fake models: its tables, resuming, failures, replay."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from run_cases import BALLS, FakeSegmenters, HereSlot, a_dataset, evaluate, without_times, write

from SAMLesionLib.errors import EngineError, ImageError, InputError, PromptError
from SAMLesionLib.evaluation.journal import MASKS, PROMPTS, SETTINGS, TABLE
from SAMLesionLib.evaluation.rows import COLUMNS, read_csv, to_csv
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.evaluation.worker import WorkOrder
from SAMLesionLib.evaluation.workers import ProcessSlot

FIRST_COLUMNS = "case lesion lesion_ml model reader step dice nsd hd95_mm seconds".split()  # noqa: SIM905


@pytest.fixture
def settings(tmp_path: Path) -> EvaluationSettings:
    dataset = a_dataset(tmp_path / "data")
    return EvaluationSettings(str(dataset), ("boxes", "clicks"), "cvpr25", clicks=2)


def test_the_table_has_one_row_a_case_lesion_model_and_step(settings, tmp_path: Path) -> None:
    rows = evaluate(settings, tmp_path / "run")
    assert list(COLUMNS[:10]) == FIRST_COLUMNS
    assert (tmp_path / "run" / TABLE).read_text() == to_csv(rows, has_header=True)
    assert to_csv(read_csv(tmp_path / "run" / TABLE), has_header=True) == to_csv(rows, has_header=True)
    n_lesions = sum(len(balls) for balls in BALLS.values())
    assert len(rows) == 2 * 3 * (n_lesions + 3)
    assert [(r.case, r.model, r.lesion, r.step) for r in rows[:4]] == [
        ("a", "boxes", "1", 0),
        ("a", "boxes", "1", 1),
        ("a", "boxes", "1", 2),
        ("a", "boxes", "2", 0),
    ]


def test_the_whole_case_is_all_masks_together_against_all_lesions(settings, tmp_path: Path) -> None:
    rows = evaluate(settings, tmp_path / "run")
    ours = [row for row in rows if (row.case, row.model, row.step) == ("a", "boxes", 0)]
    one, two, both = ours
    assert both.lesion_ml == pytest.approx(one.lesion_ml + two.lesion_ml)
    assert both.predicted_ml == pytest.approx(one.predicted_ml + two.predicted_ml)
    # 2 |A and B| of disjoint lesions add up, and so do the sizes below the line.
    shared = sum(row.dice * (row.lesion_ml + row.predicted_ml) for row in (one, two))
    assert both.dice == pytest.approx(shared / (both.lesion_ml + both.predicted_ml))
    assert (both.lesion_precision, both.lesion_recall, both.lesion_f1) == (1, 1, 1)
    assert one.lesion_recall is None


def test_a_model_that_cannot_be_clicked_keeps_its_first_answer_and_says_so(settings, tmp_path: Path) -> None:
    rows = evaluate(settings, tmp_path / "run")
    first, second, third = [r for r in rows if (r.case, r.model, r.lesion) == ("b", "boxes", "1")]
    assert first.note == ""
    assert (second.dice, third.dice) == (first.dice, first.dice)
    assert (second.seconds, second.encode_s) == (0, None)
    assert "takes no point prompts" in second.note


def test_clicks_are_given_one_after_another(settings, tmp_path: Path) -> None:
    rows = evaluate(settings, tmp_path / "run")
    steps = [r for r in rows if (r.case, r.model, r.lesion) == ("b", "clicks", "1")]
    assert steps[0].dice < steps[1].dice < steps[2].dice
    records = [json.loads(line) for line in (tmp_path / "run" / PROMPTS).read_text().splitlines()]
    kinds = [[p["kind"] for p in r["prompts"]] for r in records if (r["case"], r["model"]) == ("b", "clicks")]
    assert kinds == [["box"], ["box", "point"], ["box", "point", "point"]]


def test_every_model_gets_the_same_first_prompts(settings, tmp_path: Path) -> None:
    evaluate(replace(settings, jitter=3), tmp_path / "run")
    records = [json.loads(line) for line in (tmp_path / "run" / PROMPTS).read_text().splitlines()]
    drawn = {
        model: [r["prompts"] for r in records if r["model"] == model and r["step"] == 0]
        for model in settings.models
    }
    assert drawn["boxes"] == drawn["clicks"]


def prompts_of(folder: Path, model: str) -> list[list[dict]]:
    records = [json.loads(line) for line in (folder / PROMPTS).read_text().splitlines()]
    return [r["prompts"] for r in records if r["model"] == model]


def test_a_model_is_clicked_only_on_what_is_missing_where_it_cannot_be_told_what_is_too_much(
    settings, tmp_path: Path
) -> None:
    rows = evaluate(replace(settings, models=("tumours",), reader="sammed3d", clicks=4), tmp_path / "run")

    assert not any(row.failure for row in rows)
    drawn = prompts_of(tmp_path / "run", "tumours")
    assert max(len(prompts) for prompts in drawn) == 4
    assert all(prompt["is_positive"] for prompts in drawn for prompt in prompts)


def test_the_organ_goes_to_the_models_that_take_it(settings, tmp_path: Path) -> None:
    for name in "abc":
        organ = np.zeros((12, 24, 28), np.uint8)
        organ[2:10, 2:22, 2:26] = 1
        write(Path(settings.dataset) / name / "organ.nrrd", organ)
    (Path(settings.dataset) / "manifest.json").write_text(
        json.dumps({"cases": [{"name": "a", "organ": "kidney"}, {"name": "b", "organ": "organ_2"}]})
    )
    asked = replace(settings, models=("tumours", "clicks"), reader="sammed3d", clicks=2)

    evaluate(asked, tmp_path / "run")
    told = evaluate(replace(asked, organ="liver"), tmp_path / "told")

    records = [json.loads(line) for line in (tmp_path / "run" / PROMPTS).read_text().splitlines()]
    words = {r["case"]: [p["word"] for p in r["prompts"] if p["kind"] == "organ"] for r in records[::-1]}
    assert words == {"a": ["kidney"], "b": [], "c": []}  # what is no word is not said
    for prompts in prompts_of(tmp_path / "run", "tumours"):
        assert [(p["start_ijk"], p["stop_ijk"]) for p in prompts if p["kind"] == "organ-mask"] == [
            ([2, 2, 2], [26, 22, 10])
        ]
    assert {p["kind"] for prompts in prompts_of(tmp_path / "run", "clicks") for p in prompts} == {"point"}
    assert all({"liver"} <= {p.get("word") for p in ps} for ps in prompts_of(tmp_path / "told", "tumours"))
    assert not any(row.failure for row in told)


def test_an_organ_that_no_model_takes_is_refused(settings, tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"no model here takes one, got boxes, clicks\. Leave out --organ"):
        evaluate(replace(settings, organ="liver"), tmp_path / "run")


def test_an_interrupted_run_goes_on_where_it_was(settings, tmp_path: Path) -> None:
    evaluate(settings, tmp_path / "whole")

    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise Stopped

    with pytest.raises(Stopped):
        evaluate(settings, tmp_path / "run", on_progress=stop)
    table = tmp_path / "run" / TABLE
    assert table.read_text().count("\na,") > 0
    # Killed in the middle of a line, before the case was done.
    table.write_text(table.read_text() + "b,1,0.3,boxes,cvpr25,0,0.5,0.")
    slot = HereSlot(WorkOrder(settings, FakeSegmenters(), 1))
    seen: list[tuple[int, int]] = []
    evaluate(settings, tmp_path / "run", [slot], lambda done, total: seen.append((done, total)))
    assert (slot.jobs[0].case, slot.jobs[0].model) == ("b", "boxes")
    assert seen == [(n, 6) for n in range(2, 7)]
    for name in (PROMPTS, MASKS):
        assert (tmp_path / "run" / name).read_text() == (tmp_path / "whole" / name).read_text()
    assert without_times(table.read_text()) == without_times((tmp_path / "whole" / TABLE).read_text())


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [({"seed": 1}, "seed 0, now seed 1"), ({"models": ("boxes",)}, "models boxes,clicks, now models boxes")],
)
def test_a_run_with_other_settings_is_refused_in_one_sentence(settings, tmp_path, changed, sentence) -> None:
    evaluate(settings, tmp_path / "run")
    before = (tmp_path / "run" / SETTINGS).read_text()
    with pytest.raises(InputError, match=sentence):
        evaluate(replace(settings, **changed), tmp_path / "run")
    assert (tmp_path / "run" / SETTINGS).read_text() == before


def test_a_model_that_fails_on_a_case_does_not_stop_the_others(settings, tmp_path: Path) -> None:
    slot = HereSlot(WorkOrder(settings, FakeSegmenters((("b", "fail"),)), 1))
    rows = evaluate(settings, tmp_path / "run", [slot])
    failed = [row for row in rows if row.failure]
    assert {row.case for row in failed} == {"b"}
    assert {row.lesion for row in failed} == {"1", "all"}
    assert {row.note for row in failed} == {"RuntimeError: the network has a hole"}
    assert {row.dice for row in failed} == {None}
    assert all(row.dice for row in rows if row.case != "b")


def test_a_case_that_cannot_be_read_is_told_and_the_others_go_on(settings, tmp_path: Path) -> None:
    write(Path(settings.dataset) / "b" / "label.nrrd", np.ones((3, 4, 5), np.uint8))
    rows = evaluate(settings, tmp_path / "run")
    (unread,) = [row for row in rows if row.case == "b" and row.model == "boxes"]
    assert (unread.lesion, unread.failure, unread.dice) == ("all", "case", None)
    assert unread.note.startswith("Case b:")
    assert len({row.case for row in rows if not row.failure}) == 2


def test_a_process_that_is_killed_costs_its_case_and_no_more(settings, tmp_path: Path) -> None:
    settings = replace(settings, models=("boxes",), reader="box3d", clicks=None)
    slot = ProcessSlot(WorkOrder(settings, FakeSegmenters((("a", "die"),)), 1))
    rows = evaluate(settings, tmp_path / "run", [slot])
    killed = [row for row in rows if row.failure]
    assert [(row.case, row.lesion, row.failure) for row in killed] == [
        ("a", "1", "killed"),
        ("a", "2", "killed"),
        ("a", "all", "killed"),
    ]
    assert "SIGKILL" in killed[0].note
    assert killed[0].lesion_ml > 0
    assert {row.case for row in rows if row.dice} == {"b", "c"}


def test_ctrl_c_ends_workers_in_the_middle_of_a_case(settings, tmp_path: Path) -> None:
    order = WorkOrder(settings, FakeSegmenters((("a", "hang"),)), 1)

    def interrupt(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(settings, tmp_path / "run", [ProcessSlot(order), ProcessSlot(order)], interrupt)
    assert multiprocessing.active_children() == []
    assert {row.case for row in read_csv(tmp_path / "run" / TABLE)} == {"b"}


class Unwelcome:
    """Ends the process that unpacks it."""

    def __reduce__(self):
        return os._exit, (3,)


def test_a_worker_process_that_cannot_start_ends_the_run(settings, tmp_path: Path) -> None:
    slot = ProcessSlot(WorkOrder(settings, Unwelcome(), 1))
    with pytest.raises(EngineError, match=r"A worker process cannot start \(exit code 3\)"):
        evaluate(settings, tmp_path / "run", [slot])


def test_the_table_is_the_same_however_many_processes_work(settings, tmp_path: Path) -> None:
    evaluate(settings, tmp_path / "one")
    order = WorkOrder(settings, FakeSegmenters(), 1)
    evaluate(settings, tmp_path / "two", [ProcessSlot(order), ProcessSlot(order)])
    one, two = ((tmp_path / name / TABLE).read_text() for name in ("one", "two"))
    assert without_times(one) == without_times(two)
    assert (tmp_path / "one" / MASKS).read_text() == (tmp_path / "two" / MASKS).read_text()


def test_a_run_is_replayed_exactly(settings, tmp_path: Path) -> None:
    settings = replace(settings, jitter=2)
    evaluate(settings, tmp_path / "run")
    # A reader with another seed would draw other boxes.
    again = replace(settings, replay_of=str(tmp_path / "run"), seed=99)
    evaluate(again, tmp_path / "again")
    one, two = ((tmp_path / name / TABLE).read_text() for name in ("run", "again"))
    assert without_times(one) == without_times(two)


def test_a_model_that_can_never_answer_the_reader_stops_the_run_in_one_sentence(settings, tmp_path) -> None:
    wrong = replace(settings, reader="tags", clicks=None)
    with pytest.raises(PromptError, match="tags begins with point prompts, and boxes takes box"):
        evaluate(wrong, tmp_path / "run")


def test_a_worker_that_cannot_begin_ends_the_run_with_its_sentence(settings, tmp_path: Path) -> None:
    wrong = replace(settings, reader="tags", clicks=None, models=("boxes",))
    with pytest.raises(PromptError, match="tags begins with point"):
        evaluate(wrong, tmp_path / "run", [ProcessSlot(WorkOrder(wrong, FakeSegmenters(), 1))])
    evaluate(settings, tmp_path / "run")  # nothing was done, so other settings may follow


def test_a_data_set_without_a_usable_case_is_refused(settings, tmp_path: Path) -> None:
    for name in BALLS:
        write(Path(settings.dataset) / name / "label.nrrd", np.ones((3, 4, 5), np.uint8))
    with pytest.raises(ImageError, match="No case of data can be used"):
        evaluate(settings, tmp_path / "run")


def test_only_the_first_cases_are_taken_when_so_asked(settings, tmp_path: Path) -> None:
    assert {row.case for row in evaluate(replace(settings, limit=2), tmp_path / "run")} == {"a", "b"}
