"""Scans with an organ and its tumour, unpacked once into cells of one size."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.datasets import FileDataset
from SAMLesionLib.datasets.dataset import read_map
from SAMLesionLib.datasets.layouts import CaseFiles
from SAMLesionLib.errors import InputError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import IsotropicGrid, is_ct
from SAMLesionLib.imaging.organ_intensity import ORGAN_INTENSITIES
from SAMLesionLib.io import atomic_write, make_folder
from SAMLesionLib.training.prepared import check_usable, mapped, read_about, stamp_of
from SAMLesionLib.training.samples import Bools
from SAMLesionLib.volume import Volume

CUT = 0.5
"""The share of a cell above which it is organ or tumour."""


@dataclass(frozen=True, eq=False)
class OrganScan:
    """A scan as it lies on the disk.

    Attributes:
        volume: the scan.
        tumour: (k, j, i).
        organ: (k, j, i), the tumour included.
    """

    volume: Volume
    tumour: Bools
    organ: Bools

    def grid(self, step_mm: float) -> IsotropicGrid:
        """The cells of this size."""
        return IsotropicGrid.of(self.volume.affine, self.volume.shape_ijk, step_mm)


@dataclass(frozen=True, eq=False)
class OrganCase:
    """A scan in cells, (d, h, w), mapped into memory when its arrays are asked for.

    Attributes:
        name: of the case.
        folder: where it lies.
        shape: cells along d, h and w.
        is_ct: whether grey values are Hounsfield units.
    """

    name: str
    folder: Path
    shape: tuple[int, int, int]
    is_ct: bool

    def image(self) -> npt.NDArray[Any]:
        """Grey values."""
        return mapped(self.folder / "image.npy")

    def label(self) -> Bools:
        """The tumour."""
        return mapped(self.folder / "label.npy")

    def organ(self) -> Bools:
        """The organ, the tumour included."""
        return mapped(self.folder / "organ.npy")

    def tumour(self) -> npt.NDArray[np.int64]:
        """The cells that are tumour, N x 3."""
        return np.stack(np.unravel_index(mapped(self.folder / "tumour.npy"), self.shape), axis=-1)


@dataclass(frozen=True)
class OrganReader:
    """Reads the cases of a data set.

    Attributes:
        dataset: the cases.
        organ: the organ's word.
        masks: a folder of organ masks; None for those beside the images.
    """

    dataset: FileDataset
    organ: str
    masks: Path | None

    def read(self, name: str) -> OrganScan:
        """A scan with its organ: of a file, else every label but the background.

        Raises:
            ImageError: when the scan, its label or the organ's mask cannot be used.
            InputError: when there is a folder of masks and none for this case.
        """
        case, files = self.dataset.load(name), self.dataset.files(name)
        file = self.organ_file(files)
        drawn = read_map(file or files.label, case.volume, "organ" if file else "label").voxels != 0
        return OrganScan(case.volume, case.reference, drawn | case.reference)

    def organ_file(self, files: CaseFiles) -> Path | None:
        """The organ's mask of a case; None where its label map must do.

        Raises:
            InputError: when there is a folder of masks and none for this case.
        """
        if self.masks is None:
            beside = files.image.with_name(f"{self.organ}.nii.gz")
            return files.organ or (beside if beside.is_file() else None)
        places = (f"{files.name}.nii.gz", f"{files.name}/{self.organ}.nii.gz")
        found = next((path for place in places if (path := self.masks / place).is_file()), None)
        if found is None:
            raise InputError(
                f"{self.masks} holds neither {places[0]} nor {places[1]}. Add this organ's mask."
            )
        return found


def prepare_organs(
    reader: OrganReader, names: Sequence[str], step_mm: float, place: Path
) -> tuple[OrganCase, ...]:
    """The cases of these names that have a tumour; see `prepare` for when they are prepared anew.

    Raises:
        InputError: when a case cannot be used, none has a tumour, or the disk is full.
    """
    cases = tuple(case for case in _each(reader, names, step_mm, place) if case is not None)
    if not cases:
        raise InputError(
            f"None of {len(names)} cases of {reader.dataset.name} has a tumour. Check data.label."
        )
    return cases


def _each(
    reader: OrganReader, names: Sequence[str], step_mm: float, place: Path
) -> Iterator[OrganCase | None]:
    for name in names:
        folder = place / name
        files = reader.dataset.files(name)
        organ = str(reader.organ_file(files) or "")
        stamp = stamp_of(files)
        about = read_about(folder)
        if about is None or about["organ"] != organ or about.get("stamp") != stamp:
            print(f"preparing {name} of {reader.dataset.name}, once", file=sys.stderr, flush=True)
            scan = reader.read(name)
            check_usable(scan.volume, name)
            about = _write(scan, reader.organ, {"organ": organ, "stamp": stamp}, step_mm, folder)
        d, h, w = about["shape"]
        yield OrganCase(name, folder, (d, h, w), about["is_ct"]) if about["n_tumour"] else None


def _write(
    scan: OrganScan, word: str, made_of: dict[str, Any], step_mm: float, folder: Path
) -> dict[str, Any]:
    """Unpack a case; `about.json` comes last, so that what it tells of is whole."""
    make_folder(folder)
    (folder / "about.json").unlink(missing_ok=True)
    grid, has_hounsfield = scan.grid(step_mm), is_ct(scan.volume)
    image = grid.cells(scan.volume.voxels)
    kept = _body(image, word if has_hounsfield else "")
    if has_hounsfield:
        image = np.rint(image).astype(np.int16)
    label = (grid.cells(scan.tumour) > CUT)[kept]
    arrays = {
        "image": image[kept],
        "label": label,
        "organ": (grid.cells(scan.organ) > CUT)[kept],
        "tumour": np.flatnonzero(label),
    }
    for name, array in arrays.items():
        with atomic_write(folder / f"{name}.npy") as file:
            np.save(file, np.ascontiguousarray(array))
    about = {"shape": label.shape, "is_ct": has_hounsfield, "n_tumour": int(label.sum()), **made_of}
    with atomic_write(folder / "about.json") as file:
        file.write(json.dumps(about).encode())
    return about


def _body(image: npt.NDArray[np.float32], organ: str) -> tuple[slice, slice, slice]:
    """The block of cells brighter than the lowest grey value that counts for an organ."""
    known = ORGAN_INTENSITIES.get(organ)
    box = IndexBox.of_mask(image > known.window[0]) if known else None
    return (box or IndexBox.whole((image.shape[2], image.shape[1], image.shape[0]))).slices_kji()
