"""The first moments of the command, before anything of ours is loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import samlesion

STOPPED_WHILE_LOADING = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    raise ImportError("numpy says this of an import that Ctrl-C ended") from None
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_ctrl_c_while_packages_load_is_answered_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "SAMLesionLib").mkdir()
    (tmp_path / "SAMLesionLib" / "__init__.py").write_text(STOPPED_WHILE_LOADING)
    (tmp_path / "samlesion.py").write_text(Path(samlesion.__file__).read_text())

    said = subprocess.run([sys.executable, tmp_path / "samlesion.py"], capture_output=True, text=True)

    assert (said.returncode, said.stdout) == (130, "")
    assert said.stderr == "samlesion: Stopped; nothing was written over.\n"


def test_the_command_is_the_command_line_with_its_own_answer_to_ctrl_c(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["samlesion", "--version"])

    with pytest.raises(SystemExit) as left:
        samlesion.main()
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("samlesion ")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
