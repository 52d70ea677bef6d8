"""CI lets a test be skipped for want of a GPU or of the Slicer application, and for nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / ".ci" / "check_skips.py"


def check(tmp_path: Path, body: str) -> subprocess.CompletedProcess[str]:
    tests = tmp_path / "test_some.py"
    tests.write_text(f"import pytest\n{body}\n")
    report = tmp_path / "report.xml"
    pytest_command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", str(tests)]
    subprocess.run([sys.executable, *pytest_command], cwd=tmp_path, capture_output=True, check=False)
    return subprocess.run([sys.executable, str(SCRIPT), str(report)], capture_output=True, text=True)


@pytest.mark.parametrize("reason", ["needs a GPU", "needs the Slicer application"])
def test_missing_hardware_and_the_application_are_fine(tmp_path: Path, reason: str) -> None:
    assert check(tmp_path, f"@pytest.mark.skip(reason={reason!r})\ndef test_x(): pass").returncode == 0


def test_any_other_skip_is_named(tmp_path: Path) -> None:
    said = check(tmp_path, "def test_x(): pytest.importorskip('no_such_package')")
    assert said.returncode == 1
    assert "test_x" in said.stdout


def test_a_file_that_is_skipped_whole_is_named(tmp_path: Path) -> None:
    said = check(tmp_path, "pytest.importorskip('no_such_package')\ndef test_x(): pass")
    assert said.returncode == 1
    assert "no_such_package" in said.stdout
