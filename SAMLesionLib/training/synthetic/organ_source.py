"""`[data] source = "synthetic-organs"`: lesions of one organ, and sarcomas of real limbs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.training.samples import Part, SampleSource, check_sees_cubes
from SAMLesionLib.training.synthetic.arrays import RealArrays
from SAMLesionLib.training.synthetic.limbs import with_limbs
from SAMLesionLib.training.synthetic.organs import OrganScans
from SAMLesionLib.training.synthetic.shapes import ShapeLibrary
from SAMLesionLib.training.synthetic.source import VALIDATION_SHAPES, SyntheticSource, check_names, origins_of
from SAMLesionLib.training.tables import share


@dataclass(frozen=True)
class SyntheticOrganSettings:
    """The table `[data]` with `source = "synthetic-organs"`, for TAGS.

    Attributes:
        shapes: an `.npz` of lesion masks, one array each.
        arrays: a folder of `.npz` files with `NAME_image` and `NAME_label`, scans of limbs; none for
            synthetic organs only.
        real_share: how many cubes come from the arrays.
        alike_share: how many synthetic cubes have lesions of the same look outside the organ.
        leave_out: cases of the arrays and starts of shapes' names that are never used.
        validation: cases of the arrays to judge by.
        framed_share: how many cubes of the arrays lie around a lesion's box; the others lie around a point.
        origins: data sets behind the files, `NAME: LICENCE: NOTE` each.
    """

    shapes: Path
    arrays: Path | None = None
    real_share: float = share(0.4)
    alike_share: float = share(0.5)
    leave_out: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    framed_share: float = share(0.8)
    origins: tuple[str, ...] = ()

    def open(self, card: ModelCard, part: Part) -> SampleSource:
        """See `SourceSettings.open`; there is no test part."""
        if part == "test":
            raise InputError("Synthetic organs have no test part. Judge by the validation part.")
        check_sees_cubes(card)
        check_names(self.shapes, self.arrays, self.leave_out, self.validation)
        is_judging = part == "validation"
        library = ShapeLibrary.read(self.shapes, self.leave_out).part(VALIDATION_SHAPES, is_judging)
        scans = OrganScans(library, card.image_size, self.alike_share)
        told = origins_of(self.origins, self.shapes, self.arrays)
        if self.arrays is None:
            return SyntheticSource(scans, None, 0.0, part, told)
        arrays = RealArrays.read(
            self.arrays,
            card.image_size,
            only=self.validation if is_judging else (),
            leave_out=(*self.leave_out, *(() if is_judging else self.validation)),
            framed_share=self.framed_share,
        )
        return SyntheticSource(scans, with_limbs(arrays), self.real_share, part, told)
