"""A Ray cluster on this computer gives the table that one process gives, also when a worker is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from run_cases import a_dataset, evaluate, without_times

from SAMLesionLib.evaluation.journal import TABLE
from SAMLesionLib.evaluation.rows import read_csv
from SAMLesionLib.evaluation.settings import EvaluationSettings

HERE = Path(__file__).resolve().parent
QUIET = {"RAY_AUTH_MODE": "disabled", "PYTHONPATH": os.pathsep.join((str(HERE), str(HERE.parent)))}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return a_dataset(tmp_path / "data")


def python(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, words)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, **QUIET},
        stdin=subprocess.DEVNULL,
    )


def test_two_workers_on_a_cluster_fill_the_same_table(dataset: Path, tmp_path: Path) -> None:
    words = ("-m", "SAMLesionLib.cli", "evaluate", dataset, "--model", "box-fill,otsu", "--reader", "box3d")
    said = python(*words, "--jitter", 2, "--ray", "local", "--workers", 2, "-o", tmp_path / "ray")
    assert said.returncode == 0, said.stderr
    said = python(*words, "--jitter", 2, "--workers", 1, "-o", tmp_path / "here")
    assert said.returncode == 0, said.stderr
    ray, here = ((tmp_path / name / TABLE).read_text() for name in ("ray", "here"))
    assert without_times(ray) == without_times(here)
    assert len(read_csv(tmp_path / "ray" / TABLE)) == 2 * (5 + 3)


def test_a_worker_that_is_killed_on_the_cluster_costs_its_case(dataset: Path, tmp_path: Path) -> None:
    said = python(HERE / "ray_run.py", dataset, tmp_path / "ray", "b")
    assert said.returncode == 0, said.stderr
    rows = read_csv(tmp_path / "ray" / TABLE)
    assert {row.case for row in rows if row.failure == "killed"} == {"b"}
    settings = EvaluationSettings(str(dataset), ("boxes", "clicks"), "cvpr25", clicks=2)
    evaluate(settings, tmp_path / "here")
    kept = [
        [line for line in without_times((tmp_path / name / TABLE).read_text()) if line[0] != "b"]
        for name in ("ray", "here")
    ]
    assert kept[0] == kept[1]


def test_an_address_where_no_cluster_answers_is_told_in_one_sentence(dataset: Path, tmp_path: Path) -> None:
    words = ("evaluate", dataset, "--model", "box-fill", "--ray", "nowhere", "-o", tmp_path / "run")
    said = python("-m", "SAMLesionLib.cli", *words)
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1, said.stderr
    assert "No Ray cluster answers at nowhere" in said.stderr
