"""Work that a crash of Slicer left behind, offered in the notice of the panel."""

from __future__ import annotations

from collections.abc import Callable

from slicer.i18n import tr as _

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.host.recovery import Recovery
from SAMLesionLib.host.session import Session
from SAMLesionQt.background import Background
from SAMLesionQt.desk import Desk
from SAMLesionQt.notice import Notice


class RecoveryOffer:
    """Looks for journals of crashed sessions in a thread: they can hold hundreds of masks.

    Args:
        desk: the session.
        notice: where it is offered.
        onRestored: called when the work is back.
    """

    def __init__(self, desk: Desk, notice: Notice, onRestored: Callable[[], None]) -> None:
        self._desk, self._notice, self._onRestored = desk, notice, onRestored
        self._background = Background("recovery")

    def look(self, session: Session) -> None:
        """Offer what is found for a session's scan, the newest of it."""

        def found(recoveries: tuple[Recovery, ...]) -> None:
            if recoveries and self._desk.session is session:
                self._notice.show(
                    _("Slicer ended unexpectedly. Lesions of this scan can be brought back."),
                    _("Restore"),
                    lambda: self._restore(session, recoveries[0]),
                )

        self._background.ask("recoveries", session.recovery_question(), found, self._onFailure)

    def pump(self) -> None:
        """Hand over what was found; the panel's timer calls this."""
        self._background.pump()

    def close(self) -> None:
        """Stop looking."""
        self._background.close()

    def _restore(self, session: Session, recovery: Recovery) -> None:
        if self._desk.session is session:
            with self._desk.guarded():
                session.recover(recovery)
            self._onRestored()

    def _onFailure(self, error: SAMLesionError) -> None:
        self._desk.tell(str(error))
