"""Studies by simulated readers, in memory: tables without files or masks."""

from __future__ import annotations

import numpy as np
from study_cases import a_design

from SAMLesionLib.study.design import StudyDesign
from SAMLesionLib.study.gathering import tables_of
from SAMLesionLib.study.rows import ReadingRow
from SAMLesionLib.study.schedule import schedule
from SAMLesionLib.study.simulation.effort import CaseEffort, EffortModel
from SAMLesionLib.study.simulation.readers import Truth, simulate_log


def simulated_rows(
    seed: int, saving: float, n_cases: int = 12, n_readers: int = 3, **changes: object
) -> tuple[StudyDesign, list[ReadingRow]]:
    """All readings of a study with this planted saving."""
    design = a_design(n_cases=n_cases, n_readers=n_readers, seed=seed, **changes)
    rng = np.random.default_rng([seed, 99])
    cases = {c.id: CaseEffort(1, tuple(rng.uniform(30, 90, int(rng.integers(2, 5))))) for c in design.cases}
    plan = {f"{r}-{p.number}": p for r, planned in schedule(design).items() for p in planned}
    truth = Truth(EffortModel(), {"assisted": saving}, seed)
    rows = []
    for reader in design.readers:
        log = simulate_log(design, plan, cases, truth, reader)
        own = {name: p for name, p in plan.items() if p.reader == reader}
        rows += tables_of(log, own, design.analysis.idle_after_s)[0]
    return design, rows
