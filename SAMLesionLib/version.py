"""The one place that states the version."""

__version__ = "0.1.0"

PROTOCOL_VERSION = 1
"""Raised when an old client and a new engine would misunderstand each other."""
