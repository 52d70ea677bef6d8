"""Where the cases of a new study come from: a data set, the sample, or made-up scans."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from SAMLesionLib.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from SAMLesionLib.study.design import StudyCase
    from SAMLesionLib.volume import Volume


def cases_of(args: argparse.Namespace) -> list[StudyCase]:
    """The cases that the options name, with their reference masks in the study's folder.

    Raises:
        InputError: when there is no case.
        ImageError: when one cannot be read.
        OutputError: when a mask cannot be written.
    """
    if args.sample:
        return [_sample(args.study)]
    if args.phantoms is None:
        return _of_dataset(args.study, args.data, args.label)
    from SAMLesionLib.study.simulation.phantoms import write_phantoms

    if not 1 <= args.phantoms <= 999:
        raise InputError(f"--phantoms is {args.phantoms}, expected 1 to 999.")
    return write_phantoms(args.study, args.phantoms, args.seed)


def _sample(folder: Path) -> StudyCase:
    from SAMLesionLib.commands.sample import SAMPLE, read_case
    from SAMLesionLib.io import atomic_write, make_folder

    case = read_case()
    image = folder / "images" / "C01.nrrd"
    make_folder(image.parent)
    with atomic_write(image) as file:
        file.write((SAMPLE / "image.nrrd").read_bytes())
    return _case(folder, "C01", image, case.volume, case.expert)


def _of_dataset(folder: Path, path: Path, label: int | None) -> list[StudyCase]:
    """Cases get numbers: a data set's own names may tell the patient."""
    from SAMLesionLib.datasets.dataset import open_dataset

    dataset = open_dataset(path, label=label)
    cases = []
    for n, name in enumerate(dataset.case_names, start=1):
        case, files = dataset.load(name), dataset.files(name)
        if files.channel is not None:
            raise InputError(f"{name} has several channels, and readers open whole files. Give one a file.")
        cases.append(_case(folder, f"C{n:02d}", files.image, case.volume, case.reference))
    return cases


def _case(folder: Path, name: str, image: Path, volume: Volume, mask: npt.NDArray[np.bool_]) -> StudyCase:
    from SAMLesionLib.io import Segment, make_folder, write_segmentation
    from SAMLesionLib.study.design import StudyCase

    reference = ""
    if mask.any():
        reference = f"references/{name}.seg.nrrd"
        make_folder(folder / "references")
        write_segmentation(folder / reference, [Segment("reference", mask)], volume)
    return StudyCase(name, _from(folder, image), reference, modality=volume.modality)


def _from(folder: Path, image: Path) -> str:
    """A path as the design tells it: relative where the scan lies in the study's folder."""
    absolute = Path(os.path.abspath(image))
    inside = Path(os.path.abspath(folder))
    return absolute.relative_to(inside).as_posix() if inside in absolute.parents else absolute.as_posix()
