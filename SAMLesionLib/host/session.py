"""One reader at one volume: everything a panel needs, made together and ended together.

The session ends by itself when the scene is closed, or when its volume or segmentation is removed. It
deletes no node and writes into none but its segmentation.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import vtk

from SAMLesionLib.events import Signal, WorkFailed
from SAMLesionLib.host.budget import Budget
from SAMLesionLib.host.controller import Controller
from SAMLesionLib.host.journal import Journal, fingerprint
from SAMLesionLib.host.kept_journals import discard_kept, keep, scene_folder
from SAMLesionLib.host.lesion_table import LesionTable
from SAMLesionLib.host.opening import open_segments
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.recovery import Recovery, find_recoveries
from SAMLesionLib.host.segments import LesionSegments
from SAMLesionLib.protocol import Segmenter


class Session:
    """A controller, its lesion list, and an eye on the scene.

    Attributes:
        controller: what the reader does.
        annotation: the lesions and their history.
        table: the lesion list.
        ended: emits a sentence for the reader when the session has ended by itself, an empty one where the
            scene was closed.
    """

    def __init__(
        self, segmenter: Segmenter, segments: LesionSegments, parameters: Parameters | None = None
    ) -> None:
        self.controller = Controller(segmenter, segments, parameters)
        self.annotation = self.controller.annotation
        self.table = LesionTable(self.controller)
        self.ended: Signal[str] = Signal()
        self._journal: Journal | None = None
        self._fingerprint = ""
        self._folders: tuple[Path, ...] = ()
        self._is_open = True
        self._scene = segments.node.GetScene()
        self._observations = [
            self._scene.AddObserver(self._scene.StartCloseEvent, lambda *_: self._scene_closes()),
            self._scene.AddObserver(self._scene.NodeAboutToBeRemovedEvent, _with_node(self._node_goes)),
        ]

    @classmethod
    def open(
        cls,
        segmenter: Segmenter,
        volume_node: Any,
        segmentation_node: Any = None,
        parameters: Parameters | None = None,
        journal_folder: str | Path | None = None,
    ) -> Session:
        """Begin to work on a volume, or go on with the lesions that its segmentation holds.

        Args:
            segmenter: what makes the masks.
            volume_node: a scalar volume in a scene.
            segmentation_node: where the lesions are; None takes the one of this volume that holds lesions,
                or makes one.
            parameters: what the reader chose.
            journal_folder: where the work is written down against a crash while the scene has no folder of
                its own; None for no journal.

        Raises:
            ImageError: the volume is no scalar volume, or under a transform that bends space.
            InputError: volume and segmentation lie under different transforms.
        """
        return cls.begin(segmenter, open_segments(volume_node, segmentation_node), parameters, journal_folder)

    @classmethod
    def begin(
        cls,
        segmenter: Segmenter,
        segments: LesionSegments,
        parameters: Parameters | None = None,
        journal_folder: str | Path | None = None,
    ) -> Session:
        """The same with segments that were opened before, see `opening.preparing`."""
        session = cls(segmenter, segments, parameters)
        if journal_folder is not None:
            session._keep_journal(Path(journal_folder))
        return session

    @property
    def is_open(self) -> bool:
        """Whether the session has not ended."""
        return self._is_open

    def pump(self, budget_s: float | None = None) -> None:
        """Show what has come since; the viewer's timer calls this in the thread of the scene.

        Args:
            budget_s: after so long the rest is left for the next call; None does all that is there.
        """
        if self._is_open:
            budget = Budget(budget_s)
            self.controller.pump(budget.left_s)
            self.table.pump(budget.left_s)
            self._write_down()

    def recoveries(self) -> tuple[Recovery, ...]:
        """Work on this volume that a crash left behind, newest first; none that is here already."""
        return self.recovery_question()()

    def recovery_question(self) -> Callable[[], tuple[Recovery, ...]]:
        """What `recoveries` asks, to be called in any thread: it takes as long as reading all masks."""
        here = {x.lesion: x.result.mask for x in self.controller.looks()}
        folders, own_fingerprint = self._folders, self._fingerprint

        def news() -> tuple[Recovery, ...]:
            found = [r for folder in folders for r in find_recoveries(folder, own_fingerprint)]
            new = [r for r in found if any(here.get(x.lesion) != x.result.mask for x in r.looks)]
            return tuple(sorted(new, key=lambda r: r.saved_at, reverse=True))

        return news

    def recover(self, recovery: Recovery) -> None:
        """Bring lesions back that `recoveries` found, as one step that undo takes back."""
        self.controller.restore(recovery.looks)
        self._write_down()
        if self._journal is not None and self._journal.flush():
            recovery.forget()

    def close(self) -> None:
        """Stop all work and listening; the scene keeps what was shown."""
        if not self._is_open:
            return
        self._is_open = False
        for observation in self._observations:
            self._scene.RemoveObserver(observation)
        self.controller.cancel()
        self._write_down()
        self.controller.close()
        self.table.close()
        if self._journal is not None:
            keep(self._journal, self._scene)

    def _keep_journal(self, folder: Path) -> None:
        volume_node = self.controller.segments.volume_node
        self._fingerprint = fingerprint(volume_node)
        beside = scene_folder(self._scene)
        self._folders = tuple(dict.fromkeys(f for f in (beside, folder) if f is not None))
        self._journal = Journal(self._folders[0], self._fingerprint)

    def _write_down(self) -> None:
        if self._journal is None:
            return
        self._journal.note(self.controller.looks())
        sentence = self._journal.failure()
        if sentence is not None:
            self.controller.failed.emit(WorkFailed("", "edit", sentence))

    def _node_goes(self, node: Any) -> None:
        segments = self.controller.segments
        for ours, sentence in (
            (segments.volume_node, "The image was removed, so its lesions cannot be worked on any more."),
            (segments.node, "The segmentation was removed, and its lesions with it."),
        ):
            if node is ours:
                self._end(sentence)

    def _scene_closes(self) -> None:
        self._end("")
        discard_kept(self._scene)

    def _end(self, sentence: str) -> None:
        if self._is_open:
            self.close()
            self.ended.emit(sentence)


def _with_node(listener: Any) -> Any:
    @vtk.calldata_type(vtk.VTK_OBJECT)
    def call(_scene: Any, _event: str, node: Any) -> None:
        listener(node)

    return call
