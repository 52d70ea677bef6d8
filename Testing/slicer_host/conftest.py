"""The host's own fixtures, for its own tests."""

from slicer_host.fixtures import a_slicer, a_user, expects_vtk_errors, screenshot

__all__ = ["a_slicer", "a_user", "expects_vtk_errors", "screenshot"]
