"""Two runs are paired case by case."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from run_cases import a_dataset, evaluate

from SAMLesionLib.errors import InputError
from SAMLesionLib.evaluation.compare import compare_runs, write_comparison
from SAMLesionLib.evaluation.settings import EvaluationSettings


@pytest.fixture
def settings(tmp_path: Path) -> EvaluationSettings:
    return EvaluationSettings(str(a_dataset(tmp_path / "data")), ("boxes",), "box3d")


def test_the_difference_is_that_of_the_whole_cases(settings, tmp_path: Path) -> None:
    tight = evaluate(settings, tmp_path / "tight")
    loose = evaluate(replace(settings, jitter=4), tmp_path / "loose")
    (comparison,) = compare_runs(tmp_path / "tight", tmp_path / "loose")
    told = comparison.metrics["dice"]
    of = [[row.dice for row in rows if row.lesion == "all"] for rows in (tight, loose)]
    assert told.n == 3
    expected = sum(b - a for a, b in zip(*of, strict=True)) / 3
    assert told.difference == pytest.approx(expected, abs=1e-5)  # the file keeps six digits
    assert told.n_lower + told.n_higher <= 3
    assert told.p_value is None


def test_runs_of_one_model_each_are_paired(settings, tmp_path: Path) -> None:
    evaluate(settings, tmp_path / "a")
    evaluate(replace(settings, models=("clicks",)), tmp_path / "b")
    (comparison,) = compare_runs(tmp_path / "a", tmp_path / "b")
    assert (comparison.a.model, comparison.b.model) == ("boxes", "clicks")
    assert comparison.metrics["dice"].difference == 0


def test_runs_that_share_no_model_are_refused(settings, tmp_path: Path) -> None:
    evaluate(replace(settings, models=("x", "y")), tmp_path / "a")
    evaluate(replace(settings, models=("z",)), tmp_path / "b")
    with pytest.raises(InputError, match="share no model: the first has x, y, the second z"):
        compare_runs(tmp_path / "a", tmp_path / "b")


def test_runs_that_share_no_case_are_refused(settings, tmp_path: Path) -> None:
    other = a_dataset(tmp_path / "others", "a")
    (other / "a").rename(other / "elsewhere")
    evaluate(settings, tmp_path / "a")
    evaluate(replace(settings, dataset=str(other)), tmp_path / "b")
    with pytest.raises(InputError, match="no answered case in common"):
        compare_runs(tmp_path / "a", tmp_path / "b")


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run"):
        compare_runs(tmp_path, tmp_path)


def test_the_page_stands_alone_and_shows_every_case(settings, tmp_path: Path) -> None:
    evaluate(settings, tmp_path / "tight")
    evaluate(replace(settings, jitter=4), tmp_path / "loose")
    (comparison,) = compare_runs(tmp_path / "tight", tmp_path / "loose")
    write_comparison(tmp_path / "page.html", comparison)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert all(f"<td>{case}</td>" in page for case in "abc")
    assert "jitter (0; 4)" in page
    assert 'src="http' not in page
    assert "<link" not in page
