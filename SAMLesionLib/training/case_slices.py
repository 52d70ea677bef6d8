"""`[data] source = "slices"`: slices through the lesions of a data set, for MedSAM and its kind."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from SAMLesionLib.errors import InputError
from SAMLesionLib.geometry import IndexBox, Triple
from SAMLesionLib.imaging import InputFormat, PatchFrame, SliceFrame, slab
from SAMLesionLib.imaging.resampling import resize
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.training.augmentation import AugmentationSettings, augment
from SAMLesionLib.training.case_cubes import CUT, DatasetSettings, case_of
from SAMLesionLib.training.prepared import PreparedCase, prepare
from SAMLesionLib.training.samples import Bools, Origin, Part, Sample
from SAMLesionLib.training.tables import at_least


@dataclass(frozen=True)
class SliceSettings(DatasetSettings):
    """The table `[data]` with `source = "slices"`; see `DatasetSettings`.

    Attributes:
        least_pixels: a lesion in a slice has at least so many voxels, where one of its slices does.
        augmentation: changes of what is learned from; MedSAM has none.
    """

    least_pixels: int = at_least(1, 10)
    augmentation: AugmentationSettings = field(default_factory=lambda: AugmentationSettings(0.0, 0.0))

    def open(self, card: ModelCard, part: Part) -> SliceSource:
        """See `SourceSettings.open`."""
        if card.dimensions != 2:
            raise InputError(f'{card.title} sees cubes. Use source = "cases", or a model of slices.')
        dataset = self.dataset()
        cases = prepare(dataset, lambda case: case.volume.block, self.prepared, "slices")
        chosen = self.chosen(cases, part)
        return SliceSource(self, card, part, chosen, (self.origin(dataset, len(chosen)),))


@dataclass(frozen=True, eq=False)
class SliceSource:
    """Every case once in each round, a random lesion of it in a random slice; see `SampleSource`."""

    settings: SliceSettings
    card: ModelCard
    part: Part
    cases: tuple[PreparedCase, ...]
    provenance: tuple[Origin, ...]

    def sample(self, index: int, epoch_seed: int) -> Sample:
        """See `SampleSource.sample`."""
        case, draw = case_of(self.cases, index, epoch_seed)
        volume, mask = case.volume(), case.mask()
        box = case.lesions[draw.integers(len(case.lesions))]
        axis = PatchFrame.around((0, 0, 0), volume.affine, 1.0, 1).axes[2]  # axial, as MedSAM was trained
        number = _slice_of(mask, box, axis, self.settings.least_pixels, draw)
        frame = self._frame(slab(volume.block, axis, number), axis, volume.affine.spacing_mm)
        image = frame.image(volume, case.window)
        label = _label(mask, slab(box, axis, number), frame)
        if self.part == "train":
            image, label = augment(image, label, self.settings.augmentation, draw)
        return Sample(image, label, f"{case.name} slice {number} of axis {axis}")

    def _frame(self, region: IndexBox, axis: int, spacing_mm: tuple[float, float, float]) -> SliceFrame:
        keeps = self.card.keeps_aspect
        form = InputFormat(self.card.image_size, keeps, "area" if keeps else "cubic")
        return SliceFrame(axis, region, spacing_mm, form)


def _slice_of(mask: Bools, box: IndexBox, axis: int, least: int, draw: np.random.Generator) -> int:
    """A slice that shows enough of a lesion, the one that shows most where none does."""
    axes = tuple(a for a in range(3) if a != 2 - axis)
    shown = mask[box.slices_kji()].sum(axis=axes)
    enough = np.flatnonzero(shown >= min(least, int(shown.max())))
    return box.start_ijk[axis] + int(draw.choice(enough))


def _label(mask: Bools, piece: IndexBox, frame: SliceFrame) -> Bools:
    """The lesion in the network's pixels, at least one of them."""
    lesion = mask[piece.slices_kji()]
    alone = np.zeros([side.stop - side.start for side in frame.region.slices_kji()], np.float32)
    alone[piece.shift(_negative(frame.region.start_ijk)).slices_kji()] = lesion
    rows, columns = frame.input_shape
    share = np.zeros((frame.format.size,) * 2, np.float32)
    share[:rows, :columns] = resize(alone.squeeze(axis=2 - frame.axis), frame.input_shape, "area")
    return share > min(CUT, float(share.max()) / 2)


def _negative(start: Triple) -> Triple:
    return -start[0], -start[1], -start[2]
