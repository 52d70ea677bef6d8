"""Small made-up scans with lesions in them, for a study that needs no patient."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from SAMLesionLib.geometry import Affine
from SAMLesionLib.io import atomic_write, make_folder, nrrd
from SAMLesionLib.study.design import StudyCase

SHAPE_KJI = (16, 48, 48)
SPACING_MM = (1.5, 1.5, 4.0)


def phantom(rng: np.random.Generator) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """A scan and the labels of its one to three lesions, both (k, j, i)."""
    labels = np.zeros(SHAPE_KJI, np.uint8)
    k, j, i = np.indices(SHAPE_KJI)
    for n in range(1, int(rng.integers(1, 4)) + 1):
        radii = rng.uniform((2.0, 4.0, 4.0), (4.5, 9.0, 9.0))
        centre = [rng.uniform(r + 1, size - r - 2) for r, size in zip(radii, SHAPE_KJI, strict=True)]
        lobes = ndimage.gaussian_filter(rng.normal(size=SHAPE_KJI), 3.0)
        distance = sum(((x - c) / r) ** 2 for x, c, r in zip((k, j, i), centre, radii, strict=True))
        labels[(distance + 0.25 * lobes / lobes.std() < 1) & (labels == 0)] = n
    tissue = ndimage.gaussian_filter(rng.normal(1040.0, 60.0, SHAPE_KJI), 1.0)
    return (tissue + 45.0 * (labels > 0)).astype(np.uint16), labels


@dataclass(frozen=True)
class PhantomCases:
    """A `CaseSource` of made-up scans in `images/` and their true masks in `references/`.

    Attributes:
        n_cases: how many.
        seed: of chance.
    """

    n_cases: int
    seed: int

    def planned(self) -> tuple[StudyCase, ...]:
        """See `CaseSource.planned`."""
        return tuple(self._case(n) for n in range(1, self.n_cases + 1))

    def write(self, folder: Path) -> Iterator[StudyCase]:
        """See `CaseSource.write`."""
        affine = Affine.from_spacing(SPACING_MM)
        for n, case in enumerate(self.planned(), start=1):
            scan, labels = phantom(np.random.default_rng([self.seed, n]))
            for path, voxels in ((case.image, scan), (case.reference, labels)):
                make_folder((folder / path).parent)
                with atomic_write(folder / path) as file:
                    file.write(nrrd.header(affine, SHAPE_KJI[::-1], voxels.dtype))
                    file.write(gzip.compress(voxels.tobytes(), mtime=0))
            yield case

    def _case(self, n: int) -> StudyCase:
        return StudyCase(f"P{n:02d}", f"images/P{n:02d}.nrrd", f"references/P{n:02d}.nrrd")
