"""What a network is trained on: samples by number, from a source that never ends."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.cards import ModelCard

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Part = Literal["train", "validation", "test"]


class Sample(NamedTuple):
    """One image and the lesion in it.

    Attributes:
        image: (n, n, n) as the network wants it, axes d, h, w.
        label: (n, n, n), the lesion.
        name: where it came from, for logs.
        organ: (n, n, n), the organ that the lesion lies in, with the lesion; None where nobody drew it.
        word: the organ's name; empty where nobody said.
    """

    image: Floats
    label: Bools
    name: str
    organ: Bools | None = None
    word: str = ""


class Origin(NamedTuple):
    """A data set that samples come from; every checkpoint names its origins.

    Attributes:
        name: the data set.
        licence: SPDX identifier where there is one.
        note: citation, and how much of it was used.
    """

    name: str
    licence: str
    note: str = ""


class SampleSource(Protocol):
    """Samples by number; a run that was interrupted goes on with the next number."""

    @property
    def provenance(self) -> tuple[Origin, ...]:
        """What the samples are made from."""

    def sample(self, index: int, epoch_seed: int) -> Sample:
        """The same sample each time.

        Args:
            index: 0 or more, without end.
            epoch_seed: of the order and of everything random.
        """


class SourceSettings(Protocol):
    """The table `[data]` of a run file: a frozen dataclass whose fields are the table's keys."""

    def open(self, card: ModelCard, part: Part) -> SampleSource:
        """The source; processes that load samples get a copy of it.

        Args:
            card: the model, for the size, spacing and grey values of an image.
            part: the cases to learn from, to choose checkpoints by, or to test on.

        Raises:
            InputError: when the data cannot be used.
        """


def check_sees_cubes(card: ModelCard) -> None:
    """Refuse a model of slices for a source of cubes.

    Raises:
        InputError: naming the source for it.
    """
    if card.dimensions != 3:
        raise InputError(f'{card.title} sees slices. Use source = "slices", or a 3D model.')
