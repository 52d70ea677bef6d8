"""The first moments of the command, before anything of ours is loaded."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

import samlesion


class Stopped(ModuleType):
    """A package whose loading Ctrl-C ends."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_ctrl_c_while_packages_load_is_answered_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "SAMLesionLib", Stopped("SAMLesionLib"))

    assert samlesion.main() == 130
    assert capsys.readouterr() == ("", "samlesion: Stopped; nothing was written over.\n")


def test_the_command_is_the_command_line(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["samlesion", "--version"])

    with pytest.raises(SystemExit) as left:
        samlesion.main()
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("samlesion ")
