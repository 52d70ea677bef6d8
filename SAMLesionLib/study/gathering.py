"""Everything that a study has brought in so far: logs and masks of all readers become tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from SAMLesionLib.errors import ImageError
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.study.counting import count, of_lesion
from SAMLesionLib.study.dealing import without_reference
from SAMLesionLib.study.design import StudyCase
from SAMLesionLib.study.log import LOG
from SAMLesionLib.study.log_reading import Log, read_log
from SAMLesionLib.study.quality import Grid, PairAgreement, agree, measure, millilitres, read_grid
from SAMLesionLib.study.reading_session import FINISHED
from SAMLesionLib.study.rows import LesionRow, ReadingRow
from SAMLesionLib.study.schedule import PlannedReading
from SAMLesionLib.study.study_folder import StudyFolder
from SAMLesionLib.study.timing import ReadingTimes, reading_times
from SAMLesionLib.study.worklist import MASKS


@dataclass
class StudyData:
    """The tables, and what is odd about them.

    Attributes:
        study: where they come from.
        rows: one a planned reading.
        lesions: one a lesion of a finished reading.
        pairs: readers compared with each other, and repeats with the first reading.
        logs: by reader.
        findings: sentences about what is missing or odd.
    """

    study: StudyFolder
    rows: list[ReadingRow] = field(default_factory=list)
    lesions: list[LesionRow] = field(default_factory=list)
    pairs: list[PairAgreement] = field(default_factory=list)
    logs: dict[str, Log] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


def gather(study: StudyFolder) -> StudyData:
    """Read all logs and masks.

    Raises:
        InputError: when a log was written by a later version.
    """
    data = StudyData(study)
    plan = study.plan()
    for reader in study.design.readers:
        log = read_log(study.reader_folder(reader) / LOG)
        data.logs[reader] = log
        own = {name: planned for name, planned in plan.items() if planned.reader == reader}
        rows, lesions = tables_of(log, own, study.design.analysis.idle_after_s)
        data.rows += rows
        data.lesions += lesions
    data.findings += [_bare(study.design.case(case_id)) for case_id in without_reference(study)]
    for case in study.design.cases:
        _add_quality(data, case)
    return data


def _bare(case: StudyCase) -> str:
    if not case.reference:
        return f"{case.id} has no reference mask, so its quality is not measured."
    return f"The reference of {case.id} is gone, so its quality is not measured. Put {case.reference} back."


def tables_of(
    log: Log, plan: dict[str, PlannedReading], idle_after_s: float
) -> tuple[list[ReadingRow], list[LesionRow]]:
    """The rows of one reader, quality left open.

    Args:
        log: the reader's.
        plan: the reader's planned readings by name.
        idle_after_s: how long looking without moving is work.
    """
    times = reading_times(log, idle_after_s)
    begun = [name for name in times if name in plan]  # in the order of their first line
    rows = []
    for name, planned in plan.items():
        told = times.get(name, ReadingTimes())
        in_arm = [n for n in begun if plan[n].arm == planned.arm]
        orders = [names.index(name) + 1 if name in names else 0 for names in (begun, in_arm)]
        rows.append(_row(name, planned, told, orders[0], orders[1]))
    lesions = [lesion for row in rows if row.counts for lesion in _lesion_rows(row, times[row.reading])]
    return rows, lesions


def _row(name: str, planned: PlannedReading, told: ReadingTimes, order: int, order_in_arm: int) -> ReadingRow:
    counts = count(told.lines)
    ends = [line for line in told.lines if line.kind in ("finish", "skip")]
    state = (
        {"finish": "finished", "skip": "skipped"}[ends[0].kind] if ends else "begun" if told.lines else "open"
    )
    changed = (counts.n_added_after_ai, counts.n_removed_after_ai)
    return ReadingRow(
        reading=name,
        reader=planned.reader,
        case=planned.case,
        arm=planned.arm,
        period=planned.period,
        order=order,
        order_in_arm=order_in_arm,
        is_repeat=planned.is_repeat,
        state=state,
        n_sessions=told.n_sessions,
        active_s=told.whole.active_s,
        idle_s=told.whole.idle_s,
        compute_s=told.whole.compute_s,
        n_lesions=int(ends[0].facts.get("n_lesions", 0)) if state == "finished" else None,
        n_prompts=counts.n_prompts,
        n_edits=counts.n_edits,
        n_undone=counts.n_undone,
        n_scrolled=counts.n_scrolled,
        n_voxels_after_ai=None if changed[0] is None or changed[1] is None else changed[0] + changed[1],
    )


def _lesion_rows(row: ReadingRow, times_of: ReadingTimes) -> Iterator[LesionRow]:
    for lesion, times in times_of.lesions.items():
        lines = of_lesion(times_of.lines, lesion)
        if any(line.kind == "lesion_deleted" for line in lines[-1:]):
            continue  # the reader took it back: its time is in the reading's
        told = count(lines)
        yield LesionRow(
            reading=row.reading,
            reader=row.reader,
            case=row.case,
            arm=row.arm,
            lesion=lesion,
            active_s=times.active_s,
            idle_s=times.idle_s,
            compute_s=times.compute_s,
            n_prompts=told.n_prompts,
            n_edits=told.n_edits,
            n_voxels=told.n_voxels,
            n_added_after_ai=told.n_added_after_ai,
            n_removed_after_ai=told.n_removed_after_ai,
        )


def _add_quality(data: StudyData, case: StudyCase) -> None:
    """Measure all masks of one case, one case at a time in memory."""
    finished = [at for at, row in enumerate(data.rows) if row.case == case.id and row.state == "finished"]
    grid = _grid(data, case, finished)
    if grid is None:
        return
    reference = _reference(data, case, grid)
    masks = {at: mask for at in finished if (mask := _result(data, at, grid)) is not None}
    for at, mask in masks.items():
        told = replace(data.rows[at], volume_ml=millilitres(mask, grid))
        if reference is not None:
            found = measure(reference, mask, grid, data.study.design.analysis.nsd_tolerance_mm)
            told = replace(told, **vars(found))
        data.rows[at] = told
    data.pairs += _pairs(data, case, masks, grid)


def _grid(data: StudyData, case: StudyCase, finished: list[int]) -> Grid | None:
    """The scan's grid, on which results lie; a reference may be cropped."""
    paths = [_result_path(data, data.rows[at]) for at in finished if data.rows[at].n_lesions]
    if case.reference:
        paths.append(data.study.resolve(case.reference))
    for path in paths:
        with suppress(ImageError):  # told of where the mask itself is read
            return read_grid(path)
    return None


def _reference(data: StudyData, case: StudyCase, grid: Grid) -> PackedMask | None:
    if case.id in without_reference(data.study):
        return None
    try:
        return grid.read(data.study.resolve(case.reference))
    except ImageError as wrong:
        data.findings.append(
            f"The reference of {case.id} cannot be used, so its quality is not measured: {wrong}"
        )
        return None


def _result(data: StudyData, at: int, grid: Grid) -> PackedMask | None:
    row = data.rows[at]
    try:
        return PackedMask() if row.n_lesions == 0 else grid.read(_result_path(data, row))
    except ImageError as wrong:
        data.findings.append(f"The mask of {row.reader} on {row.case} ({row.arm}) cannot be used: {wrong}")
        return None


def _result_path(data: StudyData, row: ReadingRow) -> Path:
    return data.study.reader_folder(row.reader) / MASKS / f"{row.reading}{FINISHED}"


def _pairs(data: StudyData, case: StudyCase, masks: dict[int, PackedMask], grid: Grid) -> list[PairAgreement]:
    found = []
    for arm in data.study.design.arms:
        own = {at: mask for at, mask in masks.items() if data.rows[at].arm == arm.id}
        firsts = {data.rows[at].reader: mask for at, mask in own.items() if not data.rows[at].is_repeat}
        found += agree(case.id, arm.id, firsts, grid)
        for at, mask in own.items():
            reader = data.rows[at].reader
            if data.rows[at].is_repeat and reader in firsts:
                (pair,) = agree(case.id, arm.id, {"first": firsts[reader], "again": mask}, grid)
                found.append(replace(pair, one=reader, other=reader))
    return found
