"""`[data] source = "synthetic"`: what is mixed, and what is kept for judging."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.training.samples import Origin, Part, Sample, SampleSource, check_sees_cubes
from SAMLesionLib.training.synthetic.arrays import RealArrays
from SAMLesionLib.training.synthetic.fields import Draw
from SAMLesionLib.training.synthetic.scans import SyntheticScans
from SAMLesionLib.training.synthetic.shapes import ShapeLibrary, names_in
from SAMLesionLib.training.tables import share

VALIDATION_SHAPES = 10
"""One shape of so many is kept to choose checkpoints by."""


@dataclass(frozen=True)
class SyntheticSettings:
    """The table `[data]` with `source = "synthetic"`.

    Attributes:
        shapes: an `.npz` of lesion masks, one array each.
        arrays: a folder of `.npz` files with `NAME_image` and `NAME_label`; none for synthetic scans only.
        real_share: how many cubes come from the arrays.
        leave_out: cases of the arrays and starts of shapes' names that are never used: those that the
            network is judged by.
        validation: cases of the arrays to choose checkpoints by; none for synthetic scans alone.
        framed_share: how many cubes lie around a lesion's box; the others lie around a click.
        background_share: how many synthetic scans show a body from the arrays in place of a random one.
        origins: data sets behind the files, `NAME: LICENCE: NOTE` each.
    """

    shapes: Path
    arrays: Path | None = None
    real_share: float = share(0.5)
    leave_out: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    framed_share: float = share(0.6)
    background_share: float = share(0.4)
    origins: tuple[str, ...] = ()

    def open(self, card: ModelCard, part: Part) -> SampleSource:
        """See `SourceSettings.open`; there is no test part: what was left out is judged by `evaluate`."""
        if part == "test":
            raise InputError("Synthetic scans have no test part. Judge the network with samlesion evaluate.")
        check_sees_cubes(card)
        check_names(self.shapes, self.arrays, self.leave_out, self.validation)
        library = ShapeLibrary.read(self.shapes, self.leave_out).part(VALIDATION_SHAPES, part == "validation")
        scans = SyntheticScans(library, card.image_size, self.framed_share)
        is_judging = part == "validation"
        if self.arrays is None or (is_judging and not self.validation):
            return SyntheticSource(scans, None, 0.0, part, origins_of(self.origins, self.shapes, self.arrays))
        arrays = RealArrays.read(
            self.arrays,
            card.image_size,
            only=self.validation if is_judging else (),
            leave_out=(*self.leave_out, *(() if is_judging else self.validation)),
            framed_share=self.framed_share,
        )
        scans = replace(scans, backgrounds=arrays, background_share=self.background_share)
        return SyntheticSource(
            scans, arrays, self.real_share, part, origins_of(self.origins, self.shapes, self.arrays)
        )


class Scans(Protocol):
    """What makes synthetic cubes."""

    def sample(self, draw: Draw) -> Sample:
        """A new cube."""


@dataclass(frozen=True, eq=False)
class SyntheticSource:
    """Synthetic cubes and real lesions in turn; see `SampleSource`."""

    scans: Scans
    arrays: RealArrays | None
    real_share: float
    part: Part
    provenance: tuple[Origin, ...]

    def sample(self, index: int, epoch_seed: int) -> Sample:
        """See `SampleSource.sample`."""
        draw = np.random.default_rng((epoch_seed, index, int(self.part == "validation")))
        with one_thread():
            if self.arrays is not None and draw.random() < self.real_share:
                return self.arrays.sample(draw, changed=self.part == "train")
            return self.scans.sample(draw)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread while inside, as processes that make samples do: the same cube in each."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def check_names(
    shapes: Path, arrays: Path | None, leave_out: Sequence[str], validation: Sequence[str]
) -> None:
    """Refuse a name that leaves nothing out, so that a slip of the pen lets nobody learn from a test case.

    Args:
        shapes: the `.npz` of shapes.
        arrays: the folder of arrays, None for none.
        leave_out: cases of the arrays, or starts of shapes' names.
        validation: cases of the arrays.

    Raises:
        InputError: naming one that is nowhere.
    """
    of_shapes, folder = names_in(shapes), sorted(arrays.glob("*.npz")) if arrays else ()
    of_arrays = {name.removesuffix("_image") for path in folder for name in names_in(path)}
    unknown = [name for name in validation if name not in of_arrays]
    for name in set(leave_out) - of_arrays:
        if not any(shape.startswith(name) for shape in of_shapes):
            unknown.append(name)
    if unknown:
        raise InputError(
            f"data.leave_out or data.validation names {min(unknown)}, which is no array's name and "
            "begins no shape's. Check its name."
        )


def origins_of(told: Sequence[str], *files: Path | None) -> tuple[Origin, ...]:
    """The data sets behind the files as they were told; else the files' names.

    Raises:
        InputError: when one is told without its licence.
    """
    if told:
        without = next((text for text in told if ":" not in text), None)
        if without is not None:
            raise InputError(f"data.origins is NAME: LICENCE: NOTE for each data set, got {without!r}.")
        return tuple(Origin(*(part.strip() for part in text.split(":", 2))) for text in told)
    return tuple(Origin(path.name, "not stated") for path in files if path)
