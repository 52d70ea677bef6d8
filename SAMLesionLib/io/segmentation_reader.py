"""Segments from disk: Slicer's `.seg.nrrd`, and label maps in any format we read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import ImageError
from SAMLesionLib.geometry import Affine, IndexBox, Triple
from SAMLesionLib.io import itk
from SAMLesionLib.io.files import suffix_of
from SAMLesionLib.io.images import read_volume
from SAMLesionLib.io.memory import check_fits
from SAMLesionLib.io.nrrd import parse_tags
from SAMLesionLib.io.segments import Segment, Segmentation, crop
from SAMLesionLib.palette import lesion_colour
from SAMLesionLib.provenance import LESION_TERMINOLOGY
from SAMLesionLib.volume import Volume

GRID_TOLERANCE_MM = 1e-2
"""Two grids are one when no corner differs by more; files round to about a thousandth of this."""

_DEFAULTS = {"Name": "Segment", "Color": "0.9 0.2 0.2", "LabelValue": "1", "Layer": "0", "Tags": ""}


def read_segmentation(path: str | os.PathLike[str]) -> Segmentation:
    """The segments of a `.seg.nrrd` or of a label map, one for each label.

    Raises:
        ImageError: when the file is missing, damaged, or holds no labels.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise ImageError(f"{path} is a folder; a mask is read from a .seg.nrrd, .nrrd, .nii.gz or .nii file.")
    if suffix_of(path, (".nrrd",)) and os.path.exists(path):
        header = itk.read_header(path, path.name)
        check_fits(header.n_bytes, header.name)
        image = itk.read_image(path)
        fields = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
        if "Segment0_ID" in fields:
            return _from_slicer(itk.array_of(image), itk.affine_of(image), fields)
    volume = read_volume(path)
    return Segmentation(_from_labels(volume.voxels, path), volume.affine, volume.shape_ijk)


def read_mask(path: str | os.PathLike[str], volume: Volume | None = None) -> npt.NDArray[np.bool_]:
    """Everything that is segmented in a file, as one (k, j, i) mask.

    Args:
        path: a `.seg.nrrd` or a label map.
        volume: the scan whose grid the mask must have; a crop of that grid is put in its place.

    Raises:
        ImageError: when the file cannot be read or lies on another grid.
    """
    found = read_segmentation(path)
    shape, offset = found.shape_ijk, (0, 0, 0)
    if volume is not None:
        shape, offset = volume.shape_ijk, _offset_on(volume, found, Path(path).name)
    mask = np.zeros(shape[::-1], bool)
    for segment in found.segments:
        block = segment.block.shift(offset)
        shared = block.intersect(IndexBox.whole(shape))
        back = (-offset[0], -offset[1], -offset[2])
        mask[shared.slices_kji()] |= crop(segment, shared.shift(back))
    return mask


def offset_on(volume: Volume, found: Segmentation) -> Triple | None:
    """How many voxels a segmentation's grid starts after a volume's; None when the grids are not one."""
    corners = IndexBox.whole(found.shape_ijk).corners_ijk()
    in_volume = volume.affine.to_ijk(found.affine.to_ras(corners))
    i, j, k = (int(v) for v in np.round(in_volume[0] - corners[0]))
    expected_ras = volume.affine.to_ras(corners + np.array([i, j, k]))
    is_one_grid = np.abs(expected_ras - found.affine.to_ras(corners)).max() <= GRID_TOLERANCE_MM
    return (i, j, k) if is_one_grid else None


def _offset_on(volume: Volume, found: Segmentation, name: str) -> Triple:
    offset = offset_on(volume, found)
    if offset is None:
        sizes = [" x ".join(map(str, s)) for s in (found.shape_ijk, volume.shape_ijk)]
        raise ImageError(
            f"{name} ({sizes[0]} voxels) lies on another grid than {volume.name} ({sizes[1]} voxels). "
            "Resample it onto the image first, in 3D Slicer by exporting with the image as reference."
        )
    return offset


def _from_slicer(layers: npt.NDArray[Any], affine: Affine, fields: Mapping[str, str]) -> Segmentation:
    """The segments of a (k, j, i) or (k, j, i, layer) array with Slicer's fields."""
    layers = layers if layers.ndim == 4 else layers[..., None]
    segments: list[Segment] = []
    while f"Segment{len(segments)}_ID" in fields:
        own = {key: fields.get(f"Segment{len(segments)}_{key}", "") for key in _DEFAULTS}
        own = {key: value or _DEFAULTS[key] for key, value in own.items()}
        tags = parse_tags(own["Tags"])
        terminology = tags.pop("TerminologyEntry", LESION_TERMINOLOGY)
        r, g, b = (float(v) for v in own["Color"].split())
        mask = layers[..., int(own["Layer"])] == int(own["LabelValue"])
        segment_id = fields[f"Segment{len(segments)}_ID"]
        segments.append(Segment(own["Name"], mask, None, (r, g, b), terminology, tags, segment_id=segment_id))
    return Segmentation(tuple(segments), affine, _size(layers))


def _size(layers: npt.NDArray[Any]) -> Triple:
    k, j, i = layers.shape[:3]
    return i, j, k


def _from_labels(voxels: npt.NDArray[Any], path: Path) -> tuple[Segment, ...]:
    labels: set[float] = set()
    for plane in voxels:
        labels.update(np.unique(plane[plane != 0]).tolist())
    if any(not float(label).is_integer() for label in labels) or len(labels) > 2**16:
        raise ImageError(f"{path} is no label map: it holds values that are not whole numbers. Give a mask.")
    blocks = {label: IndexBox.of_mask(voxels == label) for label in labels}
    return tuple(
        Segment(
            f"Label {int(label)}",
            voxels[block.slices_kji()] == label,
            block,
            lesion_colour(int(label) - 1),
        )
        for label, block in sorted(blocks.items(), key=lambda item: item[0])
        if block is not None
    )
