"""Active, idle and compute time on logs short enough to add up by hand."""

from __future__ import annotations

import pytest
from study_cases import a_log, a_text

from SAMLesionLib.study.counting import count, of_lesion
from SAMLesionLib.study.log_reading import parse_log
from SAMLesionLib.study.timing import reading_times

IDLE_AFTER_S = 30.0


def times_of(*lines, recorder: str = "host"):
    return reading_times(a_log(*lines, recorder=recorder), IDLE_AFTER_S)["x"]


def seconds(told) -> tuple[float, float, float]:
    return told.whole.active_s, told.whole.idle_s, told.whole.compute_s


def test_looking_is_work_up_to_the_limit_and_idle_beyond() -> None:
    told = times_of((0, "start"), (10, "scroll"), (110, "stroke"), (115, "finish"))
    assert seconds(told) == (10 + 30 + 5, 70, 0)
    assert told.whole.total_s == 115


def test_waiting_for_an_answer_is_compute() -> None:
    told = times_of((0, "start"), (5, "prompt_added"), (45, "mask_shown"), (50, "finish"))
    assert seconds(told) == (5 + 5, 0, 40)


def test_who_works_on_meanwhile_does_not_wait() -> None:
    told = times_of((0, "start"), (5, "prompt_added"), (10, "scroll"), (25, "mask_shown"), (28, "finish"))
    assert seconds(told) == (28, 0, 0)


def test_a_request_that_fails_is_compute_until_it_fails() -> None:
    told = times_of((0, "start"), (5, "prompt_added"), (9, "work_failed"), (10, "finish"))
    assert seconds(told) == (6, 0, 4)


def test_undo_asks_for_nothing() -> None:
    undone = {"cause": "undo", "lesion": "a"}
    told = times_of((0, "start"), (5, "prompt_removed", undone), (8, "mask_shown"), (10, "finish"))
    assert seconds(told) == (10, 0, 0)


def test_time_without_the_focus_is_idle() -> None:
    told = times_of((0, "start"), (2, "focus_lost"), (12, "focus_gained"), (15, "stroke"), (16, "finish"))
    assert seconds(told) == (2 + 3 + 1, 10, 0)


def test_a_focus_that_was_never_told_to_come_back_comes_back_with_the_next_action() -> None:
    told = times_of((0, "start"), (2, "focus_lost"), (12, "stroke"), (16, "finish"))
    assert seconds(told) == (2 + 4, 10, 0)


def test_pauses_are_no_time_at_all() -> None:
    told = times_of((0, "start"), (10, "pause"), (500, "resume"), (505, "stroke"), (507, "finish"))
    assert seconds(told) == (10 + 7, 0, 0)


def test_signs_of_life_are_no_actions() -> None:
    told = times_of((0, "start"), *((n * 10, "heartbeat") for n in range(1, 9)), (90, "finish"))
    assert seconds(told) == (30, 60, 0)


def test_a_stopwatch_counts_everything_as_active() -> None:
    told = times_of((0, "start"), (100, "pause"), (700, "resume"), (900, "finish"), recorder="stopwatch")
    assert seconds(told) == (300, 0, 0)


def test_time_belongs_to_the_lesion_that_is_named_next() -> None:
    a, b = {"lesion": "a"}, {"lesion": "b"}
    told = times_of(
        (0, "start"), (3, "scroll"), (5, "lesion_added", a), (9, "prompt_added", a), (11, "mask_shown", a),
        (12, "lesion_accepted", a), (14, "scroll"), (20, "mask_edited", b), (22, "finish"),
    )  # fmt: skip
    assert {name: (t.active_s, t.compute_s) for name, t in told.lesions.items()} == {
        "a": (10, 2),
        "b": (8, 0),
    }
    assert told.whole.total_s == 22


def test_a_crash_ends_the_time_at_the_last_sign_of_life_and_the_next_session_goes_on() -> None:
    torn = a_text((0, "start"), (5, "stroke"), (15, "heartbeat")) + '\n{"t": 17, "e": "stro'
    again = a_text((900, "start"), (904, "stroke"), (910, "finish"), (911, "end"))
    log = parse_log((torn + again).encode().split(b"\n"))
    told = reading_times(log, IDLE_AFTER_S)["x"]
    assert seconds(told) == (15 + 10, 0, 0)
    assert told.n_sessions == 2
    assert log.n_torn == 1
    assert [session.has_ended for session in log.sessions] == [False, True]


def test_a_clock_that_was_set_changes_no_time_and_is_noticed() -> None:
    text = a_text((0, "start"), (10, "stroke"), (20, "finish")).replace('"w": 1010.0', '"w": 4610.0')
    log = parse_log(text.encode().split(b"\n"))
    assert seconds(reading_times(log, IDLE_AFTER_S)["x"]) == (20, 0, 0)
    assert log.sessions[0].jumps_s == pytest.approx([3600, -3600])


def test_clocks_that_run_together_are_no_jump() -> None:
    assert a_log((0, "start"), (1e5, "finish")).sessions[0].jumps_s == []


def test_strokes_are_edits_and_so_is_what_other_tools_changed() -> None:
    a, b = {"lesion": "a"}, {"lesion": "b"}
    log = a_log(
        (0, "start"), (1, "stroke", a), (2, "stroke", a), (3, "mask_edited", a),  # seen once more
        (4, "mask_edited", b),  # smoothed
        (5, "stroke", b), (6, "mask_edited", b), (7, "mask_edited", b),
        (8, "mask_edited", {"lesion": "a", "is_answer": True}),
        (9, "stroke"), (10, "mask_edited", a),  # a host that names no lesion
        (11, "finish"),
    )  # fmt: skip
    lines = list(log.lines())
    assert count(lines).n_edits == 2 + 1 + 1 + 1 + 1
    assert count(of_lesion(lines, "b")).n_edits == 3
