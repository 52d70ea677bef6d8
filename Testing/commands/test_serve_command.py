"""`samlesion serve` with the real engine, started as 3D Slicer starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from samlesion_command import IMAGE, samlesion

from SAMLesionLib import BoxPrompt, IndexBox, PromptSet, SegmentRequest, Volume, collect
from SAMLesionLib.errors import Unauthorized, WeightsError
from SAMLesionLib.io import read_volume
from SAMLesionLib.transport import EngineClient, LaunchSettings, LocalEngine

PROMPTS = PromptSet((BoxPrompt(IndexBox((177, 123, 11), (208, 156, 13))),))


@pytest.fixture(scope="module")
def a_scan() -> Volume:
    return read_volume(IMAGE, "MR")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory):
    weights = tmp_path_factory.mktemp("weights")
    with LocalEngine(LaunchSettings(environment={"SAMLESION_WEIGHTS": str(weights)})) as engine:
        yield engine


def test_the_mask_is_that_of_the_engine_in_this_process(engine: LocalEngine, a_scan: Volume) -> None:
    from SAMLesionLib.engine import Engine

    here = Engine()
    there, report = collect(
        engine.segment(SegmentRequest(engine.load_volume(a_scan), "lite-medsam", PROMPTS)), a_scan.shape_ijk
    )
    mine, _ = collect(
        here.segment(SegmentRequest(here.load_volume(a_scan), "lite-medsam", PROMPTS)), a_scan.shape_ijk
    )
    assert report is not None
    assert report.model == "lite-medsam"
    assert there.sum() > 300
    assert (there == mine).all()


def test_missing_weights_cross_the_wire_as_the_same_sentence(engine: LocalEngine, a_scan: Volume) -> None:
    with pytest.raises(WeightsError, match="samlesion models download medsam-vit-b"):
        list(engine.segment(SegmentRequest(engine.load_volume(a_scan), "medsam-vit-b", PROMPTS)))


def test_the_token_of_a_file_is_asked_for_and_never_printed(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-known-to-two\n")
    command = [
        sys.executable,
        "-m",
        "SAMLesionLib.cli",
        "serve",
        "--watch-stdin",
        "--token-file",
        str(tmp_path / "token"),
    ]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ,
    ) as process:
        ready = json.loads(process.stdout.readline())
        assert ready["event"] == "ready"
        assert "token" not in ready
        assert EngineClient(ready["address"], "a-token-known-to-two").health().device
        with pytest.raises(Unauthorized):
            EngineClient(ready["address"], "another-token-of-mine").models()
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_a_token_too_short_is_refused_before_the_engine_loads(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short\n")
    for said in (
        samlesion("serve", SAMLESION_TOKEN="short"),
        samlesion("serve", "--token-file", tmp_path / "token"),
    ):
        assert (said.returncode, said.stdout) == (2, "")
        assert said.stderr.startswith("samlesion: A token needs at least 16")
        assert said.stderr.count("\n") == 1
