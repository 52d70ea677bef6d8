"""The report shows every number of a run and needs nothing but itself."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from run_cases import FakeSegmenters, HereSlot, a_dataset, evaluate

from SAMLesionLib.datasets.dataset import open_dataset
from SAMLesionLib.evaluation.report import REPORT, write_report
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.evaluation.summary import SUMMARY, summarise, write_summary
from SAMLesionLib.evaluation.worker import WorkOrder

VOID = {"meta", "img", "br", "link", "use", "path", "rect", "circle"}


class Balanced(HTMLParser):
    """Notes every tag that is closed in the wrong order, and every id."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs) -> None:
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs) -> None:
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture
def settings(tmp_path: Path) -> EvaluationSettings:
    return EvaluationSettings(str(a_dataset(tmp_path / "data")), ("boxes", "clicks"), "cvpr25", clicks=2)


def report_of(settings: EvaluationSettings, folder: Path, slots=None) -> tuple[str, dict]:
    rows = evaluate(settings, folder, slots)
    dataset = open_dataset(settings.dataset)
    summary = summarise(rows, settings, dataset.describe())
    write_summary(folder, summary)
    write_report(folder, rows, summary, dataset, "samlesion evaluate data -o run")
    return (folder / REPORT).read_text(encoding="utf-8"), summary


def test_the_page_needs_nothing_but_itself(settings, tmp_path: Path) -> None:
    page, _ = report_of(settings, tmp_path / "run")
    fetched = re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', page)
    assert fetched == []
    assert not re.search(r"@import|url\((?!#)", page)
    assert page.count("data:image/jpeg;base64,") == 6  # best, median and worst of two models


def test_the_page_is_well_formed(settings, tmp_path: Path) -> None:
    page, _ = report_of(settings, tmp_path / "run")
    parser = Balanced()
    parser.feed(page)
    assert (parser.wrong, parser.open) == ([], [])
    assert len(parser.ids) == len(set(parser.ids))


def test_the_page_holds_table_curves_boxes_pictures_and_settings(settings, tmp_path: Path) -> None:
    page, summary = report_of(settings, tmp_path / "run")
    for heading in ("Results", "What corrections bring", "By lesion size", "Best, median and worst case"):
        assert f"<h2>{heading}</h2>" in page
    for model in settings.models:
        assert f"{summary['models'][model]['cases']['dice']['mean']:.3f}" in page
    assert "samlesion evaluate data -o run" in page
    assert "clicks to 0.80" in page


def test_one_step_draws_no_curve_and_few_lesions_no_boxes(settings, tmp_path: Path) -> None:
    small = replace(settings, reader="box3d", clicks=None, limit=1)
    page, summary = report_of(small, tmp_path / "run")
    assert "What corrections bring" not in page
    assert "By lesion size" not in page
    assert summary["size_edges_ml"] == []
    assert "One case has no interval" in page


def test_names_from_a_data_set_cannot_become_markup(settings, tmp_path: Path) -> None:
    case = Path(settings.dataset) / "a"
    case.rename(case.with_name("<b>a"))
    page, _ = report_of(settings, tmp_path / "run")
    assert "<b>" not in page
    assert "&lt;b&gt;a" in page


def test_the_summary_is_json_with_means_intervals_and_sizes(settings, tmp_path: Path) -> None:
    report_of(settings, tmp_path / "run")
    told = json.loads((tmp_path / "run" / SUMMARY).read_text())
    assert told["n_cases"] == 3
    assert told["n_lesions"] == 5
    ours = told["models"]["clicks"]
    assert ours["cases"]["dice"]["low"] <= ours["cases"]["dice"]["mean"] <= ours["cases"]["dice"]["high"]
    assert sum(size["dice"]["n"] for size in ours["sizes"]) == 5
    assert ours["sizes"][0]["up_to_ml"] == ours["sizes"][1]["above_ml"] == told["size_edges_ml"][0]
    assert [step["step"] for step in ours["steps"]] == [0, 1, 2]
    assert [goal["dice"] for goal in ours["clicks"]["to_dice"]] == [0.8, 0.85, 0.9]
    assert told["paired"][0]["metric"] == "dice"
    assert told["settings"]["seed"] == 0


def test_a_failure_counts_as_an_empty_mask(settings, tmp_path: Path) -> None:
    settings = replace(settings, models=("boxes",))
    _, whole = report_of(settings, tmp_path / "whole")
    slot = HereSlot(WorkOrder(settings, FakeSegmenters((("b", "fail"),)), 1))
    page, failed = report_of(settings, tmp_path / "failed", [slot])
    before, after = (summary["models"]["boxes"] for summary in (whole, failed))
    assert after["failures"] == {"case": 0, "reader": 0, "model": 1, "killed": 0}
    assert after["cases"]["dice"]["n"] == 3
    assert after["cases"]["dice"]["mean"] < before["cases"]["dice"]["mean"] * 0.75
    assert after["cases"]["hd95_mm"]["n_infinite"] == 1
    assert "the network has a hole" in page
