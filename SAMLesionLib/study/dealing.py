"""Work lists for the readers, from a frozen design."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

from SAMLesionLib.errors import InputError
from SAMLesionLib.io import make_folder
from SAMLesionLib.study.design import Arm, StudyDesign
from SAMLesionLib.study.schedule import PlannedReading, schedule
from SAMLesionLib.study.study_folder import StudyFolder, reading_name, write_json
from SAMLesionLib.study.worklist import MASKS, WORKLIST, ShownArm, Task, WorkList

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
METHOD_TITLES = {"manual": "By hand", "assisted": "With AI", "correct": "Correct a mask"}


def deal(study: StudyFolder) -> list[WorkList]:
    """Write each reader's work list, in place of an earlier one; logs and masks stay.

    Raises:
        InputError: when there are more arms than letters, or a scan is missing.
        OutputError: when a folder cannot be written to.
    """
    if len(study.design.arms) > len(LETTERS):
        raise InputError(f"A study has at most {len(LETTERS)} arms, got {len(study.design.arms)}.")
    _check_files(study)
    lists = [_list_of(study, reader, tasks) for reader, tasks in schedule(study.design).items()]
    for worklist in lists:
        folder = study.reader_folder(worklist.reader)
        make_folder(folder / MASKS)
        write_json(folder / WORKLIST, worklist.to_json())
    return lists


def without_reference(study: StudyFolder) -> list[str]:
    """The cases whose quality cannot be measured as things are; the references may come later."""
    cases = study.design.cases
    return [c.id for c in cases if not c.reference or not study.resolve(c.reference).exists()]


def _list_of(study: StudyFolder, reader: str, readings: tuple[PlannedReading, ...]) -> WorkList:
    design, letters = study.design, _letters(study, reader)
    return WorkList(
        study=design.name,
        title=design.title,
        reader=reader,
        version=design.version,
        design_sha256=study.start.design_sha256,
        instructions=_one_line(design.instructions),
        washout_days=design.order.washout_days,
        arms={letters[arm.id]: _shown(arm, design, letters) for arm in _by_letter(design, letters)},
        tasks=tuple(_task(study, reading, letters[reading.arm]) for reading in readings),
    )


def _letters(study: StudyFolder, reader: str) -> dict[str, str]:
    """Each reader has other letters, so that two of them cannot put their results together."""
    ids = [arm.id for arm in study.design.arms]
    random.Random(f"{study.start.salt} {reader}").shuffle(ids)
    return dict(zip(ids, LETTERS, strict=False))


def _by_letter(design: StudyDesign, letters: Mapping[str, str]) -> list[Arm]:
    return sorted(design.arms, key=lambda arm: letters[arm.id])


def _shown(arm: Arm, design: StudyDesign, letters: Mapping[str, str]) -> ShownArm:
    title = METHOD_TITLES[arm.method] if design.order.is_arm_blinded else arm.title
    if design.order.is_arm_blinded and Counter(a.method for a in design.arms)[arm.method] > 1:
        title += f", {letters[arm.id]}"
    return ShownArm(title, arm.method, arm.model, _one_line(arm.instructions))


def _task(study: StudyFolder, reading: PlannedReading, letter: str) -> Task:
    case, arm = study.design.case(reading.case), study.design.arm(reading.arm)
    start = case.start if arm.method == "correct" else ""
    name = reading_name(study.start.salt, reading)
    return Task(name, case.id, case.image, case.modality, reading.period, letter, start)


def _one_line(text: str) -> str:
    """A design breaks lines for its own width; whoever shows them breaks them anew."""
    return " ".join(text.split())


def _check_files(study: StudyFolder) -> None:
    for case in study.design.cases:
        for path in filter(None, (case.image, case.start)):
            if not study.resolve(path).exists():
                raise InputError(
                    f"The case {case.id} names {path}, which is not in {study.path}. Put it there."
                )
