"""Slices around the one the reader sees are encoded while nothing else is to do.

It asks an ordinary question, a box over whole slices, and reads of the answer only that it comes. So any
`Segmenter` can be asked, and what it keeps of it is its own affair. The question also sends the volume and
loads the model before the first prompt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from itertools import islice

from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.dispatch import Dispatch, Job
from SAMLesionLib.host.parameters import Parameters
from SAMLesionLib.host.requests import Requests
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.prompts import BoxPrompt, PromptSet
from SAMLesionLib.volume import Volume

logger = logging.getLogger(__name__)

REACH = 2
"""How many slices on each side of the current one."""

_KEY = "prefetch"


class Prefetch:
    """Asks ahead, one question at a time; whoever has a real question cancels it."""

    def __init__(self, requests: Requests, dispatch: Dispatch) -> None:
        self._requests, self._dispatch = requests, dispatch
        self._where: tuple[int, int] | None = None
        self._asked: tuple[object, ...] | None = None
        self._is_off = False

    def look_at(self, axis: int, index: int) -> None:
        """Tell which slice the reader sees: the voxel axis across which it lies, and its index along it."""
        self._where = (axis, index)

    def cancel(self) -> None:
        """Stop after the slice at hand; it goes on from there when there is time again."""
        if self._dispatch.is_running(_KEY):
            self._dispatch.cancel(_KEY)
            self._asked = None

    def resume(self) -> None:
        """A mask came, so there is an engine again that can be asked ahead."""
        self._is_off = False

    def start(self, parameters: Parameters) -> None:
        """Ask ahead where the reader is now, unless that was done; call it while nothing is on its way."""
        if self._where is None or self._is_off or not parameters.prefetch:
            return
        try:
            volume = self._requests.volume
        except SAMLesionError:  # the volume was changed into something that is no scan
            return
        axis, index = self._where
        question = (index, parameters.model, parameters.window, volume)
        if axis == volume.affine.slice_axis and question != self._asked:
            self._asked = question
            self._ask(_slices_around(volume, index), parameters)

    def _ask(self, block: IndexBox, parameters: Parameters) -> None:
        stream = self._requests.mask_of(PromptSet((BoxPrompt(block),)), parameters)
        models, n_slices = self._requests.models, block.shape_ijk[self._requests.volume.affine.slice_axis]

        def only_if_it_helps() -> Iterator[None]:
            # A 3D model looks at a cube around the lesion, which is not known yet.
            model = next((m for m in models() if m.name == parameters.model), None)
            if model is not None and model.dimensions == 2 and BoxPrompt.kind in model.prompts:
                yield from _ticks(stream, n_slices)

        self._dispatch.start(
            Job(
                key=_KEY,
                stream=only_if_it_helps,
                on_item=lambda _: None,
                on_end=lambda: None,
                on_error=self._give_up,
            )
        )

    def _give_up(self, error: SAMLesionError) -> None:
        logger.info("nothing is encoded ahead: %s", error)
        self._is_off = True


def _ticks(stream: Callable[[], Iterator[object]], n_slices: int) -> Iterator[None]:
    """One item a slice, then the answer is closed: what is made of the slices together is not needed."""
    answer = stream()
    try:
        for _ in islice((item for item in answer if isinstance(item, MaskUpdate)), n_slices):
            yield None
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()


def _slices_around(volume: Volume, index: int) -> IndexBox:
    axis = volume.affine.slice_axis
    start, stop = [0, 0, 0], list(volume.shape_ijk)
    start[axis], stop[axis] = max(0, index - REACH), min(volume.shape_ijk[axis], index + REACH + 1)
    return IndexBox((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
