"""Journals of sessions that ended while their lesions are still only in the scene.

They stay until the scene is closed or the host ends as it should: both are the reader's own decision. When
the host crashes they stay on the disk, and the next session offers the work back.
"""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import Any

from SAMLesionLib.host.journal import Journal

_kept: dict[Journal, tuple[Any, int]] = {}


def keep(journal: Journal, scene: Any) -> None:
    """Keep a journal until its scene is closed or the process ends."""
    journal.finish()
    _kept[journal] = (scene, scene.AddObserver(scene.StartCloseEvent, lambda *_: _discard(journal)))


@atexit.register
def discard_kept(scene: Any = None) -> None:
    """Delete the journals that are kept, of one scene or all: the reader closes it, or the host ends."""
    for journal, (own, _) in tuple(_kept.items()):
        if scene in (None, own):
            _discard(journal)


def scene_folder(scene: Any) -> Path | None:
    """The folder of the file that a scene was loaded from or saved to; None when there is none."""
    url = scene.GetURL() or ""
    folder = Path(url).parent
    return folder if url and folder.is_dir() else None


def _discard(journal: Journal) -> None:
    scene, observation = _kept.pop(journal)
    scene.RemoveObserver(observation)
    journal.discard()
