"""The case of a reading in the scene: loaded for it, and taken out with all its results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from SAMLesionLib.errors import InputError
from SAMLesionLib.host.session import Session


class LoadedCase:
    """A scan that is in the scene for one reading.

    Args:
        path: its file or folder.
        name: the case's id.
        modality: CT, MR, PT or OT.

    Raises:
        InputError: when it cannot be loaded.
    """

    def __init__(self, path: Path, name: str, modality: str) -> None:
        with _told(_("The scan {path} cannot be loaded. Tell the study lead.").format(path=path)):
            self.volume = slicer.util.loadVolume(str(path), {"name": name, "show": True})
        self.volume.SetAttribute("DICOM.Modality", modality)

    def isOf(self, session: Session) -> bool:
        """Whether a session is about this scan."""
        return session.controller.segments.volume_node is self.volume

    def adopt(self, session: Session, path: Path) -> None:
        """Make lesions of the segments of a file.

        Raises:
            InputError: when it cannot be loaded.
        """
        with _told(_("The mask {path} cannot be loaded. Tell the study lead.").format(path=path)):
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


@contextmanager
def _told(sentence: str) -> Iterator[None]:
    """Slicer's own error in words for the reader."""
    try:
        yield
    except RuntimeError as refused:
        raise InputError(sentence) from refused
