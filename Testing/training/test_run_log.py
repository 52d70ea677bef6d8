from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

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
