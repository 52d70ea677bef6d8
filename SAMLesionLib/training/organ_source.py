"""`[data] source = "organs"`: TAGS's cubes of an organ with a tumour, from a data set on the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from SAMLesionLib.imaging.organ_intensity import scaled
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.organ_word import OrganPrompt
from SAMLesionLib.training.case_cubes import DatasetSettings, case_of
from SAMLesionLib.training.organ_cases import CUT, OrganCase, OrganReader, prepare_organs
from SAMLesionLib.training.organ_crops import (
    ChangeSettings,
    CropSettings,
    Look,
    cut_cubes,
    drawn_look,
    plain_look,
    turned,
)
from SAMLesionLib.training.prepared import place_of
from SAMLesionLib.training.samples import Floats, Origin, Part, Sample, check_sees_cubes
from SAMLesionLib.training.splits import split
from SAMLesionLib.training.tables import at_least


@dataclass(frozen=True)
class OrganSettings(DatasetSettings):
    """The table `[data]` with `source = "organs"`; see `DatasetSettings`.

    Attributes:
        organ: its name, for its grey values and its words.
        organ_masks: a folder with `CASE.nii.gz` or `CASE/ORGAN.nii.gz` for each case, as TotalSegmentator
            writes them; none for `ORGAN.nii.gz` beside the image, and where there is none either, every
            label but the background.
        spacing_mm: side of a cell.
        crops: where cubes to learn from lie.
        changes: of what is learned from.
    """

    organ: str = ""
    organ_masks: Path | None = None
    spacing_mm: float = at_least(0.01, 1.0)
    crops: CropSettings = field(default_factory=CropSettings)
    changes: ChangeSettings = field(default_factory=ChangeSettings)

    def open(self, card: ModelCard, part: Part) -> OrganSource:
        """See `SourceSettings.open`."""
        check_sees_cubes(card)
        reader = self.reader()
        names = self.names(reader, part)
        place = place_of(reader.dataset, self.prepared, f"organs {self.word} {self.spacing_mm}")
        cases = prepare_organs(reader, names, self.spacing_mm, place)
        return OrganSource(self, card.image_size, part, cases, (self._origin(reader, cases),))

    @property
    def word(self) -> str:
        """The organ's name as models know it.

        Raises:
            PromptError: when it is no word.
        """
        return OrganPrompt(self.organ).word if self.organ else ""

    def scale(self, is_ct: bool, shift: float = 0.0) -> Callable[[Floats], Floats]:
        """What makes of grey values what TAGS wants for this organ; see `organ_intensity.scaled`."""
        return lambda grey: scaled(grey, np.ones(grey.shape, bool), self.word, is_ct, shift)

    def reader(self) -> OrganReader:
        """What reads the cases.

        Raises:
            InputError: when the data set or the organ cannot be used.
        """
        return OrganReader(self.dataset(), self.word, self.organ_masks)

    def names(self, reader: OrganReader, part: Part) -> tuple[str, ...]:
        """The cases of a part, with and without a tumour.

        Raises:
            InputError: when there are none.
        """
        return split(reader.dataset.case_names, self.split, part)

    def _origin(self, reader: OrganReader, cases: Sequence[OrganCase]) -> Origin:
        files = [reader.organ_file(reader.dataset.files(case.name)) for case in cases]
        n_drawn = sum(file is not None for file in files)
        origin = self.origin(reader.dataset, len(cases))
        return origin._replace(note=f"{origin.note}, {n_drawn} organs from files, the others from labels")


@dataclass(frozen=True, eq=False)
class OrganSource:
    """Every case once in each round, a cube of it; see `SampleSource`."""

    settings: OrganSettings
    size: int
    part: Part
    cases: tuple[OrganCase, ...]
    provenance: tuple[Origin, ...]

    def sample(self, index: int, epoch_seed: int) -> Sample:
        """See `SampleSource.sample`; parts that only judge are not changed."""
        case, draw = case_of(self.cases, index, epoch_seed)
        crops, changes = self.settings.crops, self.settings.changes
        if self.part == "train":
            shift = draw.uniform(-1, 1) * changes.shift_by * (draw.random() < changes.shift)
            look = drawn_look(case.shape, case.tumour(), self.size, crops, changes, draw)
            cubes = turned(self._cubes(case, look, shift), changes, draw)
        else:
            look = plain_look(case.shape, case.tumour(), self.size, draw)
            cubes = self._cubes(case, look)
        image, label, organ = cubes
        at = ", ".join(f"{x:.0f}" for x in look.middle)
        return Sample(image, label > CUT, f"{case.name} at {at}", organ > CUT, self.settings.word)

    def _cubes(self, case: OrganCase, look: Look, shift: float = 0.0) -> list[Floats]:
        """Grey values, and the shares of tumour and organ."""
        masks = (case.label(), case.organ())
        return cut_cubes(case.image(), masks, look, self.size, self.settings.scale(case.is_ct, shift))
