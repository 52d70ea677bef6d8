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
from SAMLesionLib.datasets.layouts import CaseFiles
from SAMLesionLib.errors import ImageError, InputError
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
    """All cases that have a lesion; those prepared before are taken while their files are what they were.

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
        stamp = stamp_of(dataset.files(name))
        about = read_about(folder)
        if about is None or about.get("stamp") != stamp:
            print(f"preparing {name} of {dataset.name}, once", file=sys.stderr, flush=True)
            about = _write(dataset.load(name), look, folder, stamp)
        lesions = tuple(IndexBox(tuple(start), tuple(stop)) for start, stop in about["lesions"])
        low, high = about["window"]
        yield PreparedCase(name, folder, lesions, (low, high))


def stamp_of(files: CaseFiles) -> list[list[int]]:
    """Size and time of each file of a case: others when somebody has edited it."""
    paths = (files.image, files.label, files.instances, files.organ)
    found = [path.stat() for path in paths if path is not None and path.exists()]
    return [[file.st_size, file.st_mtime_ns] for file in found]


def read_about(folder: Path) -> dict[str, Any] | None:
    """What is told of a case that was prepared before; None where it was not."""
    path = folder / "about.json"
    if not path.exists():
        return None
    about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return about


def check_usable(volume: Volume, case: str) -> None:
    """Refuse a scan that a network cannot learn from.

    Raises:
        ImageError: with the case's name.
    """
    try:
        volume.check_usable()
    except ImageError as wrong:
        raise ImageError(f"Case {case}: {wrong}") from wrong


def _write(case: Case, look: Look, folder: Path, stamp: list[list[int]]) -> dict[str, Any]:
    """Unpack a case; `about.json` comes last, so that what it tells of is whole."""
    if case.lesions:
        check_usable(case.volume, case.name)
    make_folder(folder)
    (folder / "about.json").unlink(missing_ok=True)
    kept = look(case).intersect(case.volume.block) if case.lesions else IndexBox((0, 0, 0), (1, 1, 1))
    arrays = {"image": case.volume.voxels, "label": case.reference}
    for name, array in arrays.items():
        with atomic_write(folder / f"{name}.npy") as file:
            np.save(file, np.ascontiguousarray(array[kept.slices_kji()]))
    about: dict[str, Any] = {
        "stamp": stamp,
        "ijk_to_ras": _moved(case.volume.affine, kept).tolist(),
        # Asked of the whole scan: a piece of it may hold no air.
        "modality": "CT" if is_ct(case.volume) else _known(case.volume.modality),
        "window": medsam_window(case.volume),
        "lesions": [_relative(lesion.box, kept) for lesion in case.lesions],
    }
    with atomic_write(folder / "about.json") as file:
        file.write(json.dumps(about).encode())
    return about


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
