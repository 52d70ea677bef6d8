"""Networks as the papers draw them, their registry and their weights."""

from __future__ import annotations

__all__: list[str] = []
