"""Whether a data set can be evaluated, and what is wrong with which case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from SAMLesionLib.datasets.cases import Lesion
from SAMLesionLib.datasets.dataset import FileDataset, read_image, read_map
from SAMLesionLib.datasets.grids import orientation
from SAMLesionLib.datasets.layouts import CaseFiles
from SAMLesionLib.datasets.lesions import LesionRule, lesions_of, mask_of
from SAMLesionLib.errors import ImageError
from SAMLesionLib.volume import Volume

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """Something worth knowing about a case.

    Attributes:
        case: name of the case, empty when it is about the whole data set.
        severity: "error" when the case cannot be evaluated, "warning" when it likely is not as meant,
            "note" for what is only told.
        topic: `image`, `label`, `grid`, `lesions`, `orientation` or `twice`.
        sentence: what is so, and what to do where something is wrong.
    """

    case: str
    severity: Severity
    topic: str
    sentence: str


def check_dataset(dataset: FileDataset) -> Iterator[Finding]:
    """All findings, case by case, then those on the whole data set.

    Args:
        dataset: from `find_dataset`.
    """
    check = DatasetCheck(dataset)
    for name in dataset.case_names:
        yield from check.case(name)
    yield from check.whole()


class DatasetCheck:
    """Looks at one case after the other, and remembers what can only be told of all together."""

    def __init__(self, dataset: FileDataset) -> None:
        self._dataset = dataset
        self._has_lesion_label = False
        self._orientations: Counter[str] = Counter()
        self._seen: dict[str, str] = {}

    def case(self, name: str) -> list[Finding]:
        """What there is to say about one case."""
        files = self._dataset.files(name)
        try:
            volume = read_image(files)
            volume.check_usable()
        except ImageError as wrong:
            return [Finding(name, "error", "image", str(wrong))]
        found = self._seen_before(volume)
        self._orientations[orientation(volume.affine)] += 1
        try:
            label = read_map(files.label, volume, "label")
            instances = read_map(files.instances, volume, "instances") if files.instances else None
        except ImageError as wrong:
            topic = "label" if not str(wrong).startswith("its ") else "grid"
            return [*found, Finding(name, "error", topic, str(wrong))]
        return [*found, *self._label(files, volume, label.voxels, instances)]

    def whole(self) -> list[Finding]:
        """What there is to say about all cases together, once each was looked at."""
        found = []
        if self._dataset.rule.label is not None and not self._has_lesion_label:
            found.append(Finding("", "error", "label", self._dataset.never_occurs()))
        if len(self._orientations) > 1:
            kinds = ", ".join(f"{n} {name}" for name, n in self._orientations.most_common())
            sentence = f"The images are oriented differently ({kinds}); models see them as they are stored."
            found.append(Finding("", "note", "orientation", sentence))
        return found

    def _seen_before(self, volume: Volume) -> list[Finding]:
        earlier = self._seen.setdefault(volume.volume_id, volume.name)
        if earlier == volume.name:
            return []
        sentence = f"its image is that of {earlier}, voxel by voxel. Leave one of them out."
        return [Finding(volume.name, "warning", "twice", sentence)]

    def _label(
        self, files: CaseFiles, volume: Volume, voxels: npt.NDArray[Any], instances: Volume | None
    ) -> list[Finding]:
        values = np.unique(voxels)
        if not _is_a_label_map(values):
            sentence = (
                "its label holds other numbers than whole ones of 0 and more. It may be an image or a "
                "probability map; save it as a label map."
            )
            return [Finding(files.name, "error", "label", sentence)]
        mask = mask_of(voxels, self._dataset.lesion_values)
        if not mask.any():
            return [Finding(files.name, "warning", "label", _emptiness(values, self._dataset.lesion_values))]
        self._has_lesion_label = True
        rule = self._dataset.rule
        numbered = None if instances is None else instances.voxels
        everything = lesions_of(mask, volume.affine, LesionRule(components=rule.components), numbered)
        return [_count(files.name, everything, sum(map(rule.counts, everything)))]


def _is_a_label_map(values: npt.NDArray[Any]) -> bool:
    return bool(np.isfinite(values).all() and (values >= 0).all() and (values == np.round(values)).all())


def _emptiness(values: npt.NDArray[Any], wanted: tuple[int, ...]) -> str:
    there = [f"{v:g}" for v in values if v != 0]
    if not there:
        return "its label is empty; it counts as a scan without lesions."
    return (
        f"its label has no voxel of value {' or '.join(map(str, wanted))}, only {', '.join(there[:10])}; it "
        "counts as a scan without lesions."
    )


def _count(name: str, lesions: Sequence[Lesion], n_kept: int) -> Finding:
    sizes_ml = [lesion.volume_ml for lesion in lesions]
    sizes = f"{min(sizes_ml):.2g} to {max(sizes_ml):.3g} ml" if len(sizes_ml) > 1 else f"{sizes_ml[0]:.3g} ml"
    told = f"{len(sizes_ml)} lesion{'s' * (len(sizes_ml) != 1)} of {sizes}"
    if n_kept == 0:
        return Finding(name, "warning", "lesions", f"{told}, all too small to count.")
    small = f", {len(sizes_ml) - n_kept} too small to count" if n_kept < len(sizes_ml) else ""
    return Finding(name, "note", "lesions", f"{told}{small}.")
