"""The host's own fixtures, for its own tests."""

from slicer_host.fixtures import a_slicer, a_user, screenshot

__all__ = ["a_slicer", "a_user", "screenshot"]
