"""A whole study by simulated readers: their logs and masks lie where people's would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import InputError
from SAMLesionLib.io import Segment, atomic_write, make_folder, read_mask, read_volume, write_segmentation
from SAMLesionLib.study.log import LOG, as_bytes
from SAMLesionLib.study.log_reading import SESSION, Log
from SAMLesionLib.study.reading_session import FINISHED
from SAMLesionLib.study.simulation.effort import CaseEffort
from SAMLesionLib.study.simulation.masks import wavering
from SAMLesionLib.study.simulation.readers import Truth, simulate_log
from SAMLesionLib.study.study_folder import StudyFolder
from SAMLesionLib.study.worklist import MASKS
from SAMLesionLib.volume import Volume

BORDER_SD_VOXELS = 0.5
"""How far a reader's border wavers around the expert's, in every arm."""
ANSWER_SD_VOXELS = 1.0
"""How far a model's border wavers around the reader's."""


@dataclass(frozen=True, eq=False)
class _Known:
    volume: Volume
    expert: npt.NDArray[np.bool_]
    effort: CaseEffort


def simulate_study(study: StudyFolder, truth: Truth) -> int:
    """Write the logs and masks of all readers; returns how many readings there are.

    Args:
        study: whose work lists are dealt; every case needs a reference mask.
        truth: how fast work is.

    Raises:
        InputError: when a reader has begun, or a reference is missing.
        ImageError: when a scan or a mask cannot be read.
        OutputError: when something cannot be written.
    """
    _check_untouched(study)
    cases = {case.id: _known(study, case.id) for case in study.design.cases}
    efforts = {case: known.effort for case, known in cases.items()}
    plan = study.plan()
    changed = {}
    for n, (name, planned) in enumerate(plan.items()):
        known, rng = cases[planned.case], np.random.default_rng([truth.seed, n, 1])
        mask = wavering(known.expert, BORDER_SD_VOXELS, rng)
        path = study.reader_folder(planned.reader) / MASKS / f"{name}{FINISHED}"
        make_folder(path.parent)
        write_segmentation(path, [Segment("Lesion 1", mask)], known.volume)
        if study.design.arm(planned.arm).method != "manual":
            answer = wavering(mask, ANSWER_SD_VOXELS, rng)
            changed[name] = (int((mask & ~answer).sum()), int((answer & ~mask).sum()))
    for reader in study.design.readers:
        log = simulate_log(study.design, plan, efforts, truth, reader, changed)
        with atomic_write(study.reader_folder(reader) / LOG) as file:
            file.write(b"".join(_lines(log)))
    return len(plan)


def _check_untouched(study: StudyFolder) -> None:
    for reader in study.design.readers:
        path = study.reader_folder(reader) / LOG
        if path.exists():
            raise InputError(
                f"{reader} has begun already ({path}). Simulate in a copy of the design: simulated and real "
                "readings are never mixed."
            )


def _known(study: StudyFolder, case_id: str) -> _Known:
    case = study.design.case(case_id)
    if not case.reference:
        raise InputError(f"Simulated readers need to know the lesions: {case_id} has no reference mask.")
    volume = read_volume(study.resolve(case.image), case.modality)
    expert = read_mask(study.resolve(case.reference), volume)
    if not expert.any():
        raise InputError(f"Simulated readers need to know the lesions: the reference of {case_id} is empty.")
    return _Known(volume, expert, CaseEffort.of_mask(expert, volume.affine))


def _lines(log: Log) -> Iterator[bytes]:
    for session in log.sessions:
        first = session.lines[0]
        yield as_bytes(SESSION, first.monotonic_s, first.wall_s, "", session.facts)
        for line in session.lines:
            yield as_bytes(line.kind, line.monotonic_s, line.wall_s, line.reading, line.facts)
