"""What a run was made with: the machine and the versions that its numbers depend on."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib import metadata

from SAMLesionLib.version import __version__

PACKAGES = ("numpy", "scipy", "SimpleITK", "nibabel", "torch", "openvino", "scikit-image", "itk")


def environment() -> dict[str, str]:
    """Machine, time and versions, by names for people."""
    return {
        "finished": datetime.now(timezone.utc).isoformat(sep=" ", timespec="minutes"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "samlesion": __version__,
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {version}" for name in PACKAGES if (version := _version(name))),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
