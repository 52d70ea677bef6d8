"""A lesion's mask on its way: asked for, shown piece by piece, remembered when it is whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from SAMLesionLib.errors import EngineError, SAMLesionError
from SAMLesionLib.events import MaskShown, Signal, Stage, WorkFailed, WorkProgressed
from SAMLesionLib.host.dispatch import Dispatch, Job
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.prefetch import Prefetch
from SAMLesionLib.host.requests import Requests
from SAMLesionLib.host.results import Result, Results
from SAMLesionLib.host.shown import ShownLesions
from SAMLesionLib.lesions import Lesion
from SAMLesionLib.masks import MaskUpdate, RunReport
from SAMLesionLib.provenance import STATUS_TAG, provenance_tags


@dataclass(eq=False)
class _Answer:
    """A mask that is coming.

    Attributes:
        lesion: as it was when it was asked about.
        pieces: what has come and was not shown yet.
        is_begun: whether a piece was shown.
    """

    lesion: Lesion
    pieces: list[MaskUpdate] = field(default_factory=list)
    is_begun: bool = False


class Asking:
    """The masks that are on their way, one at most for a lesion.

    Attributes:
        failed: emits `WorkFailed` when no mask comes.
        progressed: emits `WorkProgressed` while one comes.
        mask_shown: emits `MaskShown` when one is whole.
    """

    def __init__(
        self,
        requests: Requests,
        shown: ShownLesions,
        results: Results,
        dispatch: Dispatch,
        prefetch: Prefetch,
    ) -> None:
        self.failed: Signal[WorkFailed] = Signal()
        self.progressed: Signal[WorkProgressed] = Signal()
        self.mask_shown: Signal[MaskShown] = Signal()
        self._requests, self._shown, self._results = requests, shown, results
        self._dispatch, self._prefetch = dispatch, prefetch
        self._coming: dict[str, _Answer] = {}

    def is_on_its_way(self, lesion_id: str) -> bool:
        """Whether the lesion's mask is."""
        return lesion_id in self._coming

    @property
    def lesion_ids(self) -> tuple[str, ...]:
        """The lesions whose masks are on their way."""
        return tuple(self._coming)

    def ask(self, lesion: Lesion, parameters: Parameters) -> None:
        """Ask for a lesion's mask, instead of what was asked about it before."""
        self.stop(lesion.lesion_id)
        try:
            stream = self._requests.mask_of(lesion.prompts, parameters)
        except SAMLesionError as error:  # the volume was changed into something that is no scan
            self._fail(lesion, error)
            return
        answer = self._coming[lesion.lesion_id] = _Answer(lesion)
        self._prefetch.cancel()
        self._dispatch.start(
            Job(
                key=lesion.lesion_id,
                stream=stream,
                on_item=lambda item: self._take(answer, item),
                on_end=lambda: self._end(lesion),
                on_error=lambda error: self._fail(lesion, error),
            )
        )

    def stop(self, lesion_id: str) -> None:
        """Forget what was asked about a lesion; what came half is taken back."""
        self._dispatch.cancel(lesion_id)
        answer = self._coming.pop(lesion_id, None)
        if answer is not None and answer.is_begun:
            self._shown.put_back(lesion_id)

    def pump(self, budget_s: float | None = None) -> int:
        """Take over what has come, and show it: all that came of one mask since the last time at once."""
        count = self._dispatch.pump(budget_s)
        for answer in tuple(self._coming.values()):
            if answer.pieces:
                self._try_to_show(answer)
        return count

    def _take(self, answer: _Answer, item: Stage | MaskUpdate) -> None:
        if not isinstance(item, MaskUpdate):
            self.progressed.emit(WorkProgressed(answer.lesion.lesion_id, "edit", item, 0.0))
            return
        answer.pieces.append(item)
        if item.report is not None:
            self._finish(answer, item.report)

    def _try_to_show(self, answer: _Answer) -> None:
        try:
            self._show(answer)
        except SAMLesionError as error:  # its segment went, or was accepted in another table
            self._fail(answer.lesion, error)

    def _show(self, answer: _Answer) -> None:
        pieces, answer.pieces = answer.pieces, []
        answer.is_begun = True
        self._shown.preview(answer.lesion.lesion_id, [(piece.block, piece.mask) for piece in pieces])
        fraction = pieces[-1].fraction
        self.progressed.emit(WorkProgressed(answer.lesion.lesion_id, "edit", "segmenting", fraction))

    def _finish(self, answer: _Answer, report: RunReport) -> None:
        lesion, lesion_id = answer.lesion, answer.lesion.lesion_id
        tags: dict[str, str | None] = dict(provenance_tags(report, lesion.prompts))
        del tags[STATUS_TAG]  # the reader's word, not ours
        with self._shown.told_once():
            self._show(answer)
            mask = self._shown.settle(lesion_id)
            self._shown.set_tags(lesion_id, tags)
        del self._coming[lesion_id]
        written = self._shown.tags(lesion_id)
        self._results.keep(lesion_id, lesion.origin, Result(mask, written))
        self.mask_shown.emit(MaskShown(lesion_id, "edit", len(lesion.prompts), report))

    def _end(self, lesion: Lesion) -> None:
        if self.is_on_its_way(lesion.lesion_id):
            self._fail(lesion, EngineError("The engine ended its answer too early. Try again."))

    def _fail(self, lesion: Lesion, error: SAMLesionError) -> None:
        self.stop(lesion.lesion_id)
        self.failed.emit(WorkFailed(lesion.lesion_id, "edit", str(error)))
