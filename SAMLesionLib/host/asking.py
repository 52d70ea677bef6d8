"""A lesion's mask on its way: asked for, shown piece by piece, remembered when it is whole."""

from __future__ import annotations

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
        self._is_begun: dict[str, bool] = {}  # for each lesion whether a piece was shown

    def is_on_its_way(self, lesion_id: str) -> bool:
        """Whether the lesion's mask is."""
        return lesion_id in self._is_begun

    @property
    def lesion_ids(self) -> tuple[str, ...]:
        """The lesions whose masks are on their way."""
        return tuple(self._is_begun)

    def ask(self, lesion: Lesion, parameters: Parameters) -> None:
        """Ask for a lesion's mask, instead of what was asked about it before."""
        self.stop(lesion.lesion_id)
        try:
            stream = self._requests.mask_of(lesion.prompts, parameters)
        except SAMLesionError as error:  # the volume was changed into something that is no scan
            self._fail(lesion, error)
            return
        self._is_begun[lesion.lesion_id] = False
        self._prefetch.cancel()
        self._dispatch.start(
            Job(
                key=lesion.lesion_id,
                stream=stream,
                on_item=lambda item: self._take(lesion, item),
                on_end=lambda: self._end(lesion),
                on_error=lambda error: self._fail(lesion, error),
            )
        )

    def stop(self, lesion_id: str) -> None:
        """Forget what was asked about a lesion; what came half is taken back."""
        self._dispatch.cancel(lesion_id)
        if self._is_begun.pop(lesion_id, False):
            self._shown.put_back(lesion_id)

    def _take(self, lesion: Lesion, item: Stage | MaskUpdate) -> None:
        if not isinstance(item, MaskUpdate):
            self.progressed.emit(WorkProgressed(lesion.lesion_id, "edit", item, 0.0))
            return
        self._is_begun[lesion.lesion_id] = True
        self._shown.preview(lesion.lesion_id, item.block, item.mask)
        self.progressed.emit(WorkProgressed(lesion.lesion_id, "edit", "segmenting", item.fraction))
        if item.report is not None:
            self._finish(lesion, item.report)

    def _finish(self, lesion: Lesion, report: RunReport) -> None:
        tags: dict[str, str | None] = dict(provenance_tags(report, lesion.prompts))
        del tags[STATUS_TAG]  # the reader's word, not ours
        mask = self._shown.settle(lesion.lesion_id)
        self._shown.set_tags(lesion.lesion_id, tags)
        del self._is_begun[lesion.lesion_id]
        written = self._shown.tags(lesion.lesion_id)
        self._results.keep(lesion.lesion_id, lesion.origin, Result(mask, written))
        self.mask_shown.emit(MaskShown(lesion.lesion_id, "edit", len(lesion.prompts), report))

    def _end(self, lesion: Lesion) -> None:
        if self.is_on_its_way(lesion.lesion_id):
            self._fail(lesion, EngineError("The engine ended its answer too early. Try again."))

    def _fail(self, lesion: Lesion, error: SAMLesionError) -> None:
        self.stop(lesion.lesion_id)
        self.failed.emit(WorkFailed(lesion.lesion_id, "edit", str(error)))
