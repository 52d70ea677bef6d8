"""The numbers of a study as a paper would report them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from SAMLesionLib.metrics import Icc, icc
from SAMLesionLib.reports.statistics import Estimate, PairedDifference, estimate
from SAMLesionLib.study.comparisons import METRICS, NonInferiority, compare_quality, non_inferiority
from SAMLesionLib.study.design import Arm
from SAMLesionLib.study.findings import findings
from SAMLesionLib.study.gathering import StudyData
from SAMLesionLib.study.mixed_model import MixedModel, fit
from SAMLesionLib.study.quality import PairAgreement
from SAMLesionLib.study.rows import LesionRow, ReadingRow
from SAMLesionLib.study.savings import Saving, saving_of, savings_by_reader, time_pairs

EVERYONE = "all readers"


@dataclass(frozen=True)
class ArmNumbers:
    """One arm, by all readers or one. Means over readings; intervals draw whole cases.

    Attributes:
        arm: id of the arm.
        reader: id of the reader, or `EVERYONE`.
        n: finished readings.
        work_s: per case, active and compute together.
        active_s: per case.
        compute_s: per case.
        idle_s: per case.
        lesion_s: active and compute per lesion.
        prompts: per lesion.
        edits: per lesion.
        voxels_after_ai: changed after the model's last answer, per case.
        dice: against the reference.
        nsd: against the reference.
        hd95_mm: against the reference; its median is told.
        volume_error_ml: against the reference.
    """

    arm: str
    reader: str
    n: int
    work_s: Estimate
    active_s: Estimate
    compute_s: Estimate
    idle_s: Estimate
    lesion_s: Estimate
    prompts: Estimate
    edits: Estimate
    voxels_after_ai: Estimate
    dice: Estimate
    nsd: Estimate
    hd95_mm: Estimate
    volume_error_ml: Estimate


@dataclass(frozen=True)
class ArmSaving:
    """The saving of an arm, by all readers or one."""

    arm: str
    reader: str
    saving: Saving


@dataclass(frozen=True)
class ArmQuality:
    """The quality of an arm against the baseline's, in pairs."""

    arm: str
    metric: str
    difference: PairedDifference


@dataclass(frozen=True)
class ArmAgreement:
    """How far readers agree in an arm, with each other and with themselves.

    Attributes:
        arm: id of the arm.
        dice: over pairs of readers.
        kappa: over pairs of readers.
        volume_icc: of the volumes; None where it cannot be computed.
        own_dice: between a reading and its repeat.
        own_difference_ml: absolute difference of their volumes.
    """

    arm: str
    dice: Estimate
    kappa: Estimate
    volume_icc: Icc | None
    own_dice: Estimate
    own_difference_ml: Estimate


@dataclass(frozen=True)
class Summary:
    """Everything that the report shows.

    Attributes:
        arms: by all readers, in the order of the design.
        readers: by each reader and arm.
        savings: of each arm but the baseline, by all readers first.
        model: of all times.
        quality: in pairs.
        verdicts: on the Dice, by arm.
        agreement: by arm.
        findings: what is missing or odd.
    """

    arms: tuple[ArmNumbers, ...]
    readers: tuple[ArmNumbers, ...]
    savings: tuple[ArmSaving, ...]
    model: MixedModel
    quality: tuple[ArmQuality, ...]
    verdicts: dict[str, NonInferiority]
    agreement: tuple[ArmAgreement, ...]
    findings: tuple[str, ...]


def summarise(data: StudyData) -> Summary:
    """All numbers of a study.

    Raises:
        ModuleNotFoundError: when statsmodels is not installed.
    """
    design = data.study.design
    quality = tuple(
        ArmQuality(arm.id, metric, compare_quality(data.rows, design.baseline.id, arm.id, metric))
        for arm in design.others
        for metric in METRICS
    )
    return Summary(
        arms=tuple(_numbers(data, arm, EVERYONE) for arm in design.arms),
        readers=tuple(_numbers(data, arm, reader) for reader in design.readers for arm in design.arms),
        savings=tuple(saving for arm in design.others for saving in _savings(data, arm)),
        model=fit(design, data.rows),
        quality=quality,
        verdicts={
            told.arm: non_inferiority(told.difference, design.analysis.dice_margin)
            for told in quality
            if told.metric == "dice"
        },
        agreement=tuple(_agreement(data, arm) for arm in design.arms),
        findings=tuple(findings(data)),
    )


def _numbers(data: StudyData, arm: Arm, reader: str) -> ArmNumbers:
    def is_wanted(row: ReadingRow | LesionRow) -> bool:
        return row.arm == arm.id and reader in (EVERYONE, row.reader)

    rows = [row for row in data.rows if row.counts and is_wanted(row)]
    lesions = [row for row in data.lesions if is_wanted(row)]
    names = ("work_s", "active_s", "compute_s", "idle_s", "dice", "nsd", "hd95_mm", "volume_error_ml")
    return ArmNumbers(
        arm=arm.id,
        reader=reader,
        n=len(rows),
        lesion_s=_mean(lesions, "work_s"),
        prompts=_mean(lesions, "n_prompts"),
        edits=_mean(lesions, "n_edits"),
        voxels_after_ai=_mean(rows, "n_voxels_after_ai"),
        **{name: _mean(rows, name) for name in names},
    )


def _mean(rows: Sequence[ReadingRow] | Sequence[LesionRow], name: str) -> Estimate:
    return estimate((row.case, getattr(row, name)) for row in rows)


def _savings(data: StudyData, arm: Arm) -> list[ArmSaving]:
    baseline = data.study.design.baseline.id
    everyone = saving_of(time_pairs(data.rows, baseline, arm.id))
    each = savings_by_reader(data.rows, baseline, arm.id)
    return [ArmSaving(arm.id, EVERYONE, everyone), *(ArmSaving(arm.id, r, s) for r, s in each.items())]


def _agreement(data: StudyData, arm: Arm) -> ArmAgreement:
    pairs = [pair for pair in data.pairs if pair.arm == arm.id]
    others = [pair for pair in pairs if pair.one != pair.other]
    own = [pair for pair in pairs if pair.one == pair.other]
    return ArmAgreement(
        arm.id,
        _mean_of(others, "dice"),
        _mean_of(others, "kappa"),
        _volume_icc(data, arm),
        _mean_of(own, "dice"),
        estimate((pair.case, abs(pair.difference_ml)) for pair in own),
    )


def _mean_of(pairs: Iterable[PairAgreement], name: str) -> Estimate:
    return estimate((pair.case, getattr(pair, name)) for pair in pairs)


def _volume_icc(data: StudyData, arm: Arm) -> Icc | None:
    """Over the cases that every reader has read in the arm."""
    readers = data.study.design.readers
    volumes: dict[str, dict[str, float]] = {}
    for row in data.rows:
        if row.counts and row.arm == arm.id and row.volume_ml is not None:
            volumes.setdefault(row.case, {})[row.reader] = row.volume_ml
    complete = [[own[r] for r in readers] for own in volumes.values() if len(own) == len(readers)]
    try:
        return icc(np.array(complete, dtype=np.float64))
    except ValueError:  # one reader, one case, or all volumes equal
        return None
