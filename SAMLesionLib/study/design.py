"""What a reader study asks, of whom, on which cases and in which order: the content of `design.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Method = Literal["manual", "assisted", "correct"]
METHODS = ("manual", "assisted", "correct")
Scheme = Literal["latin-square", "random-blocks", "sequence"]
SCHEMES = ("latin-square", "random-blocks", "sequence")


@dataclass(frozen=True)
class Arm:
    """One way of working that the study compares.

    Attributes:
        id: its short name, in tables and charts.
        title: its name for people.
        method: "manual" with the host's own tools, "assisted" with prompts to a model, "correct" where the
            reader mends a mask that is there already.
        model: of an assisted arm.
        instructions: what the reader is told when a reading of this arm begins.
    """

    id: str
    title: str
    method: Method
    model: str = ""
    instructions: str = ""


@dataclass(frozen=True)
class StudyCase:
    """One scan. Paths are relative to the design's folder, or absolute.

    Attributes:
        id: what it is called everywhere else: no word of the patient.
        image: the scan.
        reference: the expert's mask; empty when there is none. Readers' files never name it.
        start: the mask that arms of the method "correct" begin with.
        modality: CT, MR, PT or OT.
    """

    id: str
    image: str
    reference: str = ""
    start: str = ""
    modality: str = "OT"


@dataclass(frozen=True)
class Order:
    """Who reads what when.

    Attributes:
        scheme: "latin-square": in each period a reader meets all arms, groups of cases and readers move
            through a Williams square; "random-blocks": for each reader and case the order of arms is drawn
            in balanced blocks; "sequence": all cases in the first arm, then all in the next, for everyone.
        washout_days: how long a case rests before the same reader meets it again.
        repeat_cases: so many cases are read once more by everyone at the end, for intra-reader agreement.
        is_arm_blinded: whether arms of one method are shown to the reader under neutral letters.
    """

    scheme: Scheme = "latin-square"
    washout_days: float = 7.0
    repeat_cases: int = 0
    is_arm_blinded: bool = True


@dataclass(frozen=True)
class AnalysisPlan:
    """How the data will be looked at, decided before there are any.

    Attributes:
        baseline: id of the arm that savings are measured against; the first arm when empty.
        idle_after_s: a reader who looks without moving is at work for so long; what goes beyond is idle.
        nsd_tolerance_mm: of the normalised surface Dice.
        dice_margin: how much Dice an arm may lose and still be called non-inferior.
    """

    baseline: str = ""
    idle_after_s: float = 30.0
    nsd_tolerance_mm: float = 2.0
    dice_margin: float = 0.05


@dataclass(frozen=True)
class StudyDesign:
    """A whole study.

    Attributes:
        name: one word, for files.
        title: for people.
        version: raised by whoever changes the design after readers have begun.
        seed: of everything that is drawn at random.
        readers: their ids.
        instructions: what a lesion is here, and how its border is drawn.
        arms: two or more.
        cases: the scans.
        order: who reads what when.
        analysis: how the data will be looked at.
    """

    name: str
    title: str
    version: int
    seed: int
    readers: tuple[str, ...]
    arms: tuple[Arm, ...]
    cases: tuple[StudyCase, ...]
    instructions: str = ""
    order: Order = field(default_factory=Order)
    analysis: AnalysisPlan = field(default_factory=AnalysisPlan)

    @property
    def baseline(self) -> Arm:
        """The arm that savings are measured against."""
        return self.arm(self.analysis.baseline) if self.analysis.baseline else self.arms[0]

    @property
    def others(self) -> tuple[Arm, ...]:
        """The arms that are compared with the baseline."""
        return tuple(arm for arm in self.arms if arm != self.baseline)

    def arm(self, arm_id: str) -> Arm:
        """The arm of this id, which exists."""
        return next(arm for arm in self.arms if arm.id == arm_id)

    def case(self, case_id: str) -> StudyCase:
        """The case of this id, which exists."""
        return next(case for case in self.cases if case.id == case_id)
