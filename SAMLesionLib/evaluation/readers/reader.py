"""The interface of a simulated reader: what it draws first, and how it corrects what came back."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from SAMLesionLib.datasets.cases import Case, Lesion
from SAMLesionLib.prompts import PromptSet


class Reader(Protocol):
    """Draws prompts on lesions it knows; the same generator state gives the same prompts."""

    @property
    def name(self) -> str:
        """The name by which `find_reader` gives this reader again."""

    @property
    def prompt_kinds(self) -> tuple[frozenset[str], ...]:
        """The kinds of prompt in the whole set, one entry a step; as many entries as there are steps."""

    def first(self, case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
        """What the reader draws before it has seen a mask."""

    def correct(
        self,
        case: Case,
        lesion: Lesion,
        prompts: PromptSet,
        mask: npt.NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> PromptSet | None:
        """All prompts for the next step.

        Args:
            case: the scan.
            lesion: the lesion.
            prompts: all prompts so far.
            mask: what they gave, (k, j, i) of the whole volume.
            rng: the generator that `first` got, in the state in which the last call left it.

        Returns:
            The set with one more prompt, None when this reader has finished.
        """
