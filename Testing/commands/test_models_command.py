"""`samlesion models` as a program reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from SAMLesionLib import cli
from SAMLesionLib.models import weights


def test_a_download_tells_its_progress_to_a_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def download(card: object, moved: Callable[[int, int], None]) -> Path:
        for held in range(0, 100_001, 10):
            moved(held, 100_000)
        return Path("weights.pth")

    monkeypatch.setattr(weights, "download", download)
    assert cli.main(["models", "download", "lite-medsam", "--json"]) == 0
    *progress, last = capsys.readouterr().out.splitlines()
    done = [json.loads(line)["done_bytes"] for line in progress]
    assert len(done) == 101
    assert (done[0], done[-1]) == (0, 100_000)
    assert last == "lite-medsam: weights.pth (Apache-2.0)"


def test_info_tells_what_a_model_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "info", "tags", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["prompts"] == ["organ", "organ-mask", "point"]
    assert told["takes_negative"] is False
