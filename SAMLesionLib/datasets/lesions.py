"""From an expert's label map to the lesions that count."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.datasets.cases import Lesion
from SAMLesionLib.errors import InputError
from SAMLesionLib.geometry import Affine, IndexBox, Triple

Labels = Mapping[str, tuple[int, ...]]
LESION_WORDS = re.compile(
    r"tumou?r|cancer|carcinoma|lesion|metasta|neoplasm|nodule|o?edema|enhanc|necro|infarct|stroke|"
    r"h(a)?ematoma|abscess",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class LesionRule:
    """What counts as a lesion.

    Attributes:
        label: the label value of lesions; None for those whose name says so, or all when none does.
        components: whether each 26-connected piece is a lesion of its own, or all together are one.
        least_ml: smaller lesions are left out, of the reference too.
        least_voxels: the same in voxels.
    """

    label: int | None = None
    components: bool = True
    least_ml: float = 0.0
    least_voxels: int = 1

    def counts(self, lesion: Lesion) -> bool:
        """Whether a lesion is large enough."""
        least_ml = self.least_ml * (1 - 1e-6)  # files round spacings: just as large is large enough
        return lesion.volume_ml >= least_ml and int(lesion.mask.sum()) >= self.least_voxels


def lesion_values(label: int | None, labels: Labels) -> tuple[int, ...]:
    """The label values that are lesion; empty for every value but 0.

    Args:
        label: the user's choice.
        labels: the data set's names.

    Raises:
        InputError: when the data set names its labels and the chosen one is not among them.
    """
    if label is None:
        named = [values for name, values in labels.items() if LESION_WORDS.search(name)]
        return tuple(sorted({v for values in named for v in values}))
    if labels and not any(label in values for values in labels.values()):
        listed = ", ".join(f"{'/'.join(map(str, values))} {name}" for name, values in labels.items())
        raise InputError(f"The label value {label} never occurs: the data set has {listed}. Choose one.")
    return (label,)


def organ_of(values: tuple[int, ...], labels: Labels) -> tuple[str, tuple[int, ...]] | None:
    """The name of the organ that the data set labels, and the values of organ and lesion together.

    None when no label but the lesions' has a name, or when the names tell several organs.
    """
    others = {name: own for name, own in labels.items() if not set(own) <= set(values)}
    organs = [name for name in others if not LESION_WORDS.search(name) and "cyst" not in name.lower()]
    if not values or len(organs) != 1:
        return None
    return organs[0], tuple(sorted({*values, *labels[organs[0]]}))


def mask_of(voxels: npt.NDArray[Any], values: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Where a label map has one of these values; every value but 0 when none is given."""
    if not values:
        return np.asarray(voxels != 0)
    mask = voxels == values[0]
    for value in values[1:]:
        mask |= voxels == value
    return np.asarray(mask)


def lesions_of(
    mask: npt.NDArray[np.bool_], affine: Affine, rule: LesionRule, instances: npt.NDArray[Any] | None = None
) -> tuple[Lesion, ...]:
    """The lesions that count, by number.

    Args:
        mask: all that is lesion, (k, j, i).
        affine: its grid.
        rule: what counts.
        instances: the number of each voxel's lesion, (k, j, i), where the expert told lesions apart;
            taken as it is, whatever the rule says on components.
    """
    around = IndexBox.of_mask(mask if instances is None else instances > 0)
    if around is None:
        return ()
    crop = around.slices_kji()
    numbered = (
        _numbered(mask[crop], rule.components) if instances is None else instances[crop].astype(np.int32)
    )
    return tuple(filter(rule.counts, _each(numbered, around.start_ijk, affine.voxel_ml)))


def _numbered(mask: npt.NDArray[np.bool_], components: bool) -> npt.NDArray[np.int32]:
    if not components:
        return mask.astype(np.int32)
    from scipy import ndimage

    labels, _ = ndimage.label(mask, structure=np.ones((3, 3, 3)), output=np.int32)
    return np.asarray(labels)


def _each(numbered: npt.NDArray[np.int32], start_ijk: Triple, voxel_ml: float) -> list[Lesion]:
    from scipy import ndimage

    lesions = []
    for number, found in enumerate(ndimage.find_objects(numbered), start=1):
        if found is None:
            continue
        mask = numbered[found] == number
        k, j, i = found
        box = IndexBox((i.start, j.start, k.start), (i.stop, j.stop, k.stop)).shift(start_ijk)
        lesions.append(Lesion(number, str(number), box, mask, int(mask.sum()) * voxel_ml))
    return lesions
