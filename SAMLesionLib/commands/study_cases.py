"""Where the cases of a new study come from: a data set, the sample, or made-up scans."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from SAMLesionLib.errors import InputError

if TYPE_CHECKING:
    from SAMLesionLib.study.design import StudyCase
    from SAMLesionLib.study.new_design import CaseSource


def source_of(args: argparse.Namespace) -> CaseSource:
    """The cases that the options name.

    Raises:
        InputError: when there is no case.
    """
    if args.starts is not None and args.data is None:
        raise InputError("--starts names masks for the cases of a data set. Give that with --data.")
    if args.sample:
        return _Sample()
    if args.phantoms is not None:
        from SAMLesionLib.study.simulation.phantoms import PhantomCases

        if not 1 <= args.phantoms <= 999:
            raise InputError(f"--phantoms is {args.phantoms}, expected 1 to 999.")
        return PhantomCases(args.phantoms, args.seed)
    from SAMLesionLib.study.dataset_cases import DatasetCases

    return DatasetCases.open(args.data, args.label, args.starts)


class _Sample:
    """The brain tumour that comes with the program, copied into the study."""

    def planned(self) -> tuple[StudyCase, ...]:
        from SAMLesionLib.study.design import StudyCase

        return (StudyCase("C01", "images/C01.nrrd", modality="MR"),)

    def write(self, folder: Path) -> Iterator[StudyCase]:
        from SAMLesionLib.commands.sample import SAMPLE, read_case
        from SAMLesionLib.io import atomic_write, make_folder
        from SAMLesionLib.study.dataset_cases import study_case

        case, (planned,) = read_case(), self.planned()
        image = folder / planned.image
        make_folder(image.parent)
        with atomic_write(image) as file:
            file.write((SAMPLE / "image.nrrd").read_bytes())
        yield study_case(folder, planned.id, image, case.volume, case.expert)
