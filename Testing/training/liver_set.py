"""A small data set of livers with tumours, as the Decathlon keeps it."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np

SPACING_MM = (1.0, 1.5, 3.0)


def a_liver_set(path: Path, n_cases: int = 10) -> Path:
    """The Decathlon's layout: liver 1, a tumour 2 that is brighter, in all but the last case."""
    pairs = []
    for n in range(n_cases):
        image = np.random.default_rng(n).integers(-100, 100, (14, 24, 40)).astype(np.int16)
        label = np.zeros(image.shape, np.uint8)
        label[3:12, 4:20, 5:35] = 1
        if n < n_cases - 1:
            label[5:9, 8:14, 10 + n : 19 + n] = 2
            label[10, 17, 30:33] = 2  # too small for a target
        image[label == 2] += 300
        for folder, voxels in (("imagesTr", image), ("labelsTr", label)):
            (path / folder).mkdir(parents=True, exist_ok=True)
            file = path / folder / f"liver_{n:03}.nii.gz"
            nibabel.Nifti1Image(voxels.T, np.diag([*SPACING_MM, 1.0])).to_filename(file)
        pairs.append({"image": f"imagesTr/liver_{n:03}.nii.gz", "label": f"labelsTr/liver_{n:03}.nii.gz"})
    told = {
        "name": "Liver",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "liver", "2": "cancer"},
    }
    (path / "dataset.json").write_text(json.dumps({**told, "training": pairs}))
    return path
