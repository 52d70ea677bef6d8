"""A reader that repeats the prompts of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from SAMLesionLib.datasets.cases import Case, Lesion
from SAMLesionLib.errors import PromptError
from SAMLesionLib.evaluation.journal import PROMPTS, read_records
from SAMLesionLib.evaluation.readers import Reader
from SAMLesionLib.prompts import PromptSet

Place = tuple[str, str, int]


class RecordedReader:
    """Draws what was drawn before, whatever the masks look like now.

    Args:
        reader: the reader of the earlier run.
        recorded: prompts by case, lesion and step.
    """

    def __init__(self, reader: Reader, recorded: Mapping[Place, PromptSet]) -> None:
        self.name, self.prompt_kinds = reader.name, reader.prompt_kinds
        self._recorded = recorded
        self._step = 0

    @classmethod
    def of(cls, reader: Reader, folder: Path, model: str) -> RecordedReader:
        """What `reader` drew for one model in the run that a folder holds."""
        return cls(
            reader,
            {
                (record["case"], record["lesion"], record["step"]): PromptSet.from_json(record["prompts"])
                for record in read_records(folder / PROMPTS)
                if record["model"] == model
            },
        )

    def first(self, case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
        """The first prompts of this lesion.

        Raises:
            PromptError: when none were recorded.
        """
        self._step = 0
        prompts = self._recorded.get((case.name, lesion.name, 0))
        if prompts is None:
            raise PromptError(f"No prompts of lesion {lesion.name} of {case.name} were recorded.")
        return prompts

    def correct(
        self,
        case: Case,
        lesion: Lesion,
        prompts: PromptSet,
        mask: npt.NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> PromptSet | None:
        """The next prompts of this lesion, None when the earlier run asked no more."""
        self._step += 1
        return self._recorded.get((case.name, lesion.name, self._step))
