"""What the recorder of a study is told of the reader's hands and eyes while a reading runs."""

from __future__ import annotations

import time
from collections.abc import Callable

import slicer

from SAMLesionLib.host.session import Session
from SAMLesionLib.host.strokes import StrokeWatch
from SAMLesionLib.host.watching import Watch
from SAMLesionLib.study.recorder import Recorder
from SAMLesionQt.view_interactors import viewInteractors

LOOK_S = 0.1
"""How often the views are looked at."""


class StudyWatching:
    """Watches one reading, from its start to `close`.

    Args:
        recorder: is told.
        session: has the lesions.
        hasFocus: whether the reader looks at this program.
    """

    def __init__(self, recorder: Recorder, session: Session, hasFocus: Callable[[], bool]) -> None:
        self._recorder, self._hasFocus = recorder, hasFocus
        self._hadFocus = True
        self._looked_s = time.monotonic()
        recorder.listen(session.annotation, session.controller.failed, session.controller.mask)
        self._watch = Watch(slicer.mrmlScene, recorder.note)
        self._strokes = StrokeWatch(session.controller.segments.node, viewInteractors, recorder.note)
        self.turn = self._strokes.turn

    def look(self) -> None:
        """Look at the views, and whether the reader is there; does nothing most of the times."""
        if time.monotonic() - self._looked_s < LOOK_S:
            return
        self._looked_s = time.monotonic()
        hasFocus = self._hasFocus()
        if hasFocus != self._hadFocus:
            self._recorder.note("focus_gained" if hasFocus else "focus_lost")
            self._hadFocus = hasFocus
        self._watch.look()
        self._strokes.look()
        self._recorder.tick()

    def close(self) -> None:
        """Watch no more."""
        self._strokes.close()
