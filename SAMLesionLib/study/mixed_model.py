"""One model of all times: arm and practice as effects, readers and cases drawn from many.

log(seconds) = arm + practice + reader + case + rest, reader and case crossed and random, fitted by restricted
maximum likelihood with statsmodels. An effect on the logarithm is a ratio of times. Practice is the binary
logarithm of the place among the reader's readings in the arm (the power law of Newell and Rosenbloom, 1981);
it takes in what a second look at a case brings, for both grow together.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from SAMLesionLib.study.design import StudyDesign
from SAMLesionLib.study.rows import ReadingRow

LEAST_READINGS = 8


@dataclass(frozen=True)
class Effect:
    """A ratio of times.

    Attributes:
        name: id of the arm against the baseline, or "practice" for twice as many readings in the arm.
        ratio: below 1 is faster.
        low: lower end of its 95 percent interval (Wald).
        high: its upper end.
        p_value: two-sided, Wald.
    """

    name: str
    ratio: float
    low: float
    high: float
    p_value: float

    @property
    def saving(self) -> float:
        """Share of time saved."""
        return 1 - self.ratio


@dataclass(frozen=True)
class MixedModel:
    """What was fitted.

    Attributes:
        n_readings: readings it comes from.
        effects: arms and practice.
        reader_sd: spread of readers, on the logarithm; None when they are not part of the model.
        case_sd: spread of cases.
        rest_sd: what is left.
        note: what is to be known of the fit; why there is none when there are no effects.
    """

    n_readings: int
    effects: tuple[Effect, ...]
    reader_sd: float | None
    case_sd: float | None
    rest_sd: float | None
    note: str


def fit(design: StudyDesign, rows: Sequence[ReadingRow]) -> MixedModel:
    """Fit the model to the finished readings.

    Raises:
        ModuleNotFoundError: when statsmodels is not installed.
    """
    used = [row for row in rows if row.counts and row.work_s > 0]
    refusal = _refusal(design, used)
    if refusal:
        return MixedModel(len(used), (), None, None, None, refusal)
    from statsmodels.regression.mixed_linear_model import MixedLM

    table, formula, components = _table(design, used), _formula(design, used), _components(used)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = MixedLM.from_formula(
                formula, table, groups="everything", re_formula="0", vc_formula=components
            )
            fitted = model.fit(reml=True)
        except (ValueError, ArithmeticError) as failure:  # LinAlgError is a ValueError
            note = f"The mixed-effects model cannot be fitted to these readings ({failure})."
            return MixedModel(len(used), (), None, None, None, note)
    return _told(fitted, components, len(used), {str(w.message) for w in caught}, design)


def _refusal(design: StudyDesign, rows: Sequence[ReadingRow]) -> str:
    if len(rows) < LEAST_READINGS or len({row.case for row in rows}) < 2:
        return (
            f"The mixed-effects model needs {LEAST_READINGS} finished readings of two cases or more, got "
            f"{len(rows)} of {len({row.case for row in rows})}."
        )
    missing = [arm.id for arm in design.arms if not any(row.arm == arm.id for row in rows)]
    return f"The mixed-effects model needs readings in every arm; {missing[0]} has none." if missing else ""


def _table(design: StudyDesign, rows: Sequence[ReadingRow]) -> Any:
    import pandas

    columns: dict[str, list[Any]] = {
        "log_s": [math.log(row.work_s) for row in rows],
        "practice": [math.log2(row.order_in_arm) for row in rows],
        "reader": [row.reader for row in rows],
        "case": [row.case for row in rows],
        "everything": [1] * len(rows),
    }
    # Columns of zeros and ones: an id may hold signs that a formula would take for arithmetic.
    for n, arm in enumerate(design.others):
        columns[f"arm_{n}"] = [float(row.arm == arm.id) for row in rows]
    return pandas.DataFrame(columns)


def _formula(design: StudyDesign, rows: Sequence[ReadingRow]) -> str:
    terms = [f"arm_{n}" for n in range(len(design.others))]
    if any(row.order_in_arm > 1 for row in rows):
        terms.append("practice")
    return "log_s ~ " + " + ".join(terms)


def _components(rows: Sequence[ReadingRow]) -> dict[str, str]:
    has_readers = len({row.reader for row in rows}) > 1
    return {"case": "0 + C(case)"} | ({"reader": "0 + C(reader)"} if has_readers else {})


def _told(
    fitted: Any, components: dict[str, str], n: int, warned: set[str], design: StudyDesign
) -> MixedModel:
    names = {f"arm_{at}": arm.id for at, arm in enumerate(design.others)}
    spans = fitted.conf_int()
    effects = []
    for term in (name for name in fitted.fe_params.index if name != "Intercept"):
        ratio, low, high = (math.exp(float(v)) for v in (fitted.params[term], *spans.loc[term]))
        name = names.get(term, term.replace("_", " "))
        effects.append(Effect(name, ratio, low, high, float(fitted.pvalues[term])))
    variances = dict(zip(sorted(components), (float(v) for v in fitted.vcomp), strict=True))
    spread = {name: math.sqrt(max(value, 0.0)) for name, value in variances.items()}
    return MixedModel(
        n,
        tuple(effects),
        spread.get("reader"),
        spread.get("case"),
        math.sqrt(fitted.scale),
        _note(fitted, warned, design),
    )


def _note(fitted: Any, warned: set[str], design: StudyDesign) -> str:
    notes = []
    if not fitted.converged:
        notes.append("The fit did not converge; take its numbers as rough.")
    if any("boundary" in text for text in warned):
        notes.append("A spread was estimated as zero, which few readers or cases can bring about.")
    if design.order.scheme == "sequence":
        notes.append(
            "All readers had the arms in the same order, so what is learnt between the periods counts as the "
            "arm's."
        )
    return " ".join(notes)
