from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from SAMLesionLib.errors import OutputError
from SAMLesionLib.training.run_log import RunLog


class OneByOne:
    """A stream that keeps apart what each call wrote."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)

    def flush(self) -> None:
        pass


def test_a_line_is_written_with_its_end_so_that_nothing_comes_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = OneByOne()
    monkeypatch.setattr(sys, "stderr", stream)
    RunLog(tmp_path, n_steps=9).say("step 3/9  loss 1.1005")
    RunLog(tmp_path, n_steps=9, speaks=False).say("from another process")

    assert stream.written == ["step 3/9  loss 1.1005\n"]


def test_what_a_full_disk_cut_short_is_taken_away_when_the_run_goes_on(tmp_path: Path) -> None:
    table = tmp_path / "log.csv"
    table.write_bytes(b"step,loss\n2,0.5\n\xffjunk\n4,0.25\n5,0.2\n6,0")

    RunLog(tmp_path, n_steps=9).begin(5)
    assert table.read_text() == "step,loss\n2,0.5\n4,0.25\n5,0.2\n"
    RunLog(tmp_path, n_steps=9).begin(1)
    assert not table.exists()


def test_a_table_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "validation.csv").mkdir()
    with pytest.raises(OutputError, match=r"Cannot write .*validation.csv: "):
        RunLog(tmp_path, n_steps=9).judged(2, {"dice_last": 0.5})
