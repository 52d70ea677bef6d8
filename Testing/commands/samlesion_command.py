"""Runs the real command as people do, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[2] / "SAMLesionLib" / "samples" / "pyradiomics_brain1"
IMAGE = SAMPLE / "image.nrrd"
BOXES = ("--box", "160,82,12,211,120,18", "--box", "177,123,11,208,156,13")


def samlesion(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """What the command said and its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "SAMLesionLib.cli", *map(str, words)],
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=300,
        env={**os.environ, **variables},
    )
