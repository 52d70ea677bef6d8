"""How good the readers' masks are: against the reference, and against each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import Affine, IndexBox, Triple
from SAMLesionLib.io import read_mask, read_segmentation
from SAMLesionLib.metrics import cohen_kappa, dice, surface_distances, volume_difference_ml, volume_ml
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.volume import Volume

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """Where a case's masks lie.

    Attributes:
        affine: place in the patient.
        shape_ijk: size in voxels.
    """

    affine: Affine
    shape_ijk: Triple

    def read(self, path: Path) -> PackedMask:
        """A mask on this grid.

        Raises:
            ImageError: when it cannot be read or lies on another grid.
        """
        # A single zero stands for all voxels: only place and size matter.
        voxels = np.broadcast_to(np.int8(0), self.shape_ijk[::-1])
        return PackedMask.of(read_mask(path, Volume(voxels, self.affine, "the case's grid")))


@dataclass(frozen=True)
class Quality:
    """The metrics that `ReadingRow` has under the same names."""

    dice: float
    nsd: float
    hd95_mm: float
    volume_error_ml: float


@dataclass(frozen=True)
class PairAgreement:
    """Two readers, or two readings of one, on one case.

    Attributes:
        case: id of the case.
        arm: id of the arm.
        one: id of the first reader.
        other: id of the second; the same for a repeated reading.
        dice: overlap.
        kappa: Cohen's, over the block around all masks of the case, one voxel wider.
        difference_ml: volume of the second minus the first.
    """

    case: str
    arm: str
    one: str
    other: str
    dice: float
    kappa: float
    difference_ml: float


def read_grid(path: Path) -> Grid:
    """The grid that a mask lies on.

    Raises:
        ImageError: when it cannot be read.
    """
    found = read_segmentation(path)
    return Grid(found.affine, found.shape_ijk)


def measure(reference: PackedMask, result: PackedMask, grid: Grid, tolerance_mm: float) -> Quality:
    """A result against the expert's mask.

    Args:
        reference: the expert's.
        result: the reader's.
        grid: of both.
        tolerance_mm: of the normalised surface Dice.
    """
    expert, ours = _over(block_of([reference, result]), [reference, result])
    distances = surface_distances(expert, ours, grid.affine)
    return Quality(
        dice(expert, ours),
        distances.nsd(tolerance_mm),
        distances.hausdorff_mm(95.0),
        volume_difference_ml(expert, ours, grid.affine),
    )


def agree(case: str, arm: str, masks: dict[str, PackedMask], grid: Grid) -> list[PairAgreement]:
    """Every pair of readers of one case in one arm.

    Args:
        case: id of the case.
        arm: id of the arm.
        masks: by reader.
        grid: of all of them.
    """
    block = _wider(block_of(list(masks.values())), grid.shape_ijk)
    whole = dict(zip(masks, _over(block, list(masks.values())), strict=True))
    return [
        PairAgreement(
            case, arm, one, other,
            dice(whole[one], whole[other]),
            cohen_kappa(whole[one], whole[other]),
            volume_difference_ml(whole[one], whole[other], grid.affine),
        )
        for one, other in combinations(masks, 2)
    ]  # fmt: skip


def millilitres(mask: PackedMask, grid: Grid) -> float:
    """The volume of a mask."""
    return volume_ml(mask.unpack(), grid.affine)


def block_of(masks: list[PackedMask]) -> IndexBox:
    """The block around all masks; one voxel when all are empty."""
    boxes = [mask.box for mask in masks if not mask.is_empty]
    return reduce(IndexBox.union, boxes) if boxes else IndexBox((0, 0, 0), (1, 1, 1))


def _wider(block: IndexBox, shape_ijk: Triple) -> IndexBox:
    i, j, k = (max(0, v - 1) for v in block.start_ijk)
    end = [min(size, v + 1) for v, size in zip(block.stop_ijk, shape_ijk, strict=True)]
    return IndexBox((i, j, k), (end[0], end[1], end[2]))


def _over(block: IndexBox, masks: list[PackedMask]) -> list[Mask]:
    i, j, k = block.start_ijk
    found = []
    for mask in masks:
        whole = np.zeros(block.shape_kji, dtype=bool)
        if not mask.is_empty:
            whole[mask.box.shift((-i, -j, -k)).slices_kji()] = mask.unpack()
        found.append(whole)
    return found
