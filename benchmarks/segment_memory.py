"""Peak memory of `samlesion segment` on a 512 x 512 x 300 scan, beside its size and the model's.

The model's share is measured as the peak of the same command on a scan of 64 x 64 x 8 voxels.

    python benchmarks/segment_memory.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from SAMLesionLib import Affine, Volume

MIB = 2**20


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        small, _ = _peak(Path(folder), (64, 64, 8), "20,20,2,40,40,6")
        large, large_bytes = _peak(Path(folder), (512, 512, 300), "200,200,140,260,260,160")
    print(f"scan of 512 x 512 x 300 int16:      {large_bytes / MIB:8.0f} MiB")
    print(f"peak with a scan of 64 x 64 x 8:    {small / MIB:8.0f} MiB (program and model)")
    print(f"peak with the scan:                 {large / MIB:8.0f} MiB")
    print(f"above program and model:            {(large - small) / large_bytes:8.2f} times the scan")


def _peak(folder: Path, shape_ijk: tuple[int, int, int], box: str) -> tuple[int, int]:
    """Bytes at the peak of the command, and bytes of the scan."""
    rng = np.random.default_rng(0)
    voxels = rng.normal(40, 12, shape_ijk[::-1]).astype(np.int16)
    k, j, i = (slice(n // 2 - n // 20 - 1, n // 2 + n // 20 + 1) for n in shape_ijk[::-1])
    voxels[k, j, i] += 60
    volume = Volume(voxels, Affine.from_spacing((0.8, 0.8, 1.0)), "scan", "CT")
    image = folder / "scan.nii"
    _save(image, volume)
    command = [
        sys.executable,
        "-m",
        "SAMLesionLib.cli",
        "segment",
        str(image),
        "-o",
        str(folder / "o.seg.nrrd"),
    ]
    child = subprocess.Popen(
        [*command, "--modality", "CT", "--box", box], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"samlesion segment failed: {said.decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit, voxels.nbytes


def _save(path: Path, volume: Volume) -> None:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(volume.voxels)
    image.SetSpacing(volume.affine.spacing_mm)
    sitk.WriteImage(image, str(path))


if __name__ == "__main__":
    main()
