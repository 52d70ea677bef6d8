"""The organ that a lesion lies in, as a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError

MAX_LETTERS = 60


@dataclass(frozen=True)
class OrganPrompt:
    """The name of the organ that the lesion lies in.

    Attributes:
        word: in lower case, with single spaces, such as "kidney" or "lymph node".
    """

    kind: ClassVar[str] = "organ"
    word: str

    def __post_init__(self) -> None:
        word = " ".join(str(self.word).lower().split())
        if not word or len(word) > MAX_LETTERS or not all(c.isalpha() or c in " -'" for c in word):
            raise PromptError(
                f"An organ is a word of at most {MAX_LETTERS} letters, such as kidney, got "
                f"{str(self.word)[:80]!r}. Write its name."
            )
        object.__setattr__(self, "word", word)

    def positions_ijk(self) -> npt.NDArray[np.float64]:
        """A word touches the image nowhere, (0, 3)."""
        return np.empty((0, 3))

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"kind": self.kind, "word": self.word}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> OrganPrompt:
        """The prompt that `to_json` described."""
        if not isinstance(values["word"], str):
            raise TypeError(f"word is a text, got {str(values['word'])[:40]}")
        return cls(values["word"])
