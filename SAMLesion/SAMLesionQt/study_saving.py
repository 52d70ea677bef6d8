"""What there is of a reading, kept on the disk against a crash or for another day."""

from __future__ import annotations

import time
from typing import Any

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.host.exports import lesion_segments
from SAMLesionLib.study.reading_session import ReadingSession
from SAMLesionQt.background import Background
from SAMLesionQt.desk import Desk

AUTOSAVE_S = 60.0


class StudySaving:
    """Saves the lesions of the reading at hand.

    Args:
        desk: the session.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._background = Background("study")
        self.savedAt_s = time.monotonic()

    def tick(self, study: ReadingSession) -> None:
        """Save once a minute, in a thread: lesions of many voxels take longer than a reader should wait."""
        self._background.pump()
        session = self._desk.session
        if time.monotonic() - self.savedAt_s < AUTOSAVE_S or session is None:
            return
        self.savedAt_s = time.monotonic()
        if session.annotation.snapshot.lesions:
            with self._desk.guarded():
                unpack = lesion_segments(session.controller)
                save = study.autosaving(session.controller.volume)
                self._background.ask("autosave", lambda: save(unpack()), _nothing, self._onFailure)

    def now(self, study: ReadingSession) -> bool:
        """Whether all there is of the reading at hand is on the disk."""
        session = self._desk.session
        if study.task is None or session is None:
            return True
        try:
            segments = lesion_segments(session.controller)()
            if segments:
                study.autosave(segments, session.controller.volume)
        except SAMLesionError as refused:
            self._onFailure(refused)
            return False
        return True

    def forget(self) -> None:
        """Hand over nothing of what is being saved: the reading is over."""
        self._background.cancel()

    def close(self) -> None:
        """End the thread; a file that is being written is finished."""
        self._background.close()

    def _onFailure(self, error: SAMLesionError) -> None:
        self._desk.tell(str(error))


def _nothing(_answer: Any) -> None:
    pass
