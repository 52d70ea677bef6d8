"""What the README shows really works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from SAMLesionLib import cli
from SAMLesionLib.io import read_mask

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return [text for named, text in fenced if named == language]


def test_the_python_example_segments_the_tumour(tmp_path: Path) -> None:
    (example,) = blocks("python")
    sample = tmp_path / "SAMLesionLib" / "samples" / "pyradiomics_brain1"
    sample.mkdir(parents=True)
    shutil.copy(ROOT / sample.relative_to(tmp_path) / "image.nrrd", sample)
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-W", "error", "example.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert said.returncode == 0, said.stderr
    assert read_mask(tmp_path / "lesion.seg.nrrd").sum() > 1000


def test_the_python_example_is_five_lines_after_its_imports() -> None:
    (example,) = blocks("python")
    lines = [line for line in example.splitlines() if line and not line.startswith(("from", "#"))]
    assert len(lines) == 5


def test_every_command_shown_is_understood_by_the_parser() -> None:
    shown = [
        line.split()[1:]
        for block in blocks("")
        for line in block.splitlines()
        if line.startswith("samlesion ")
    ]
    assert len(shown) >= 6
    for words in shown:
        assert cli._parser().parse_args(cli._with_minus_signs(words)).run


def test_every_make_target_shown_is_there() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    shown = set(re.findall(r"make (demo|test|check|bench|lists|clean)\b", README))
    assert {"demo", "test", "clean"} <= shown <= set(targets)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
