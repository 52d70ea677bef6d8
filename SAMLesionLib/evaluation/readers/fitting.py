"""A reader who gives a model what it understands: the organ where it takes one, no click that it refuses."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from SAMLesionLib.datasets.cases import Case, Lesion
from SAMLesionLib.errors import PromptError
from SAMLesionLib.evaluation.readers.reader import Reader
from SAMLesionLib.prompts import OrganMaskPrompt, OrganPrompt, PromptSet
from SAMLesionLib.protocol import ModelInfo


@dataclass(frozen=True)
class FittingReader:
    """Another reader, as one model knows it.

    Attributes:
        reader: who draws.
        info: what the model understands.
        organ: the organ's word for all cases; empty for what each case says.
    """

    reader: Reader
    info: ModelInfo
    organ: str = ""

    @property
    def name(self) -> str:
        """The reader's name."""
        return self.reader.name

    @property
    def prompt_kinds(self) -> tuple[frozenset[str], ...]:
        """The reader's own; the organ is given only where it is understood."""
        return self.reader.prompt_kinds

    def first(self, case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
        """What the reader draws, and the organ."""
        drawn = self.reader.first(case, lesion, rng)
        return PromptSet((*drawn, *self._organ(case)))

    def correct(
        self,
        case: Case,
        lesion: Lesion,
        prompts: PromptSet,
        mask: npt.NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> PromptSet | None:
        """The reader's correction; only of what is missing where the model takes no negative clicks."""
        if not self.info.takes_negative:
            found = np.zeros_like(mask)
            at = lesion.box.slices_kji()
            found[at] = mask[at] & lesion.mask
            mask = found
        return self.reader.correct(case, lesion, prompts, mask, rng)

    def _organ(self, case: Case) -> list[OrganMaskPrompt | OrganPrompt]:
        given: list[OrganMaskPrompt | OrganPrompt] = []
        word = self.organ or case.word
        if word and OrganPrompt.kind in self.info.prompts:
            # Data sets name structures as they like: what is no word is not said.
            with suppress(PromptError):
                given.append(OrganPrompt(word))
        if case.organ is not None and OrganMaskPrompt.kind in self.info.prompts:
            given.append(OrganMaskPrompt(case.organ.box, case.organ.mask))
        return given
