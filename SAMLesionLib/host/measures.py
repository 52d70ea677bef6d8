"""What can be measured on lesions, found in a thread of its own and kept until the mask changes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from SAMLesionLib.geometry import Affine
from SAMLesionLib.host.dispatch import Dispatch, Job
from SAMLesionLib.metrics import axial_diameter
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.volume import Volume

logger = logging.getLogger(__name__)

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Measures:
    """What can be measured on a mask; all None when it is empty.

    Attributes:
        volume_ml: its volume.
        long_mm: the longest diameter in an axial slice.
        short_mm: the longest one square to it there.
        mean_intensity: mean grey value.
        centre_ras: the middle of the longest diameter.
    """

    volume_ml: float | None = None
    long_mm: float | None = None
    short_mm: float | None = None
    mean_intensity: float | None = None
    centre_ras: Point | None = None


class Measuring:
    """The measures of lesions, by their ids."""

    def __init__(self) -> None:
        self._dispatch = Dispatch("SAMLesion measures")
        self._known: dict[str, _Measured] = {}
        self._asked: dict[str, _Question] = {}

    @property
    def is_busy(self) -> bool:
        """Whether something is being measured."""
        return self._dispatch.is_busy

    def pump(self, budget_s: float | None = None) -> None:
        """Take over what was measured meanwhile, for at most about so long."""
        self._dispatch.pump(budget_s)

    def close(self) -> None:
        """End the thread without waiting for it."""
        self._dispatch.close()

    def look(self, lesion_id: str, mask: PackedMask, volume: Volume | None) -> tuple[Measures, bool]:
        """The newest measures of a lesion, and whether they are those of this mask; if not, they will be.

        Args:
            lesion_id: which lesion.
            mask: its whole mask.
            volume: the scan; None when there is none, and so nothing to measure.
        """
        question, known = (mask, volume), self._known.get(lesion_id)
        if mask.is_empty or volume is None:
            known = self._take(lesion_id, question, Measures())
        if known is not None and known.question == question:
            return known.measures, True
        if self._asked.get(lesion_id) != question:
            self._asked[lesion_id] = question
            self._start(lesion_id, question)
        return (known.measures if known is not None else Measures()), False

    def _start(self, lesion_id: str, question: _Question) -> None:
        mask, volume = question
        assert volume is not None

        def stream() -> Iterator[Measures]:
            yield measure(mask, volume)

        def take(measures: Measures) -> None:
            self._take(lesion_id, question, measures)

        self._dispatch.start(
            Job(
                key=lesion_id,
                stream=stream,
                on_item=take,
                on_end=lambda: None,
                on_error=lambda error: logger.error("%s could not be measured: %s", lesion_id, error),
            )
        )

    def _take(self, lesion_id: str, question: _Question, measures: Measures) -> _Measured:
        self._dispatch.cancel(lesion_id)
        self._asked.pop(lesion_id, None)
        self._known[lesion_id] = _Measured(question, measures)
        return self._known[lesion_id]


_Question = tuple[PackedMask, Volume | None]


@dataclass(frozen=True)
class _Measured:
    question: _Question
    measures: Measures


def measure(mask: PackedMask, volume: Volume) -> Measures:
    """Measure a mask on the scan it was made on."""
    if mask.is_empty:
        return Measures()
    inside, affine = mask.unpack(), volume.affine
    found = axial_diameter(inside, affine, axial_axis(affine))
    assert found is not None
    centre_ijk = np.mean(found.long_ends_ijk, axis=0) + mask.box.start_ijk
    r, a, s = affine.to_ras(centre_ijk)[0].tolist()
    return Measures(
        volume_ml=float(inside.sum()) * affine.voxel_ml,
        long_mm=found.long_mm,
        short_mm=found.short_mm,
        mean_intensity=float(volume.voxels[mask.box.slices_kji()][inside].mean(dtype=np.float64)),
        centre_ras=(r, a, s),
    )


def axial_axis(affine: Affine) -> int:
    """The voxel axis (0, 1, 2 for i, j, k) that runs from foot to head, or nearest to it."""
    return int(np.argmax(np.abs(affine.ijk_to_ras[2, :3]) / affine.spacing_mm))
