"""Segments to disk: Slicer's `.seg.nrrd`, and label maps as NIfTI or NRRD."""

from __future__ import annotations

import gzip
import logging
import os
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import OutputError
from SAMLesionLib.io import nrrd
from SAMLesionLib.io.files import atomic_write, suffix_of
from SAMLesionLib.io.segments import Segment, crop, labels_of
from SAMLesionLib.volume import Volume

logger = logging.getLogger(__name__)

ENDINGS = (".seg.nrrd", ".nrrd", ".nii.gz", ".nii")
_GZIP_LEVEL = 4  # masks are runs of zeros: higher levels take twice the time and save a few percent


def write_segmentation(path: str | os.PathLike[str], segments: Sequence[Segment], volume: Volume) -> None:
    """Write segments on a volume's grid; a file of that name is replaced only when all went well.

    `.seg.nrrd` keeps overlaps, names, colours, terminology and tags. In a label map each segment has its
    label, and where two overlap the earlier keeps its voxels. Planes are made as they are
    written, so memory beyond the segments is one plane.

    Args:
        path: the file, whose ending chooses the format: .seg.nrrd, .nrrd, .nii.gz or .nii.
        segments: at least one.
        volume: the scan they were drawn on; gives grid and size.

    Raises:
        OutputError: when the ending is unknown, there is nothing to write, or the disk refuses.
    """
    suffix = suffix_of(path, ENDINGS)
    if not suffix:
        raise OutputError(f"Cannot write {path}: expected a name ending in {', '.join(ENDINGS)}.")
    if not segments:
        raise OutputError(f"Cannot write {path}: there is no segment to write. Draw a prompt first.")
    for segment in segments:
        if segment.block.intersect(volume.block) != segment.block and segment.mask.size:
            raise OutputError(
                f"Cannot write {path}: {segment.name} reaches beyond the grid of {volume.name}."
            )
    write = {".seg.nrrd": _write_seg_nrrd, ".nrrd": _write_nrrd}.get(suffix, _write_nifti)
    with atomic_write(path) as file:
        if suffix == ".nii":
            write(file, segments, volume)
        elif suffix == ".nii.gz":
            with _gzip(file) as packed:
                write(packed, segments, volume)
        else:
            write(file, segments, volume)


def _write_seg_nrrd(file: BinaryIO, segments: Sequence[Segment], volume: Volume) -> None:
    layers, labels = _layers(segments), list(range(1, len(segments) + 1))
    fields = nrrd.segment_fields(segments, layers, volume)
    n_layers = max(layers) + 1
    file.write(nrrd.header(volume.affine, volume.shape_ijk, _dtype(labels), n_layers, fields))
    with _gzip(file) as packed:
        for k in range(volume.shape_ijk[2]):
            planes = [_plane(segments, volume, k, labels, layers, at) for at in range(n_layers)]
            packed.write(np.stack(planes, axis=-1).tobytes())  # the layers of a voxel lie together


def _write_nrrd(file: BinaryIO, segments: Sequence[Segment], volume: Volume) -> None:
    file.write(nrrd.header(volume.affine, volume.shape_ijk, _dtype(labels_of(segments))))
    with _gzip(file) as packed:
        _write_planes(packed, segments, volume)


def _write_nifti(file: BinaryIO, segments: Sequence[Segment], volume: Volume) -> None:
    from SAMLesionLib.io.nifti import header_bytes

    file.write(header_bytes(volume.affine, volume.shape_ijk, _dtype(labels_of(segments))))
    _write_planes(file, segments, volume)


def _write_planes(file: BinaryIO, segments: Sequence[Segment], volume: Volume) -> None:
    if max(_layers(segments)) > 0:
        logger.warning("segments overlap; in a label map the earlier one keeps the shared voxels")
    labels = labels_of(segments)
    for k in range(volume.shape_ijk[2]):
        file.write(_plane(segments, volume, k, labels).tobytes())


def _plane(
    segments: Sequence[Segment],
    volume: Volume,
    k: int,
    labels: Sequence[int],
    layers: Sequence[int] | None = None,
    layer: int = 0,
) -> npt.NDArray[Any]:
    """The labels (j, i) of slice k, of one layer or of all segments."""
    i, j, _ = volume.shape_ijk
    plane = np.zeros((j, i), _dtype(labels))
    for n in reversed(range(len(segments))):  # the earliest is written last and stays
        mask, block = segments[n].mask, segments[n].block
        is_wanted = layers is None or layers[n] == layer
        if is_wanted and block.start_ijk[2] <= k < block.stop_ijk[2]:
            plane[block.slices_kji()[1:]][mask[k - block.start_ijk[2]]] = labels[n]
    return plane


def _layers(segments: Sequence[Segment]) -> list[int]:
    """For each segment the first layer in which it meets no earlier segment."""
    layers: list[int] = []
    for n, segment in enumerate(segments):
        taken = {layers[m] for m in range(n) if _overlap(segments[m], segment)}
        layers.append(next(at for at in range(n + 1) if at not in taken))
    return layers


def _overlap(one: Segment, other: Segment) -> bool:
    shared = one.block.intersect(other.block)
    if shared.is_empty:
        return False
    return bool((crop(one, shared) & crop(other, shared)).any())


def _dtype(labels: Sequence[int]) -> np.dtype:
    return np.dtype(np.uint8 if max(labels) < 256 else "<u2")


def _gzip(file: BinaryIO) -> BinaryIO:
    # No name and no time inside: the same segments give the same bytes.
    packed = gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=_GZIP_LEVEL, mtime=0)
    return cast(BinaryIO, packed)
