"""The cases of a data set as a study's: under numbers, with the experts' lesions apart.

A data set's own names may tell the patient, so that no file which readers or reports see holds them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from SAMLesionLib.datasets.dataset import FileDataset, open_dataset
from SAMLesionLib.datasets.layouts import CaseFiles
from SAMLesionLib.errors import ImageError, InputError
from SAMLesionLib.io import Segment, image_name, make_folder, read_mask, read_segmentation, write_segmentation
from SAMLesionLib.study.bare_segments import bare
from SAMLesionLib.study.design import StudyCase
from SAMLesionLib.volume import Volume

REFERENCES, STARTS = "references", "starts"


@dataclass(frozen=True)
class DatasetCases:
    """A `CaseSource` of files that lie on the disk; scans stay where they are.

    Attributes:
        dataset: the scans with the experts' lesions.
        starts: folder of the masks that readers correct, `NAME.nii.gz` or the like; None for none.
    """

    dataset: FileDataset
    starts: Path | None = None

    @classmethod
    def open(cls, path: Path, label: int | None = None, starts: Path | None = None) -> DatasetCases:
        """The cases of a data set.

        Args:
            path: the data set.
            label: the label value of lesions; None for those that it names so, or all.
            starts: folder of masks to correct, named like the cases.

        Raises:
            InputError: when there is no case, or a case has no mask to correct.
        """
        cases = cls(open_dataset(path, label=label), starts)
        for name in cases.dataset.case_names if starts is not None else ():
            cases._start(name)
        return cases

    def planned(self) -> tuple[StudyCase, ...]:
        """See `CaseSource.planned`."""
        start = STARTS if self.starts is not None else ""
        names = self.dataset.case_names
        return tuple(
            StudyCase(_id(n), str(self.dataset.files(name).image), start=start)
            for n, name in enumerate(names, 1)
        )

    def paths(self) -> list[Path]:
        """Every file that `write` will read."""
        files = [self.dataset.files(name) for name in self.dataset.case_names]
        starts = [self._start(each.name) for each in files] if self.starts is not None else []
        return [path for each in files for path in (each.image, each.label)] + starts

    def write(self, folder: Path) -> Iterator[StudyCase]:
        """See `CaseSource.write`."""
        for n, name in enumerate(self.dataset.case_names, start=1):
            files, case = self.dataset.files(name), self.dataset.load(name)
            _check_whole(files)
            start = self._copied_start(folder, _id(n), name, case.volume)
            yield study_case(folder, _id(n), files.image, case.volume, case.reference, start)

    def _copied_start(self, folder: Path, case_id: str, name: str, volume: Volume) -> str:
        if self.starts is None:
            return ""
        try:
            segments = _segments(self._start(name), volume)
        except ImageError as wrong:
            raise ImageError(f"Case {name}, mask to correct: {wrong}") from wrong
        return _written(folder, STARTS, case_id, segments, volume)

    def _start(self, name: str) -> Path:
        assert self.starts is not None
        found = sorted(path for path in self.starts.glob("*") if image_name(path) == name)
        if not found:
            raise InputError(
                f"{self.starts} holds no mask of the case {name}. Put it there, such as {name}.nii.gz."
            )
        return found[0]


def study_case(
    folder: Path,
    case_id: str,
    image: Path,
    volume: Volume,
    reference: npt.NDArray[np.bool_],
    start: str = "",
) -> StudyCase:
    """A case whose reference mask lies in the study's folder from now on; an empty one is none."""
    drawn = [Segment("reference", reference)] if reference.any() else []
    path = _written(folder, REFERENCES, case_id, drawn, volume) if drawn else ""
    return StudyCase(case_id, _from(folder, image), path, start, volume.modality)


def _id(n: int) -> str:
    return f"C{n:02d}"


def _check_whole(files: CaseFiles) -> None:
    if files.channel is not None:
        raise InputError(f"{files.name} has several channels, and readers open whole files. Give one a file.")


def _segments(path: Path, volume: Volume) -> list[Segment]:
    """The segments of a mask without their names, which may tell the model; one when it is a crop."""
    mask, found = read_mask(path, volume), read_segmentation(path)
    is_whole = found.shape_ijk == volume.shape_ijk and bool(found.segments)
    return bare(found.segments if is_whole else [Segment("", mask)])


def _written(folder: Path, kind: str, case_id: str, segments: list[Segment], volume: Volume) -> str:
    path = f"{kind}/{case_id}.seg.nrrd"
    make_folder(folder / kind)
    write_segmentation(folder / path, segments, volume)
    return path


def _from(folder: Path, image: Path) -> str:
    """A path as the design tells it: relative where the scan lies in the study's folder."""
    absolute = Path(os.path.abspath(image))
    inside = Path(os.path.abspath(folder))
    return absolute.relative_to(inside).as_posix() if inside in absolute.parents else absolute.as_posix()
