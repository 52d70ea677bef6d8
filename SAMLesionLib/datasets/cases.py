"""Cases in memory: a scan and the lesions that an expert has drawn in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.prompts import MaskPrompt
from SAMLesionLib.volume import Volume


@dataclass(frozen=True, eq=False)
class Lesion:
    """One lesion as the expert drew it.

    Attributes:
        number: its number in the case's label map; stays the same when other lesions are dropped.
        name: the number as text.
        box: the tight block around it.
        mask: (k, j, i) booleans that fill the box.
        volume_ml: its volume in millilitres.
    """

    number: int
    name: str
    box: IndexBox
    mask: npt.NDArray[np.bool_]
    volume_ml: float

    def paste(self, target_kji: npt.NDArray[np.bool_]) -> None:
        """Add the lesion to a whole-volume mask, in place."""
        target_kji[self.box.slices_kji()] |= self.mask

    def whole(self, volume: Volume) -> npt.NDArray[np.bool_]:
        """The lesion as a (k, j, i) mask of the whole volume."""
        return _pasted([self], volume)


@dataclass(frozen=True, eq=False)
class Case:
    """One scan and its lesions.

    Attributes:
        name: unique within the data set.
        volume: the scan.
        lesions: those that count, by number.
        organ: the organ they lie in, with the lesions; None where the data set does not say.
        word: the organ's name, for models that read text; None where the data set does not say.
    """

    name: str
    volume: Volume
    lesions: tuple[Lesion, ...]
    organ: MaskPrompt | None = None
    word: str | None = None

    @cached_property
    def reference(self) -> npt.NDArray[np.bool_]:
        """All lesions that count as one (k, j, i) mask of the whole volume."""
        return _pasted(self.lesions, self.volume)


def _pasted(lesions: Iterable[Lesion], volume: Volume) -> npt.NDArray[np.bool_]:
    mask = np.zeros(volume.voxels.shape, bool)
    for lesion in lesions:
        lesion.paste(mask)
    return mask
