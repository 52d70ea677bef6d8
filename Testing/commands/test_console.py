"""Every failure is one sentence and an exit code."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

import pytest

from SAMLesionLib.commands import console
from SAMLesionLib.errors import EngineUnavailable, OutOfMemory, PromptError


def failing(error: BaseException):
    def run(args: argparse.Namespace) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PromptError("Draw it on the image."), 2),
        (EngineUnavailable("No engine answers."), 1),
        (OutOfMemory("Crop it."), 1),
        (MemoryError(), 1),
        (KeyboardInterrupt(), 130),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), 1),
        (ZeroDivisionError("division by zero"), 1),
    ],
)
def test_a_failure_is_one_line_on_standard_error(error, code, capsys, monkeypatch) -> None:
    monkeypatch.delenv("SAMLESION_DEBUG", raising=False)
    assert console.guarded(failing(error), argparse.Namespace()) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("samlesion: ")
    assert said.err.count("\n") == 1


def test_a_missing_package_is_told_with_the_line_that_installs_it(capsys) -> None:
    console.guarded(failing(ModuleNotFoundError("no", name="torch")), argparse.Namespace())
    assert 'pip install "samlesion[engine]"' in capsys.readouterr().err


def test_a_missing_file_of_our_own_is_not_taken_for_a_missing_package(capsys) -> None:
    console.guarded(failing(ModuleNotFoundError("no", name="SAMLesionLib.gone")), argparse.Namespace())
    assert "should not" in capsys.readouterr().err


def test_the_traceback_is_there_when_asked_for(capsys, monkeypatch) -> None:
    monkeypatch.setenv("SAMLESION_DEBUG", "1")
    console.guarded(failing(ZeroDivisionError("division by zero")), argparse.Namespace())
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_result_that_cannot_be_printed_is_told_in_one_sentence() -> None:
    with open("/dev/full", "w") as full:
        said = subprocess.run(
            [sys.executable, "-m", "SAMLesionLib.cli", "models", "list", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    assert said.returncode == 2
    assert said.stderr.startswith("samlesion: The result cannot be printed")
    assert said.stderr.count("\n") == 1
