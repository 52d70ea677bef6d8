"""Small data sets of organs with tumours, as KiTS, LiTS, the Decathlon and nnU-Net keep them."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np

SHAPE_KJI = (10, 24, 24)
SPACING_MM = (1.0, 1.0, 2.0)
ORGAN, TUMOUR = 50, 150
SLICES_FIRST = np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1.0]])
"""As KiTS has them: the first axis runs through the slices."""


def a_scan(n: int, has_tumour: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Grey values and labels of a case: air, an organ 1 in it, and a tumour 2 that is brighter."""
    draw = np.random.default_rng(n)
    image = np.full(SHAPE_KJI, -1000, np.int16)
    image[1:-1, 3:-3, 2:-2] = draw.integers(-20, 20, (8, 18, 20))
    label = np.zeros(SHAPE_KJI, np.uint8)
    label[3:8, 5:18, 6:19] = 1
    if has_tumour:
        label[4:7, 8:13, 8 + n % 4 : 14 + n % 4] = 2
    image += (label == 1) * np.int16(ORGAN) + (label == 2) * np.int16(TUMOUR)
    return image, label


def write(path: Path, voxels_kji: np.ndarray, affine: np.ndarray | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if affine is None:
        nibabel.Nifti1Image(voxels_kji.T, np.diag([*SPACING_MM, 1.0])).to_filename(path)
    else:
        nibabel.Nifti1Image(voxels_kji, affine).to_filename(path)


def a_kidney_set(path: Path, numbers: tuple[int, ...]) -> Path:
    """KiTS21: a folder a case, the readings of most readers, slices along the first axis, organs beside."""
    for n in numbers:
        image, label = a_scan(n)
        case = path / f"case_{n:05}"
        write(case / "imaging.nii.gz", image, SLICES_FIRST)
        write(case / "aggregated_MAJ_seg.nii.gz", label, SLICES_FIRST)
        organ = (label > 0).astype(np.uint8)
        organ[3] = 0  # a machine's mask is not the expert's
        write(case / "kidney.nii.gz", organ, SLICES_FIRST)
    return path


def a_pancreas_set(path: Path, numbers: tuple[int, ...]) -> Path:
    """The Decathlon: `dataset.json` and two folders."""
    pairs = []
    for n in numbers:
        pair = {}
        for what, folder, voxels in zip(("image", "label"), ("imagesTr", "labelsTr"), a_scan(n), strict=True):
            pair[what] = f"./{folder}/pancreas_{n:03}.nii.gz"
            write(path / pair[what], voxels)
        pairs.append(pair)
    labels = {"0": "background", "1": "pancreas", "2": "cancer"}
    told = {"name": "Pancreas", "modality": {"0": "CT"}, "labels": labels, "training": pairs}
    (path / "dataset.json").write_text(json.dumps(told))
    return path


def a_liver_set(path: Path, numbers: tuple[int, ...]) -> Path:
    """LiTS: volumes and segmentations, the last of which has no tumour."""
    for n in numbers:
        image, label = a_scan(n, has_tumour=n != numbers[-1])
        write(path / "Training Batch 1" / f"volume-{n}.nii", image)
        write(path / "Training Batch 1" / f"segmentation-{n}.nii", label)
    return path


def an_nnunet_kidney_set(path: Path, numbers: tuple[int, ...]) -> Path:
    """nnU-Net's raw data."""
    for n in numbers:
        image, label = a_scan(n)
        write(path / "imagesTr" / f"case_{n:05}_0000.nii.gz", image)
        write(path / "labelsTr" / f"case_{n:05}.nii.gz", label)
    labels = {"background": 0, "kidney": [1, 2], "tumor": 2}
    told = {"name": "KiTS", "channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz"}
    (path / "dataset.json").write_text(json.dumps(told))
    return path
