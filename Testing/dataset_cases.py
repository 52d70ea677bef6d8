"""Small data sets on the disk, as people keep them."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

SHAPE_KJI = (6, 10, 12)
SPACING_MM = (1.0, 2.0, 5.0)
VOXEL_ML = 0.01


def an_image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 200, SHAPE_KJI, dtype=np.int16)


def a_label() -> np.ndarray:
    """Value 1: a bar of six voxels and, across a corner, one more; value 2: four voxels; value 3: one."""
    label = np.zeros(SHAPE_KJI, np.uint8)
    label[2, 3, 2:8] = 1
    label[3, 4, 8] = 1
    label[4, 7:9, 2:4] = 2
    label[0, 0, 0] = 3
    return label


def write(path: Path, voxels: np.ndarray, origin_ras: tuple[float, float, float] = (0, 0, 0)) -> Path:
    """An upright RAS grid in the format of the ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = origin_ras
    if ".nii" in path.name:
        nibabel.Nifti1Image(voxels.T, affine).to_filename(path)
        return path
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(SPACING_MM)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    image.SetOrigin((-origin_ras[0], -origin_ras[1], origin_ras[2]))
    sitk.WriteImage(image, str(path))
    return path


def a_folder(path: Path, names: tuple[str, ...] = ("anna", "ben")) -> Path:
    """Two cases, the first of which the manifest knows."""
    for seed, name in enumerate(names):
        write(path / name / "image.nrrd", an_image(seed))
        write(path / name / "label.nrrd", a_label())
    cases = [{"name": names[0], "modality": "MR FLAIR", "body_part": "leg (soft tissue)"}]
    (path / "manifest.json").write_text(json.dumps({"cases": cases}))
    return path


def a_decathlon(path: Path, channels: tuple[str, ...] = ("CT",)) -> Path:
    """One case of pancreas (1), cancer (2) and stent (3)."""
    image = an_image() if len(channels) == 1 else np.stack([an_image(n) for n in range(len(channels))])
    write(path / "imagesTr" / "pancreas_001.nii.gz", image)
    write(path / "labelsTr" / "pancreas_001.nii.gz", a_label())
    values = {
        "name": "Pancreas",
        "modality": {str(n): word for n, word in enumerate(channels)},
        "labels": {"0": "background", "1": "pancreas", "2": "cancer"},
        "training": [{"image": "./imagesTr/pancreas_001.nii.gz", "label": "./labelsTr/pancreas_001.nii.gz"}],
    }
    (path / "dataset.json").write_text(json.dumps(values))
    return path


def an_nnunet(path: Path, n_channels: int = 1, has_json: bool = True) -> Path:
    """Two cases of liver (1) and tumour (2)."""
    for case in ("liver_1", "liver_2"):
        for n in range(n_channels):
            write(path / "imagesTr" / f"{case}_{n:04}.nii.gz", an_image(n))
        write(path / "labelsTr" / f"{case}.nii.gz", a_label())
    values = {
        "channel_names": dict(zip("0123", ("T2", "ADC")[:n_channels], strict=False)),
        "labels": {"background": 0, "whole": [1, 2], "tumour": 2},
        "file_ending": ".nii.gz",
    }
    if has_json:
        (path / "dataset.json").write_text(json.dumps(values))
    return path


def a_kits(path: Path) -> Path:
    write(path / "case_00007" / "imaging.nii.gz", an_image())
    write(path / "case_00007" / "segmentation.nii.gz", a_label())
    return path


def a_lits(path: Path) -> Path:
    write(path / "batch 1" / "volume-3.nii.gz", an_image())
    write(path / "batch 1" / "segmentation-3.nii.gz", a_label())
    return path


def a_table(
    path: Path, columns: str = "case,image,label,modality", line: str = "x,a.nrrd,b.nrrd,PET"
) -> Path:
    write(path / "a.nrrd", an_image())
    write(path / "b.nrrd", a_label())
    table = path / "pairs.csv"
    table.write_text(f"{columns}\n{line}\n")
    return table
