"""The case of a reading in the scene: loaded for it, and taken out with all its results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer

from SAMLesionLib.host.session import Session


class LoadedCase:
    """A scan that is in the scene for one reading.

    Args:
        path: its file or folder.
        name: the case's id.
        modality: CT, MR, PT or OT.
    """

    def __init__(self, path: Path, name: str, modality: str) -> None:
        self.volume = slicer.util.loadVolume(str(path), {"name": name, "show": True})
        self.volume.SetAttribute("DICOM.Modality", modality)

    def isOf(self, session: Session) -> bool:
        """Whether a session is about this scan."""
        return session.controller.segments.volume_node is self.volume

    def adopt(self, session: Session, path: Path) -> None:
        """Make lesions of the segments of a file."""
        saved = slicer.util.loadSegmentation(str(path))
        target = session.controller.segments.node.GetSegmentation()
        for segmentId in saved.GetSegmentation().GetSegmentIDs():
            target.CopySegmentFromSegmentation(saved.GetSegmentation(), segmentId)
            session.controller.adopt(target.GetNthSegmentID(target.GetNumberOfSegments() - 1))
        slicer.mrmlScene.RemoveNode(saved)

    def putAway(self, session: Session | None, chooseVolume: Callable[[Any], None]) -> None:
        """Take scan and lesions out of the scene: nobody shall see earlier results."""
        nodes = [self.volume]
        if session is not None and self.isOf(session):
            nodes.append(session.controller.segments.node)
        chooseVolume(None)
        for node in nodes:
            if node.GetScene() is not None:
                slicer.mrmlScene.RemoveNode(node)
