"""Puts the module's folder on the path, as Slicer does."""

from __future__ import annotations

import sys
from pathlib import Path

MODULE_FOLDER = Path(__file__).resolve().parents[2] / "SAMLesion"
if str(MODULE_FOLDER) not in sys.path:
    sys.path.append(str(MODULE_FOLDER))
