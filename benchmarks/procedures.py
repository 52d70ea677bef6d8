"""Other ways from a 3D box to a lesion's mask: LiteMedSAM's official procedure and the classical tools.

Each takes a volume and a box and returns a mask of the volume's shape; parameters are set by rule.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from SAMLesionLib import IndexBox, Volume
from SAMLesionLib.engine.predictors import SlicePredictor
from SAMLesionLib.imaging import medsam_window, slab
from SAMLesionLib.imaging.resampling import resize

OFFICIAL_GROWTH_PIXELS = 3


def same_box_in_every_slice(predictor: SlicePredictor, volume: Volume, box: IndexBox) -> np.ndarray:
    """The plain use of a 2D model: the 3D box's rectangle in each of its slices, nothing else."""
    mask = np.zeros(volume.voxels.shape, bool)
    for k in range(box.start_ijk[2], box.stop_ijk[2]):
        mask[k] = _slice_mask(predictor, volume, k, lambda frame: _official_box(box, frame))
    return mask


def official_lite_medsam(predictor: SlicePredictor, volume: Volume, box: IndexBox) -> np.ndarray:
    """The challenge baseline's `inference_3D`: from the middle slice outwards, each slice with the box of
    its neighbour's mask grown by 3 pixels of the 256 frame (LiteMedSAM branch; axial slices).
    """
    mask = np.zeros(volume.voxels.shape, bool)
    first, last = box.start_ijk[2], box.stop_ijk[2] - 1
    middle = int((last - first) / 2 + first)
    for k in range(middle, last + 1):
        mask[k] = _from_neighbour(predictor, volume, box, k, mask[k - 1] if k > middle else None)
    for k in range(middle - 1, first - 1, -1):
        mask[k] = _from_neighbour(predictor, volume, box, k, mask[k + 1])
    return mask


def _from_neighbour(predictor, volume, box, k, neighbour):
    def box_xy(frame):
        if neighbour is None or not neighbour.any():
            return _official_box(box, frame)
        small = resize(neighbour.astype(np.float32), frame.input_shape, "area") > 0.5
        if not small.any():
            return _official_box(box, frame)
        rows, columns = np.nonzero(small.any(1))[0], np.nonzero(small.any(0))[0]
        g, last = OFFICIAL_GROWTH_PIXELS, frame.format.size - 1
        return (
            max(0, columns[0] - g), max(0, rows[0] - g), min(last, columns[-1] + g), min(last, rows[-1] + g)
        )  # fmt: skip

    return _slice_mask(predictor, volume, k, box_xy)


def _official_box(box, frame):
    """Corner pixels times the scale, cut to whole numbers; the maximum is the last pixel inside."""
    scale = frame.format.size / max(frame.plane_shape)
    (i0, j0, _), (i1, j1, _) = box.start_ijk, box.stop_ijk
    return tuple(int(v * scale) for v in (i0, j0, i1 - 1, j1 - 1))


def _slice_mask(predictor, volume, k, box_xy):
    frame = predictor.frame(volume, 2, slab(volume.block, 2, k))
    embedding = predictor.embed(volume, frame, medsam_window(volume))
    return frame.to_plane(predictor.low_res_logits(embedding, [box_xy(frame)]))[0] > 0


def box_fill(volume: Volume, box: IndexBox) -> np.ndarray:
    """Every voxel of the box."""
    return _paste(volume, box, np.ones(box.shape_kji, bool))


def ellipsoid(volume: Volume, box: IndexBox) -> np.ndarray:
    """The ellipsoid that touches the box's sides: what one gets without looking at the image."""
    axes = [((np.arange(n) + 0.5) / n * 2 - 1) ** 2 for n in box.shape_kji]
    return _paste(volume, box, axes[0][:, None, None] + axes[1][None, :, None] + axes[2] <= 1)


def midpoint_threshold(volume: Volume, box: IndexBox) -> np.ndarray:
    """Halfway between the median of the box's core and the median of a ring around the box."""
    return _paste(volume, box, _midpoint(volume, box)[0])


def connected_threshold(volume: Volume, box: IndexBox) -> np.ndarray:
    """SimpleITK's ConnectedThreshold from the core voxel nearest to the middle, at the midpoint."""
    bright, (low, high) = _midpoint(volume, box)
    if not bright.any():
        return _paste(volume, box, bright)
    middle = tuple(n // 2 for n in box.shape_kji)
    nearest = ndimage.distance_transform_edt(~bright, return_distances=False, return_indices=True)
    seed = tuple(int(v) for v in nearest[(slice(None), *middle)])
    image = sitk.GetImageFromArray(_crop(volume, box).astype(np.float32))
    grown = sitk.ConnectedThreshold(image, [seed[::-1]], float(low), float(high))
    return _paste(volume, box, sitk.GetArrayFromImage(grown) > 0)


def otsu(volume: Volume, box: IndexBox) -> np.ndarray:
    """SimpleITK's Otsu threshold of the box, the side on which the core lies."""
    crop = _crop(volume, box).astype(np.float32)
    low = sitk.GetArrayFromImage(sitk.OtsuThreshold(sitk.GetImageFromArray(crop), 1, 0)) == 0
    core = low[_core(crop.shape)].mean() > 0.5
    return _paste(volume, box, low if core else ~low)


def random_walker(volume: Volume, box: IndexBox) -> np.ndarray:
    """scikit-image's random walker; seeds: midpoint voxels of the core, and everything beside the box."""
    from skimage.segmentation import random_walker as walk

    wide = box.grow((3, 3, 0)).intersect(volume.block)
    crop = _crop(volume, wide).astype(np.float32)
    seeds = np.full(crop.shape, 2)
    inside = box.shift(tuple(-v for v in wide.start_ijk)).slices_kji()
    seeds[inside] = 0
    bright, _ = _midpoint(volume, box)
    core = np.zeros(box.shape_kji, bool)
    core[_core(core.shape)] = True
    seeds[inside][bright & core] = 1
    if not (seeds == 1).any() or not (seeds == 2).any() or crop.max() == crop.min():
        return midpoint_threshold(volume, box)
    scaled = (crop - crop.min()) / (crop.max() - crop.min())
    labels = walk(scaled, seeds, beta=500, mode="cg_j", spacing=volume.affine.spacing_mm[::-1])
    return _paste(volume, wide, labels == 1)


CLASSICAL = {
    "box fill": box_fill,
    "ellipsoid": ellipsoid,
    "Otsu": otsu,
    "midpoint": midpoint_threshold,
    "connected": connected_threshold,
    "rand. walker": random_walker,
}


def _midpoint(volume, box):
    crop = _crop(volume, box).astype(np.float64)
    by = tuple(max(1, round(0.15 * n)) for n in box.shape_ijk[:2])
    wide = box.grow((*by, 0)).intersect(volume.block)
    beside = np.ones(wide.shape_kji, bool)
    beside[box.shift(tuple(-v for v in wide.start_ijk)).slices_kji()] = False
    core = np.median(crop[_core(crop.shape)])
    ring = np.median(_crop(volume, wide)[beside]) if beside.any() else np.median(crop)
    middle = (core + ring) / 2
    low, high = (middle, crop.max()) if core > ring else (crop.min(), middle)
    return (crop >= low) & (crop <= high), (low, high)


def _core(shape):
    return tuple(slice(int(n * 0.3), max(int(n * 0.3) + 1, int(np.ceil(n * 0.7)))) for n in shape)


def _crop(volume, box):
    return volume.voxels[box.slices_kji()]


def _paste(volume, box, mask):
    whole = np.zeros(volume.voxels.shape, bool)
    whole[box.slices_kji()] = mask
    return whole
