"""What a session ran on: versions, processor and GPU. No name of the machine, its user or its network."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from typing import Any

from SAMLesionLib.version import __version__

_ASK_GPU = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")


def machine_facts() -> dict[str, Any]:
    """Plain values; asking for the GPU takes up to some seconds."""
    return {
        "samlesion": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.processor() or platform.machine(),
        "n_cores": os.cpu_count() or 0,
        "gpu": gpu_names(),
    }


def gpu_names() -> list[str]:
    """The GPUs that NVIDIA's own tool tells of, with their drivers; none without that tool."""
    if shutil.which(_ASK_GPU[0]) is None:
        return []
    try:
        said = subprocess.run(_ASK_GPU, capture_output=True, text=True, timeout=5.0, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in said.stdout.splitlines() if line.strip()]
