"""Which slice the reader sees, told to the session, so that it is ready before it is needed."""

from __future__ import annotations

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.host.session import Session
from SAMLesionLib.host.slice_views import slice_of
from SAMLesionQt.drawing import sliceWidgets


def glance(session: Session) -> None:
    """Tell a session what the first slice view shows."""
    for widget in sliceWidgets()[:1]:
        try:
            where = slice_of(widget.mrmlSliceNode(), session.controller.segments.volume_node)
        except SAMLesionError:  # an oblique view shows no slice of the scan
            return
        session.controller.look_at(*where)
