"""What a reader does becomes requests, and answers become segments: the main job, for any viewer.

A lesion of the annotation and its segment have the same id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.errors import InputError, PromptError
from SAMLesionLib.events import MaskShown, WorkFailed
from SAMLesionLib.host.asking import Asking
from SAMLesionLib.host.budget import Budget
from SAMLesionLib.host.dispatch import Dispatch
from SAMLesionLib.host.hand_edits import HandEdits
from SAMLesionLib.host.looks import Look
from SAMLesionLib.host.markups import prompts_from_markup
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.prefetch import Prefetch
from SAMLesionLib.host.requests import Requests
from SAMLesionLib.host.reshaping import Reshaping
from SAMLesionLib.host.restoring import Restoring, lesions_of_the_scene
from SAMLesionLib.host.results import Results
from SAMLesionLib.host.segments import LesionSegments
from SAMLesionLib.host.showing import Showing
from SAMLesionLib.host.shown import ShownLesions
from SAMLesionLib.lesions import Lesion, Snapshot
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import OrganMaskPrompt
from SAMLesionLib.protocol import Segmenter
from SAMLesionLib.volume import Volume


class Controller:
    """One reader, one volume, one segmentation.

    Attributes:
        annotation: the lesions and their history; may also be changed directly, `pump` then catches up.
        segments: where the masks go.
        parameters: read when a request is made.
        failed: emits `WorkFailed` when no mask comes or something is put back; direct calls raise instead.
        progressed: emits `WorkProgressed` while a mask comes.
        merge: makes one lesion of several, see `Reshaping.merge`.
        split: makes a lesion of each connected part, see `Reshaping.split`.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        segments: LesionSegments,
        parameters: Parameters | None = None,
        dispatch: Dispatch | None = None,
    ) -> None:
        self.segments = segments
        self.parameters = parameters or Parameters()
        self._shown, self._results = ShownLesions(segments), Results()
        self.annotation = Annotation(Snapshot(tuple(lesions_of_the_scene(self._shown, self._results))))
        self._dispatch = dispatch or Dispatch()
        self._requests = Requests(segmenter, segments.volume_node)
        self._prefetch = Prefetch(self._requests, self._dispatch)
        self._asking = Asking(self._requests, self._shown, self._results, self._dispatch, self._prefetch)
        self.failed, self.progressed = self._asking.failed, self._asking.progressed
        self._asking.mask_shown.connect(self._mask_came)
        self._showing = Showing(
            self.annotation, self._shown, self._results, self._asking, lambda: self.parameters
        )
        self._hand_edits = HandEdits(self.annotation, self._shown, self._refuse)
        reshaping = Reshaping(self.annotation, self._shown, self._catch_up)
        self.merge, self.split = reshaping.merge, reshaping.split
        self._restoring = Restoring(self.annotation, self._shown, self._results)

    @property
    def volume(self) -> Volume:
        """The scan as it is now; the same object until its voxels or its place change.

        Raises:
            ImageError: the node is no scan any more.
        """
        return self._requests.volume

    @property
    def is_busy(self) -> bool:
        """Whether a mask is on its way, or about to be asked for."""
        return bool(self._asking.lesion_ids) or self._showing.is_behind

    def is_busy_with(self, lesion_id: str) -> bool:
        """Whether this lesion's mask is on its way."""
        return self._asking.is_on_its_way(lesion_id)

    def is_outdated(self, lesion_id: str) -> bool:
        """Whether the mask shown is not the answer to the lesion's prompts."""
        result = self._results.find(self.annotation.lesion(lesion_id))
        return result is None or not result.is_answer

    def mask(self, lesion_id: str) -> PackedMask:
        """A lesion's whole mask; while an answer comes in, the one before it."""
        return self._shown.mask(lesion_id)

    def colour(self, lesion_id: str) -> tuple[float, float, float]:
        """A lesion's colour: red, green and blue, each 0 to 1."""
        r, g, b = self._shown.segment(lesion_id).GetColor()
        return r, g, b

    def add_lesion(self, name: str | None = None) -> str:
        """Begin a lesion with an empty segment; returns the id of both."""
        new_id = self.annotation.new_id(self.segments.segment_ids)
        segment_id = self.segments.add(new_id, name or new_id.replace("_", " ").capitalize())
        return self.annotation.add_lesion(segment_id, self.segments.segment(segment_id).GetName()).lesion_id

    def adopt(self, segment_id: str) -> str:
        """Make a lesion of a segment that is none, its mask as the reader's own; returns the id of both.

        Raises:
            InputError: there is no such segment, or it is or was a lesion.
        """
        name = self.segments.segment(segment_id).GetName()
        return self.annotation.add_lesion(segment_id, name, self.segments.packed(segment_id)).lesion_id

    def add_markup(self, node: Any, lesion_id: str) -> Lesion:
        """Give a markup the reader has just drawn to a lesion and ask for its mask.

        Raises:
            PromptError: the markup is unfinished, off the image, or no prompt.
            ImageError: the volume cannot be segmented.
            InputError: the lesion is accepted or gone.
        """
        prompts = prompts_from_markup(node, self.segments.volume_node)
        lesion = self.annotation.add_prompt(lesion_id, *prompts)
        self._catch_up()
        return lesion

    def start_from(self, lesion_id: str, segment_id: str) -> Lesion:
        """Give another segment's mask to a lesion as a prompt.

        Raises:
            PromptError: that segment is empty.
            InputError: the segment or the lesion is gone, or the lesion is accepted.
        """
        return self.annotation.add_prompt(lesion_id, self.segments.packed(segment_id).as_prompt())

    def give_organ(self, lesion_id: str, segment_id: str) -> Lesion:
        """Tell that a lesion lies in the organ that another segment shows; raises as `start_from` does."""
        mask = self.segments.packed(segment_id)
        organ = OrganMaskPrompt(mask.box, mask.unpack())
        return self.annotation.put_prompt(lesion_id, OrganMaskPrompt, organ)

    def accept(self, lesion_id: str) -> Lesion:
        """Declare a lesion finished.

        Raises:
            InputError: its mask is on its way, it is accepted already, or gone.
            PromptError: it has no voxel.
        """
        self._catch_up()
        lesion = self.annotation.lesion(lesion_id)
        if self.is_busy_with(lesion_id):
            raise InputError(f"The mask of {lesion.name} is on its way. Wait for it, or cancel it.")
        if self._shown.mask(lesion_id).is_empty:
            raise PromptError(f"{lesion.name} has no voxel, so there is nothing to accept. Draw a box.")
        lesion = self.annotation.accept(lesion_id)
        self._catch_up()
        return lesion

    def looks(self) -> tuple[Look, ...]:
        """All lesions with their masks, for a journal; what did not change is the same object again."""
        return self._restoring.looks()

    def restore(self, looks: Sequence[Look]) -> None:
        """Bring lesions of another session back, as one step that undo takes back.

        They take the place of those of their ids; where that one is accepted they come as new lesions.
        """
        self._catch_up()
        ours = self._restoring.begin(looks)
        self._catch_up()
        self._restoring.finish(ours)

    def run(self, lesion_id: str | None = None) -> None:
        """Ask for the masks that do not answer their prompts: of one lesion, or of all."""
        self._catch_up()
        for lesion in self._drafts(lesion_id):
            if not lesion.is_accepted and self.is_outdated(lesion.lesion_id):
                self._asking.ask(lesion, self.parameters)

    def run_again(self, lesion_id: str | None = None) -> None:
        """Ask for a mask anew, with another model for instance; by default for each that is not accepted."""
        self.annotation.run_again([x.lesion_id for x in self._drafts(lesion_id) if x.prompts_to_ask()])
        self._catch_up()

    def look_at(self, axis: int, index: int) -> None:
        """Tell which slice the reader sees, so that its surroundings are encoded while nothing else is to do.

        Args:
            axis: the voxel axis (0, 1, 2 for i, j, k) across which the slice lies.
            index: its index along it.
        """
        self._prefetch.look_at(axis, index)

    def undo(self) -> bool:
        """Take the last action back, its mask with it; False when there is none."""
        has_moved = self.annotation.undo()
        self._catch_up()
        return has_moved

    def redo(self) -> bool:
        """Do it again; False when there is nothing."""
        has_moved = self.annotation.redo()
        self._catch_up()
        return has_moved

    def cancel(self, lesion_id: str | None = None) -> None:
        """Stop the work on a lesion, or all work, at once; what came half is taken back."""
        for busy in self._asking.lesion_ids:
            if lesion_id in (None, busy):
                self._asking.stop(busy)

    def pump(self, budget_s: float | None = None) -> int:
        """Show what has come since; the viewer's timer calls this in the thread of the scene.

        Args:
            budget_s: after so long the rest is left for the next call; None does all that is there.
        """
        budget = Budget(budget_s)
        if not self._hand_edits.notice(has_time=budget_s is not None):
            return 0  # an answer must not be written over what the reader has just painted
        self._showing.catch_up(budget)
        if not self.is_busy:
            self._prefetch.start(self.parameters)
        return self._asking.pump(budget.left_s)

    def close(self) -> None:
        """Stop all work and listening; the scene keeps what was shown."""
        self.cancel()
        self._hand_edits.close()
        self._showing.close()
        self._shown.close()
        self._dispatch.close()

    def _catch_up(self) -> None:
        self._hand_edits.notice()
        self._showing.catch_up()

    def _drafts(self, lesion_id: str | None) -> list[Lesion]:
        if lesion_id is not None:
            return [self.annotation.lesion(lesion_id)]
        return [x for x in self.annotation.snapshot.lesions if not x.is_accepted]

    def _mask_came(self, event: MaskShown) -> None:
        self._prefetch.resume()
        self.annotation.changed.emit(event)

    def _refuse(self, lesion_id: str, sentence: str) -> None:
        self.failed.emit(WorkFailed(lesion_id, "edit", sentence))
