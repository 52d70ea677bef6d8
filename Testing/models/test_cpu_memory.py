from __future__ import annotations

import subprocess
import sys

import pytest

ASK = "from SAMLesionLib.models.cpu_memory import keep_freed_memory; print(keep_freed_memory())"


@pytest.mark.skipif(sys.platform != "linux", reason="the setting belongs to glibc")
def test_the_c_library_keeps_freed_memory_when_asked() -> None:
    answer = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "True"


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from SAMLesionLib.models import cpu_memory

    monkeypatch.setattr(cpu_memory.sys, "platform", "win32")
    assert cpu_memory.keep_freed_memory() is False
