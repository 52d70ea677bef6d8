"""The two kinds of simulated reader: one who draws once, and one who then corrects with clicks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from SAMLesionLib.datasets.cases import Case, Lesion
from SAMLesionLib.evaluation.readers.clicks import Click, Mask
from SAMLesionLib.evaluation.readers.drawings import Draw
from SAMLesionLib.prompts import PointPrompt, PromptSet


@dataclass(frozen=True)
class DrawingReader:
    """Draws once and is content with what comes back.

    Attributes:
        name: its name.
        kind: the kind of prompt it draws.
        draw: how it draws.
    """

    name: str
    kind: str
    draw: Draw

    @property
    def prompt_kinds(self) -> tuple[frozenset[str], ...]:
        """One step."""
        return (frozenset({self.kind}),)

    def first(self, case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
        """The drawing."""
        return self.draw(case, lesion, rng)

    def correct(
        self, case: Case, lesion: Lesion, prompts: PromptSet, mask: Mask, rng: np.random.Generator
    ) -> PromptSet | None:
        """Nothing more."""
        return None


@dataclass(frozen=True)
class ClickingReader:
    """Begins with a box or a click, and clicks on errors until it has clicked so many times.

    Attributes:
        name: its name.
        kind: the kind of prompt it begins with.
        draw: how it begins.
        click: where it clicks; None as an answer means that nothing is wrong.
        clicks: how many clicks it makes, a first one included.
    """

    name: str
    kind: str
    draw: Draw
    click: Click
    clicks: int

    @property
    def prompt_kinds(self) -> tuple[frozenset[str], ...]:
        """A step for the beginning and for each click after it."""
        begun = frozenset({self.kind})
        n_later = self.clicks - (self.kind == PointPrompt.kind)
        return (begun, *[begun | {PointPrompt.kind}] * n_later)

    def first(self, case: Case, lesion: Lesion, rng: np.random.Generator) -> PromptSet:
        """The box, or the first click."""
        return self.draw(case, lesion, rng)

    def correct(
        self, case: Case, lesion: Lesion, prompts: PromptSet, mask: Mask, rng: np.random.Generator
    ) -> PromptSet | None:
        """One click more; None after the last, or when nothing is wrong."""
        if len(prompts.of(PointPrompt)) >= self.clicks:
            return None
        click = self.click(lesion, mask, rng)
        return None if click is None else prompts.add(click)
