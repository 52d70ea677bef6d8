"""The methods paragraph of a paper, with the study's facts filled in."""

from __future__ import annotations

from collections.abc import Iterable

from SAMLesionLib.study.findings import is_simulated
from SAMLesionLib.study.gathering import StudyData
from SAMLesionLib.study.mixed_model import MixedModel
from SAMLesionLib.study.timing import RULE, is_stopwatch
from SAMLesionLib.version import __version__

_SCHEMES = {
    "latin-square": "in an order balanced over readers and groups of cases by a Williams square",
    "random-blocks": "in an order drawn for each reader and case in balanced blocks",
    "sequence": "one arm after the other, in the same order for all readers",
}


def methods_paragraph(data: StudyData, model: MixedModel) -> str:
    """Plain text for the methods section.

    Args:
        data: the study's tables.
        model: what was fitted.
    """
    return " ".join([*_design(data), *_recording(data), *_statistics(data, model)])


def _design(data: StudyData) -> list[str]:
    design = data.study.design
    arms = _listed(f"{arm.title} ({arm.model})" if arm.model else arm.title for arm in design.arms)
    who = _number(len(design.readers), "simulated reader" if is_simulated(data) else "reader")
    told = [
        f"{who} segmented the lesions of {_number(len(design.cases), 'case').lower()} in {len(design.arms)} "
        f"arms: {arms}.",
        f"Each reader read each case once in every arm, {_SCHEMES[design.order.scheme]} (seed "
        f"{design.seed}), with at least {design.order.washout_days:g} days between two readings of one case.",
    ]
    if design.order.repeat_cases:
        told.append(
            f"{_number(design.order.repeat_cases, 'case')} came back to all readers at the end, for "
            "intra-reader agreement."
        )
    blinding = "Readers saw neither reference masks nor earlier results"
    return [*told, f"{blinding}{', and arms under neutral names' if design.order.is_arm_blinded else ''}."]


def _recording(data: StudyData) -> list[str]:
    rule = RULE.format(limit=data.study.design.analysis.idle_after_s)
    sessions = [session for log in data.logs.values() for session in log.sessions]
    if sessions and all(map(is_stopwatch, sessions)):
        rule = "Time ran from start to end of each reading, pauses left out."
    n_done = sum(row.state == "finished" for row in data.rows)
    return [
        f"Times were recorded by SAMLesion {__version__} on a monotonic clock. {rule}",
        f"Annotation time is active and compute time together; {n_done} of {len(data.rows)} planned readings "
        "were finished.",
    ]


def _statistics(data: StudyData, model: MixedModel) -> list[str]:
    plan, baseline = data.study.design.analysis, data.study.design.baseline
    told = [
        f"Time saved is one minus the ratio of the summed times of an arm and of {baseline.title} over all "
        "pairs of readings of one case by one reader; its 95% interval is a percentile bootstrap of 5,000 "
        "resamples that draws cases, expanded for their number, and cases were compared by the two-sided "
        "Wilcoxon signed-rank test."
    ]
    if model.effects:
        told.append(
            "Log times were also fitted by a linear mixed-effects model with arm and practice as fixed and "
            "reader and case as crossed random effects (restricted maximum likelihood, statsmodels)."
        )
    told.append(
        "Quality against the reference is given as Dice, normalised surface Dice at "
        f"{plan.nsd_tolerance_mm:g} mm, 95% Hausdorff distance and volume error; an arm is non-inferior when "
        f"the 95% interval of its difference in Dice lies above -{plan.dice_margin:g}. Agreement between "
        "readers is given as pairwise Dice, Cohen's kappa and the intraclass correlation ICC(2,1) of volumes."
    )
    return told


def _number(n: int, what: str) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
    return f"{words[n] if n < len(words) else n} {what}{'s' * (n != 1)}"


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
