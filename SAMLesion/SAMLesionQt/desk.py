"""What the parts of the panel share: the session, the chosen lesion, and the way to tell the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from SAMLesionLib import ModelInfo
from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.events import Signal
from SAMLesionLib.host.session import Session
from SAMLesionLib.lesions import Lesion


class Desk:
    """One reader at work.

    Attributes:
        session: the open session, None without a volume.
        model: the chosen model, None while it is not known.
        lesionChosen: emits the id of the lesion that is now chosen, None for none.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.session: Session | None = None
        self.model: ModelInfo | None = None
        self.lesionChosen: Signal[str | None] = Signal()
        self._lesionId: str | None = None
        self._tell = tell

    @property
    def lesionId(self) -> str | None:
        """The chosen lesion, None when the next prompt begins a new one."""
        return self._lesionId

    @property
    def lesion(self) -> Lesion | None:
        """The chosen lesion as it is now."""
        if self.session is None or self._lesionId is None:
            return None
        return self.session.annotation.snapshot.find(self._lesionId)

    def choose(self, lesionId: str | None) -> None:
        """Choose a lesion, or none."""
        if lesionId != self._lesionId:
            self._lesionId = lesionId
            self.lesionChosen.emit(lesionId)

    @contextmanager
    def drawing(self, session: Session) -> Iterator[str]:
        """Give the lesion that a new prompt belongs to; without one that is open, a new lesion begins.

        A refused prompt is told, and a lesion that was begun for it is gone again.
        """
        lesion, before = self.lesion, self._lesionId
        isNew = lesion is None or lesion.is_accepted
        lesionId = session.controller.add_lesion() if isNew or lesion is None else lesion.lesion_id
        try:
            yield lesionId
            self.choose(lesionId)
        except SAMLesionError as refused:
            if isNew:
                session.controller.undo()
                self.choose(before)
            self.tell(str(refused))

    def tell(self, sentence: str) -> None:
        """Show a sentence in the status line."""
        self._tell(sentence)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Tell the reader when something is refused, and carry on."""
        try:
            yield
        except SAMLesionError as refused:
            self.tell(str(refused))
