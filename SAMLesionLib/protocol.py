"""The one interface between those who ask for masks and those who make them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from SAMLesionLib.errors import PromptError
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.prompts import PointPrompt, PromptSet, ScribblePrompt
from SAMLesionLib.volume import Volume

_FIRST_CHOICES = ("box", "point")
"""What a sentence advises to draw, where the model understands it."""


@dataclass(frozen=True)
class ModelInfo:
    """What a reader needs to know to choose a model.

    Attributes:
        name: the name used on the command line and the wire.
        title: the name shown to people.
        summary: one sentence saying what the model is for.
        paper: citation.
        licence: licence of the weights, as an SPDX identifier where there is one.
        dimensions: 2 when the model sees slices, 3 when it sees volumes.
        prompts: the kinds of prompt it understands (`point`, `box`, `line`, `scribble`, `mask`, `organ`,
            `organ-mask`).
        n_parameters: size of the network.
        size_bytes: size of the weights file.
        sha256: hash of the published weights file; empty when there is no published file.
        is_available: whether the weights are here.
        takes_negative: whether it can be told where the lesion is not.
    """

    name: str
    title: str
    summary: str
    paper: str
    licence: str
    dimensions: int
    prompts: frozenset[str]
    n_parameters: int
    size_bytes: int
    sha256: str = ""
    is_available: bool = False
    takes_negative: bool = True

    def check_prompts(self, prompts: PromptSet, others: tuple[ModelInfo, ...] = ()) -> None:
        """Refuse prompts that the model does not understand.

        Args:
            prompts: the prompts of a request.
            others: the models to choose from, so that the sentence can name those that do.

        Raises:
            PromptError: naming the prompt and the models that understand it.
        """
        self._check_negative(prompts)
        unknown = sorted(prompts.kinds - self.prompts)
        if not unknown:
            return
        able = [m.name for m in others if prompts.kinds <= m.prompts]
        these = "all of these together" if len(prompts.kinds) > 1 else "these yet"
        none = f"No model here understands {these}. Draw"
        advice = f"Choose {' or '.join(able)}, or draw" if able else none
        raise PromptError(
            f"{self.title} understands {', '.join(sorted(self.prompts))} prompts, got {', '.join(unknown)}. "
            f"{advice} a {next(kind for kind in (*_FIRST_CHOICES, *self.prompts) if kind in self.prompts)}."
        )

    def _check_negative(self, prompts: PromptSet) -> None:
        signed = [prompt for prompt in prompts if isinstance(prompt, (PointPrompt, ScribblePrompt))]
        if not self.takes_negative and not all(prompt.is_positive for prompt in signed):
            raise PromptError(
                f"{self.title} understands points on the lesion only, got a negative one. Take it back, or "
                "choose another model."
            )


@dataclass(frozen=True)
class SegmentRequest:
    """Everything an engine must know to make one lesion's mask; it keeps no conversation.

    Attributes:
        volume_id: which volume, as `Volume.volume_id`.
        model: name of the model.
        prompts: all prompts of the lesion so far.
        window: grey values (low, high) between which the model sees, None for the model's own recipe.
    """

    volume_id: str
    model: str
    prompts: PromptSet = field(default_factory=PromptSet)
    window: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.window is not None and not 0 < self.window[1] - self.window[0] < math.inf:
            raise PromptError(f"A window needs its low below its high value, both finite, got {self.window}.")


@runtime_checkable
class Segmenter(Protocol):
    """Makes masks from prompts: the engine, its worker thread, and the client of an engine elsewhere."""

    def models(self) -> tuple[ModelInfo, ...]:
        """The models to choose from."""

    def load_volume(self, volume: Volume) -> str:
        """Take a volume and return its id; giving the same one again costs nothing."""

    def unload_volume(self, volume_id: str) -> None:
        """Forget a volume and all that was computed from it; unknown ids are ignored."""

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        """Stream the mask of one lesion; the last update carries the report.

        Closing the iterator cancels the work.

        Raises:
            VolumeNotLoaded: the volume must be sent (again) first.
            PromptError: a prompt is off the image or not understood by the model.
            UnknownModel: there is no model of this name.
            WeightsError: the weights are not here or cannot be used.
            OutOfMemory: the device is too small for this job.
        """
