"""Where a reader clicks to correct a mask, as published protocols simulate it.

Errors are those of one lesion against its own mask. Distances and sizes are counted in voxels, not in
millimetres, although voxels may be longer than wide: so do the protocols, and numbers are only
comparable when the clicks are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from SAMLesionLib.datasets.cases import Lesion
from SAMLesionLib.geometry import IndexBox, Triple
from SAMLesionLib.prompts import PointPrompt

Mask = npt.NDArray[np.bool_]
Click = Callable[[Lesion, Mask, np.random.Generator], PointPrompt | None]


def click_largest_error(lesion: Lesion, mask: Mask, rng: np.random.Generator) -> PointPrompt | None:
    """The innermost voxel of the largest error, as in the CVPR 2025 interactive 3D challenge.

    Missed and wrongly claimed voxels together are parted into 26-connected components; of the one with
    most voxels the voxel farthest from its border is clicked, a random one on a tie: positive where
    lesion was missed, negative where there is none.

    Args:
        lesion: the lesion.
        mask: the answer, (k, j, i) of the whole volume.
        rng: decides ties.

    Returns:
        The click, None when nothing is wrong.
    """
    from scipy import ndimage

    block, reference, predicted = _compared(lesion, mask)
    labels, n_errors = ndimage.label(reference != predicted, structure=np.ones((3, 3, 3)))
    if n_errors == 0:
        return None
    largest = labels == int(np.argmax(np.bincount(labels.ravel())[1:])) + 1
    around = IndexBox.of_mask(largest)
    assert around is not None, "an error has voxels"
    crop = around.slices_kji()
    depth = ndimage.distance_transform_edt(np.pad(largest[crop], 1))[1:-1, 1:-1, 1:-1]
    return _click(depth == depth.max(), around.start_ijk, block, reference, rng)


def click_random_error(lesion: Lesion, mask: Mask, rng: np.random.Generator) -> PointPrompt:
    """Any voxel that is wrong, each equally likely, as SAM-Med3D tests (its method `random`).

    Positive where lesion was missed, negative where it was claimed; where nothing is wrong, a positive
    click anywhere in the lesion.

    Args:
        lesion: the lesion.
        mask: the answer, (k, j, i) of the whole volume.
        rng: chooses the voxel.
    """
    block, reference, predicted = _compared(lesion, mask)
    wrong = reference != predicted
    return _click(wrong if wrong.any() else reference, (0, 0, 0), block, reference, rng)


def _compared(lesion: Lesion, mask: Mask) -> tuple[IndexBox, Mask, Mask]:
    """The block outside which lesion and answer are empty, and what both have in it."""
    claimed = IndexBox.of_mask(mask)
    block = lesion.box if claimed is None else lesion.box.union(claimed)
    i, j, k = block.start_ijk
    reference = np.zeros(block.shape_kji, bool)
    reference[lesion.box.shift((-i, -j, -k)).slices_kji()] = lesion.mask
    return block, reference, mask[block.slices_kji()]


def _click(
    candidates: Mask, offset_ijk: Triple, block: IndexBox, reference: Mask, rng: np.random.Generator
) -> PointPrompt:
    """A click on one of the candidates, a part of the block that starts at the offset."""
    voxels_kji = np.argwhere(candidates)
    at_kji = voxels_kji[rng.integers(len(voxels_kji))] + np.asarray(offset_ijk[::-1])
    k, j, i = (float(v) for v in at_kji + np.asarray(block.start_ijk[::-1]))
    return PointPrompt((i, j, k), bool(reference[tuple(at_kji)]))
