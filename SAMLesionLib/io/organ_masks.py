"""An organ's mask from a file, on the grid of the scan that a lesion is drawn on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import Affine
from SAMLesionLib.io.segmentation_reader import offset_on, read_mask, read_segmentation
from SAMLesionLib.prompts import OrganMaskPrompt
from SAMLesionLib.volume import Volume

Mask = npt.NDArray[np.bool_]


def read_organ_mask(path: str | os.PathLike[str], volume: Volume) -> tuple[OrganMaskPrompt, str]:
    """Everything that is segmented in a file, as the organ around a lesion.

    Args:
        path: a `.seg.nrrd` or a label map, on any grid.
        volume: the scan.

    Returns:
        The organ on the scan's grid, and a sentence where it had to be resampled, empty otherwise.

    Raises:
        ImageError: when the file cannot be read.
        PromptError: when nothing is segmented, or nothing of it on the scan.
    """
    name = Path(path).name
    found = read_segmentation(path)
    if offset_on(volume, found) is not None:
        mask, notice = read_mask(path, volume), ""
    else:
        mask = nearest(read_mask(path), found.affine, volume)
        notice = f"{name} lies on another grid than {volume.name}, so the organ was resampled."
    if not mask.any():
        raise PromptError(
            f"The organ of {name} has no voxel on {volume.name}. Give the mask of an organ of this scan."
        )
    return OrganMaskPrompt.of(mask), notice


def nearest(mask_kji: Mask, affine: Affine, volume: Volume) -> Mask:
    """A mask of another grid on a volume's: each voxel takes what lies nearest to its centre."""
    i, j = np.meshgrid(*(np.arange(n) for n in volume.shape_ijk[:2]))
    size = np.array(mask_kji.shape[::-1])
    planes = []
    for k in range(volume.shape_ijk[2]):  # slice by slice, to need little memory
        centres = np.stack((i, j, np.full_like(i, k)), axis=-1).reshape(-1, 3)
        places = np.floor(affine.to_ijk(volume.affine.to_ras(centres)) + 0.5).astype(int)
        is_inside = ((places >= 0) & (places < size)).all(axis=1)
        plane = np.zeros(len(places), bool)
        plane[is_inside] = mask_kji[tuple(places[is_inside].T[::-1])]
        planes.append(plane.reshape(i.shape))
    return np.stack(planes)
