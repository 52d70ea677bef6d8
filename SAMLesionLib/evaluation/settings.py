"""What decides the numbers of an evaluation; two runs with equal settings give equal tables."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from SAMLesionLib.errors import InputError
from SAMLesionLib.version import __version__


@dataclass(frozen=True)
class EvaluationSettings:
    """One evaluation. How many processes or machines do the work is no part of it.

    Attributes:
        dataset: folder or CSV file of the data set.
        models: names of the models and opponents, in the order of the table.
        reader: name of the simulated reader.
        clicks: corrections after the first prompts; None for the reader's own number.
        every: slices from one drawn box to the next, for the reader `boxes`.
        jitter: pixels by which each side of a box is moved out at most.
        in_plane: whether the first and the last slice of a 3D box stay when its sides are moved.
        organ: the organ's word, for models that take it; empty for what each case says.
        label: label value of the lesions; None for every value that is not background.
        channel: which channel of a multi-channel image.
        components: whether connected components of the label are lesions of their own.
        least_ml: lesions below this volume are left out.
        least_voxels: lesions with fewer voxels are left out.
        layout: how the data set is laid out.
        limit: only so many cases, from the first; None for all.
        seed: of everything that is drawn at random.
        tolerance_mm: of the normalised surface Dice.
        device: where models run, as it was asked for.
        precision: arithmetic of image encoders, as it was asked for.
        replay_of: folder of the run whose prompts are given again, empty when a reader draws them.
        version: of this library.
    """

    dataset: str
    models: tuple[str, ...]
    reader: str
    clicks: int | None = None
    every: int = 5
    jitter: int = 0
    in_plane: bool = False
    organ: str = ""
    label: int | None = None
    channel: int | None = None
    components: bool = True
    least_ml: float = 0.0
    least_voxels: int = 1
    layout: str = "auto"
    limit: int | None = None
    seed: int = 0
    tolerance_mm: float = 2.0
    device: str = "auto"
    precision: str = "auto"
    replay_of: str = ""
    version: str = __version__

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"models": list(self.models)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EvaluationSettings:
        """The settings that `to_json` described.

        Raises:
            InputError: when a name is missing or unknown.
        """
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            odd = ", ".join(sorted(set(values) ^ known))
            raise InputError(f"These are no settings of this version: {odd} differ. Run the evaluation anew.")
        return cls(**{**values, "models": tuple(values["models"])})

    def check_same(self, earlier: EvaluationSettings, folder: str) -> None:
        """Refuse to go on with a run that was begun with other settings.

        Raises:
            InputError: naming the first setting that differs, and both values.
        """
        for name, value in asdict(self).items():
            was = getattr(earlier, name)
            if was != value:
                raise InputError(
                    f"{folder} holds a run with {_said(name, was)}, now {_said(name, value)} is asked. "
                    "Repeat the earlier settings to resume it, or give another folder with -o."
                )

    def generator(self, case: str, lesion: int) -> np.random.Generator:
        """The random numbers of one lesion: the same for every model, worker and order of work."""
        return np.random.default_rng([self.seed, zlib.crc32(case.encode()), lesion])


def _said(name: str, value: object) -> str:
    text = ",".join(value) if isinstance(value, tuple) else value
    return f"{name.replace('_', ' ')} {'not given' if text in (None, '') else text}"
