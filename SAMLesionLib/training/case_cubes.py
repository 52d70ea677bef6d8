"""`[data] source = "cases"`: cubes around the lesions of a data set on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import TypeVar

import numpy as np

from SAMLesionLib.datasets import Case, FileDataset, LesionRule, open_dataset
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import PatchFrame, cube_image
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.training.augmentation import AugmentationSettings, augment
from SAMLesionLib.training.prepared import PreparedCase, prepare
from SAMLesionLib.training.samples import Bools, Origin, Part, Sample, check_sees_cubes
from SAMLesionLib.training.splits import SplitSettings, split
from SAMLesionLib.training.tables import at_least

T = TypeVar("T")
CUT = 0.5
"""The share of a cell from which on it is lesion."""


@dataclass(frozen=True)
class DatasetSettings:
    """What the tables of all sources on the disk have in common; as the options of `samlesion evaluate`.

    Attributes:
        path: a folder of the Decathlon, nnU-Net or KiTS, of NAME/image.nrrd with label.nrrd, or a CSV file.
        licence: of the data, for the checkpoint.
        layout: how the cases lie there; auto to find out.
        label: the label value of lesions.
        channel: which channel of the images, counted from 0.
        least_voxels: smaller lesions are no targets.
        split: which cases are learned from.
        prepared: where unpacked cases are kept; none for the user's cache.
    """

    path: Path
    licence: str = "not stated"
    layout: str = "auto"
    label: int | None = at_least(0, None)
    channel: int | None = at_least(0, None)
    least_voxels: int = at_least(1, 10)
    split: SplitSettings = field(default_factory=SplitSettings)
    prepared: Path | None = None

    def dataset(self) -> FileDataset:
        """The data set.

        Raises:
            InputError: when it cannot be used.
        """
        rule = LesionRule(self.label, True, 0.0, self.least_voxels)
        return open_dataset(
            self.path,
            label=rule.label,
            channel=self.channel,
            least_voxels=rule.least_voxels,
            layout=self.layout,
        )

    def chosen(self, cases: tuple[PreparedCase, ...], part: Part) -> tuple[PreparedCase, ...]:
        """The cases of a part."""
        names = split([case.name for case in cases], self.split, part)
        return tuple(case for case in cases if case.name in names)

    def origin(self, dataset: FileDataset, n_cases: int) -> Origin:
        """The data set, for the checkpoint."""
        return Origin(dataset.name, self.licence, f"{n_cases} cases, label {self.label or 'any'}")


@dataclass(frozen=True)
class CaseSettings(DatasetSettings):
    """The table `[data]` with `source = "cases"`; see `DatasetSettings`.

    Attributes:
        spacing_mm: side of a cell; none for the model's own.
        jitter: cells by which a cube's middle lies beside the lesion's at most.
        augmentation: changes of what is learned from.
    """

    spacing_mm: float | None = at_least(0.01, None)
    jitter: int = at_least(0, 16)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)

    def open(self, card: ModelCard, part: Part) -> CubeSource:
        """See `SourceSettings.open`."""
        check_sees_cubes(card)
        step_mm = self.spacing_mm or (card.cube.spacing_mm if card.cube else 1.0)
        reach_mm = step_mm * (card.image_size / 2 + self.jitter + 2)
        dataset = self.dataset()
        cases = prepare(dataset, lambda case: _in_reach(case, reach_mm), self.prepared, f"cubes {reach_mm}")
        chosen = self.chosen(cases, part)
        return CubeSource(self, card, step_mm, part, chosen, (self.origin(dataset, len(chosen)),))


@dataclass(frozen=True, eq=False)
class CubeSource:
    """Every case once in each round, a random lesion of it; see `SampleSource`."""

    settings: CaseSettings
    card: ModelCard
    step_mm: float
    part: Part
    cases: tuple[PreparedCase, ...]
    provenance: tuple[Origin, ...]

    def sample(self, index: int, epoch_seed: int) -> Sample:
        """See `SampleSource.sample`; parts that only judge are neither moved nor changed."""
        case, draw = case_of(self.cases, index, epoch_seed)
        is_learned = self.part == "train"
        box = case.lesions[draw.integers(len(case.lesions))]
        moved = draw.uniform(-1, 1, 3) * self.settings.jitter * self.step_mm * is_learned
        volume = case.volume()
        middle = np.add(box.centre_ijk, moved / volume.affine.spacing_mm)
        frame = PatchFrame.around(middle.tolist(), volume.affine, self.step_mm, self.card.image_size)
        image = cube_image(volume, frame, self.card.intensity, None)
        label = _label(case, frame)
        if is_learned:
            image, label = augment(image, label, self.settings.augmentation, draw)
        return Sample(image, label, f"{case.name} at {tuple(round(x) for x in box.centre_ijk)}")


def case_of(cases: Sequence[T], index: int, epoch_seed: int) -> tuple[T, np.random.Generator]:
    """The case of a sample, each once in every round, and the random numbers of the sample."""
    turn, place = divmod(index, len(cases))
    order = np.random.default_rng((epoch_seed, turn)).permutation(len(cases))
    return cases[order[place]], np.random.default_rng((epoch_seed, index, 1))


def _label(case: PreparedCase, frame: PatchFrame) -> Bools:
    """The cells that are lesion; a lesion smaller than a cell still has one."""
    mask = case.mask()
    block = frame.block().intersect(IndexBox.whole((mask.shape[2], mask.shape[1], mask.shape[0])))
    share = frame.mask(mask[block.slices_kji()], block, frame.size)
    return share > min(CUT, float(share.max()) / 2)


def _in_reach(case: Case, reach_mm: float) -> IndexBox:
    """The block around all lesions that cubes around them can touch."""
    boxes = [lesion.box for lesion in case.lesions]
    whole = boxes[0]
    for box in boxes[1:]:
        whole = whole.union(box)
    i, j, k = (ceil(reach_mm / spacing) + 1 for spacing in case.volume.affine.spacing_mm)
    return whole.grow((i, j, k))
