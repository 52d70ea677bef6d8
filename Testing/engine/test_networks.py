"""OpenVINO answers the same warm and cold, and does without a cache of converted models."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from engine_cases import N_SLICES, TINY, VOLUME, an_engine_with, answer_of, load_tiny

from SAMLesionLib.engine import networks
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.prompts import BoxPrompt


def test_openvino_answers_the_same_warm_and_cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setattr(networks, "converted_folder", lambda: tmp_path)
    prepare = cache(networks.runnable)  # converting takes seconds
    loaded = load_tiny(TINY)
    engine, other = (an_engine_with(VOLUME, load=lambda card: loaded, prepare=prepare) for _ in range(2))
    cold, _ = answer_of(engine)
    answer_of(other, BoxPrompt(IndexBox((12, 6, 5), (25, 18, 12))))
    half_warm, report = answer_of(other)
    assert 0 < report.n_encoded < N_SLICES
    assert np.array_equal(half_warm, cold)
    assert any(tmp_path.iterdir())  # OpenVINO it was


def test_models_still_run_where_the_cache_of_converted_ones_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "converted"
    in_the_way.write_text("a file where the folder should be")
    monkeypatch.setattr(networks, "converted_folder", lambda: in_the_way)
    assert networks._usable_folder() is None
    assert f"Nothing can be written to {in_the_way}" in caplog.text
