"""A data set: named cases that are read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from SAMLesionLib.datasets.cases import Case
from SAMLesionLib.datasets.grids import grid_fault
from SAMLesionLib.datasets.layouts import CaseFiles, Listing, find_layout, list_cases
from SAMLesionLib.datasets.lesions import LesionRule, lesion_values, lesions_of, mask_of, organ_of
from SAMLesionLib.errors import ImageError, InputError
from SAMLesionLib.io import count_channels, read_mask, read_volume
from SAMLesionLib.prompts import MaskPrompt
from SAMLesionLib.volume import Volume


class Dataset(Protocol):
    """Cases by name; a case is in memory only as long as its caller keeps it."""

    @property
    def name(self) -> str:
        """How people call the data set."""

    @property
    def case_names(self) -> tuple[str, ...]:
        """All cases, in a fixed order."""

    def load(self, case_name: str) -> Case:
        """Read one case.

        Raises:
            ImageError: when its image or label cannot be used, with the case's name and what to do.
        """

    def describe(self) -> dict[str, Any]:
        """Path, layout and options as plain values for JSON."""


def open_dataset(
    path: str | Path,
    *,
    label: int | None = None,
    channel: int | None = None,
    components: bool = True,
    least_ml: float = 0.0,
    least_voxels: int = 1,
    layout: str = "auto",
) -> FileDataset:
    """A data set on the disk.

    Args:
        path: a folder, or a CSV file of pairs.
        label: the label value of lesions; None for those that the data set names so, or all.
        channel: which channel of multi-channel images to read, counted from 0.
        components: whether each 26-connected piece is a lesion, or all of a case together are one.
        least_ml: smaller lesions are left out.
        least_voxels: the same in voxels.
        layout: one of `layouts.LAYOUTS`, or "auto".

    Raises:
        InputError: when there is no case, a channel must be chosen, or the label value never occurs.
    """
    dataset = find_dataset(path, LesionRule(label, components, least_ml, least_voxels), channel, layout)
    if label is not None:
        dataset.check_label_occurs()
    return dataset


def find_dataset(
    path: str | Path, rule: LesionRule, channel: int | None = None, layout: str = "auto"
) -> FileDataset:
    """A data set on the disk of which nothing but the list of cases was read; see `open_dataset`.

    Raises:
        InputError: when there is no case or a channel must be chosen.
    """
    path = Path(path)
    chosen = find_layout(path) if layout == "auto" else layout
    return FileDataset(path, chosen, channel, rule, list_cases(path, chosen, channel))


@dataclass(frozen=True)
class FileDataset:
    """A `Dataset` on the disk.

    Attributes:
        path: the folder, or the CSV file.
        layout: one of `layouts.LAYOUTS`.
        channel: which channel is read.
        rule: what counts as a lesion.
        listing: where each case lies.
    """

    path: Path
    layout: str
    channel: int | None
    rule: LesionRule
    listing: Listing

    @property
    def name(self) -> str:
        """How people call the data set."""
        return self.listing.name

    @property
    def case_names(self) -> tuple[str, ...]:
        """All cases, sorted."""
        return tuple(files.name for files in self.listing.cases)

    @property
    def lesion_values(self) -> tuple[int, ...]:
        """The label values that are lesion; empty for every value but 0."""
        return lesion_values(self.rule.label, self.listing.labels)

    def files(self, case_name: str) -> CaseFiles:
        """Where a case lies.

        Raises:
            InputError: when there is no such case.
        """
        for files in self.listing.cases:
            if files.name == case_name:
                return files
        raise InputError(f"{self.name} has no case {case_name!r}. It has {', '.join(self.case_names[:10])}.")

    def load(self, case_name: str) -> Case:
        """Read one case.

        Raises:
            ImageError: when its image or label cannot be used, with the case's name and what to do.
        """
        files = self.files(case_name)
        try:
            return self._read(files)
        except ImageError as wrong:
            raise ImageError(f"Case {case_name}: {wrong}") from wrong

    def _read(self, files: CaseFiles) -> Case:
        volume = read_image(files)
        label = read_map(files.label, volume, "label")
        values = self.lesion_values
        mask = mask_of(label.voxels, values)
        instances = read_map(files.instances, volume, "instances").voxels if files.instances else None
        lesions = lesions_of(mask, volume.affine, self.rule, instances)
        organ, word = self._organ(files, volume, label)
        return Case(files.name, volume, lesions, organ, word)

    def _organ(self, files: CaseFiles, volume: Volume, label: Volume) -> tuple[MaskPrompt | None, str | None]:
        """The organ's mask and name: of the case's own file, else of the label map."""
        named = organ_of(self.lesion_values, self.listing.labels)
        word = files.word or (named[0] if named else None)
        if files.organ:
            mask = read_map(files.organ, volume, "organ").voxels != 0
        elif named:
            mask = mask_of(label.voxels, named[1])
        else:
            return None, word
        return (MaskPrompt.of(mask) if mask.any() else None), word

    def check_label_occurs(self) -> None:
        """Refuse a label value that no case has; reads labels until one has it.

        Raises:
            InputError: when none has it.
        """
        values = self.lesion_values
        if not any(mask_of(voxels, values).any() for voxels in self._label_maps()):
            raise InputError(self.never_occurs())

    def never_occurs(self) -> str:
        """What to say when no case has the label value."""
        return (
            f"The label value {self.rule.label} never occurs in the {len(self.case_names)} labels of "
            f"{self.name}. Look at the labels in a viewer and choose a value that they have."
        )

    def _label_maps(self) -> Iterator[Any]:
        for files in self.listing.cases:
            if files.label.exists():
                yield read_volume(files.label).voxels

    def describe(self) -> dict[str, Any]:
        """Path, layout and options as plain values for JSON."""
        named = {name: list(values) for name, values in self.listing.labels.items()}
        return {
            "name": self.name,
            "path": str(self.path),
            "layout": self.layout,
            "channel": self.channel,
            **asdict(self.rule),
            "lesion_values": list(self.lesion_values),
            "labels": named,
            "n_cases": len(self.case_names),
            "left_out": list(self.listing.left_out),
        }


def read_image(files: CaseFiles) -> Volume:
    """The scan of a case, under the case's name.

    Raises:
        ImageError: when it cannot be read, or holds several channels and none was chosen.
    """
    n_channels = count_channels(files.image)
    if n_channels > 1 and files.channel is None:
        raise ImageError(
            f"{files.image.name} holds {n_channels} channels, none was chosen. Choose one with --channel "
            f"(0 to {n_channels - 1})."
        )
    return replace(read_volume(files.image, files.modality, channel=files.channel), name=files.name)


def read_map(path: Path, image: Volume, what: str) -> Volume:
    """A label map on the grid of its image.

    Raises:
        ImageError: when it cannot be read or lies on another grid.
    """
    if path.name.endswith(".seg.nrrd"):  # Slicer's: cropped, perhaps in layers
        return replace(image, voxels=read_mask(path, image))
    labels = read_volume(path)
    fault = grid_fault(image, labels, what)
    if fault:
        raise ImageError(fault)
    return labels
