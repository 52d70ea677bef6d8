"""Opens a session for the chosen volume and closes it with the scene."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from SAMLesionLib import Segmenter
from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.events import LesionEvent, WorkFailed, WorkProgressed
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.session import Session
from SAMLesionQt.desk import Desk


class SessionKeeper:
    """Keeps one session open.

    Args:
        desk: where the session is shown.
        segmenter: what makes the masks.
        journalFolder: where journals are kept.
        onChanged: called when there is another session, or none.
        onEvent: called after each change of a lesion.
        onProgress: receives how far a mask is.
        onFailed: receives why no mask came.
    """

    def __init__(
        self,
        desk: Desk,
        segmenter: Segmenter,
        journalFolder: Path,
        onChanged: Callable[[], None],
        onEvent: Callable[[LesionEvent], None],
        onProgress: Callable[[WorkProgressed], None],
        onFailed: Callable[[WorkFailed], None],
    ) -> None:
        self._desk, self._segmenter, self._journalFolder = desk, segmenter, journalFolder
        self._onChanged, self._onEvent = onChanged, onEvent
        self._onProgress, self._onFailed = onProgress, onFailed
        self._disconnects: list[Callable[[], None]] = []

    @property
    def nodes(self) -> tuple[Any, Any]:
        """The volume and the segmentation of the session, None each without one."""
        session = self._desk.session
        if session is None:
            return None, None
        return session.controller.segments.volume_node, session.controller.segments.node

    def open(self, volumeNode: Any, segmentationNode: Any, parameters: Parameters) -> None:
        """Have the session of these nodes; the one that is open stays if it is theirs.

        Args:
            volumeNode: the scan, None for no session.
            segmentationNode: None for the one of the scan.
            parameters: the reader's choices.
        """
        openVolume, openSegmentation = self.nodes
        isSameLesions = volumeNode is None or segmentationNode in (None, openSegmentation)
        if volumeNode is openVolume and isSameLesions:
            return
        if volumeNode is not openVolume and segmentationNode is openSegmentation:
            segmentationNode = None  # the lesions of the scan that was read before
        self._forget()
        if volumeNode is not None:
            try:
                self._begin(volumeNode, segmentationNode, parameters)
            except SAMLesionError as refused:
                self._desk.tell(str(refused))
        self._onChanged()

    def close(self) -> None:
        """Close the session; the scene keeps what was shown."""
        self._forget()

    def _begin(self, volumeNode: Any, segmentationNode: Any, parameters: Parameters) -> None:
        session = Session.open(
            self._segmenter,
            volumeNode,
            segmentationNode,
            parameters=parameters,
            journal_folder=self._journalFolder,
        )
        self._desk.session = session
        self._disconnects = [
            session.annotation.changed.connect(self._onEvent),
            session.controller.progressed.connect(self._onProgress),
            session.controller.failed.connect(self._onFailed),
            session.ended.connect(self._onEnded),
        ]

    def _forget(self) -> None:
        for disconnect in self._disconnects:
            disconnect()
        self._disconnects = []
        session, self._desk.session = self._desk.session, None
        self._desk.choose(None)
        if session is not None:
            session.close()

    def _onEnded(self, sentence: str) -> None:
        self._forget()
        self._onChanged()
        if sentence:
            self._desk.tell(sentence)
