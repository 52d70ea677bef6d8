"""Opens a session for the chosen volume and closes it with the scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from SAMLesionLib import Segmenter
from SAMLesionLib.events import LesionEvent, WorkFailed, WorkProgressed
from SAMLesionLib.host.budget import Budget
from SAMLesionLib.host.opening import open_segments, preparing
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.segments import LesionSegments
from SAMLesionLib.host.session import Session
from SAMLesionQt.desk import Desk

READ_S = 0.01
"""How long one turn may read lesions."""


@dataclass
class _Opening:
    """A session that is about to begin.

    Attributes:
        segments: its segmentation and volume.
        steps: reads the lesions.
        parameters: the reader's choices.
    """

    segments: LesionSegments
    steps: Iterator[None]
    parameters: Parameters


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
        self._opening: _Opening | None = None

    @property
    def isOpening(self) -> bool:
        """Whether lesions are being read, and there will be a session."""
        return self._opening is not None

    @property
    def nodes(self) -> tuple[Any, Any]:
        """The volume and the segmentation of the session, None each without one."""
        session = self._desk.session
        if self._opening is not None:
            segments = self._opening.segments
        elif session is not None:
            segments = session.controller.segments
        else:
            return None, None
        return segments.volume_node, segments.node

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
            with self._desk.guarded():
                segments = open_segments(volumeNode, segmentationNode)
                self._opening = _Opening(segments, preparing(segments), parameters)
                self._advance()
        self._onChanged()

    def pump(self) -> None:
        """Go on reading the lesions of a segmentation; the panel's timer calls this."""
        if self._opening is None:
            return
        with self._desk.guarded():
            self._advance()
        if self._opening is None:
            self._onChanged()

    def close(self) -> None:
        """Close the session; the scene keeps what was shown."""
        self._forget()

    def _advance(self) -> None:
        """Read on for a while, and begin the session when all is read; what fails ends it."""
        opening, self._opening = self._opening, None
        assert opening is not None
        if opening.segments.node.GetScene() is None or opening.segments.volume_node.GetScene() is None:
            return  # removed meanwhile
        with opening.segments.told_once():
            isRead = Budget(READ_S).spend(opening.steps)
        if isRead:
            self._begin(opening)
        else:
            self._opening = opening

    def _begin(self, opening: _Opening) -> None:
        session = Session.begin(self._segmenter, opening.segments, opening.parameters, self._journalFolder)
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
        self._disconnects, self._opening = [], None
        session, self._desk.session = self._desk.session, None
        self._desk.choose(None)
        if session is not None:
            session.close()

    def _onEnded(self, sentence: str) -> None:
        self._forget()
        self._onChanged()
        if sentence:
            self._desk.tell(sentence)
