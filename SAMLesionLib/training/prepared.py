"""Cases of a data set, unpacked once so that a piece of one is read in milliseconds.

A compressed scan takes seconds to open, a training step less than one. Scans lie here as plain arrays of
their own voxels and grid, cut down to what training can look at; they are mapped into memory, not read.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from SAMLesionLib.datasets import Case, FileDataset
from SAMLesionLib.errors import InputError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import Window, is_ct, medsam_window
from SAMLesionLib.io import atomic_write, make_folder
from SAMLesionLib.volume import Volume

Look = Callable[[Case], IndexBox]
"""The block of a case that training can look at."""


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """One scan and its lesions, mapped into memory when they are asked for.

    Attributes:
        name: of the case.
        folder: where it lies.
        lesions: the block of each lesion.
        window: the grey values between which MedSAM sees the whole scan.
    """

    name: str
    folder: Path
    lesions: tuple[IndexBox, ...]
    window: Window

    def volume(self) -> Volume:
        """The scan."""
        about = json.loads((self.folder / "about.json").read_text(encoding="utf-8"))
        affine = Affine(np.array(about["ijk_to_ras"]))
        return Volume(mapped(self.folder / "image.npy"), affine, self.name, about["modality"])

    def mask(self) -> npt.NDArray[np.bool_]:
        """All lesions, (k, j, i)."""
        return mapped(self.folder / "label.npy")


def prepare(dataset: FileDataset, look: Look, folder: Path | None, what: str) -> tuple[PreparedCase, ...]:
    """All cases that have a lesion; those that were prepared before are taken as they are.

    Args:
        dataset: the cases.
        look: what of each is kept.
        folder: where prepared cases lie; None for the user's cache.
        what: tells apart what else `look` depends on.

    Raises:
        InputError: when a case cannot be used, none has a lesion, or the disk is full.
    """
    cases = tuple(case for case in _each(dataset, look, place_of(dataset, folder, what)) if case.lesions)
    if not cases:
        raise InputError(f"No case of {dataset.name} has a lesion that counts. Check label and least_voxels.")
    return cases


def place_of(dataset: FileDataset, folder: Path | None, what: str) -> Path:
    """The folder for the prepared cases of a data set; see `prepare`."""
    described = json.dumps([dataset.describe(), what], sort_keys=True)
    place = folder or Path(platformdirs.user_cache_dir("samlesion", appauthor=False)) / "prepared"
    return place / f"{dataset.name}-{hashlib.sha256(described.encode()).hexdigest()[:12]}"


def _each(dataset: FileDataset, look: Look, place: Path) -> Iterator[PreparedCase]:
    for name in dataset.case_names:
        folder = place / name
        if not (folder / "about.json").exists():
            print(f"preparing {name} of {dataset.name}, once", file=sys.stderr, flush=True)
            _write(dataset.load(name), look, folder)
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        lesions = tuple(IndexBox(tuple(start), tuple(stop)) for start, stop in about["lesions"])
        low, high = about["window"]
        yield PreparedCase(name, folder, lesions, (low, high))


def _write(case: Case, look: Look, folder: Path) -> None:
    """Unpack a case; `about.json` comes last, so that what it tells of is whole."""
    make_folder(folder)
    kept = look(case).intersect(case.volume.block) if case.lesions else IndexBox((0, 0, 0), (1, 1, 1))
    arrays = {"image": case.volume.voxels, "label": case.reference}
    for name, array in arrays.items():
        with atomic_write(folder / f"{name}.npy") as file:
            np.save(file, np.ascontiguousarray(array[kept.slices_kji()]))
    about = {
        "ijk_to_ras": _moved(case.volume.affine, kept).tolist(),
        # Asked of the whole scan: a piece of it may hold no air.
        "modality": "CT" if is_ct(case.volume) else _known(case.volume.modality),
        "window": medsam_window(case.volume),
        "lesions": [_relative(lesion.box, kept) for lesion in case.lesions],
    }
    with atomic_write(folder / "about.json") as file:
        file.write(json.dumps(about).encode())


def _moved(affine: Affine, kept: IndexBox) -> npt.NDArray[np.float64]:
    matrix = affine.ijk_to_ras.copy()
    matrix[:3, 3] = affine.to_ras(np.array([kept.start_ijk], float))[0]
    return matrix


def _known(modality: str) -> str:
    return "MR" if modality == "OT" else modality


def _relative(box: IndexBox, kept: IndexBox) -> list[list[int]]:
    moved = box.shift((-kept.start_ijk[0], -kept.start_ijk[1], -kept.start_ijk[2]))
    return [[int(n) for n in moved.start_ijk], [int(n) for n in moved.stop_ijk]]


def mapped(path: Path) -> npt.NDArray[Any]:
    """An array that is read from the disk where it is looked at."""
    array: npt.NDArray[Any] = np.load(path, mmap_mode="r")
    return array
