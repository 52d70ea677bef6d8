"""Protocols that a new study begins with; the study lead changes what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from SAMLesionLib.errors import InputError
from SAMLesionLib.study.design import AnalysisPlan, Arm, Order, StudyDesign

MANUAL, CORRECT = "manual", "correct"
"""Words for arms without a model; any other word is the name of a model."""


@dataclass(frozen=True)
class DesignTemplate:
    """A protocol without cases and readers.

    Attributes:
        title: for people.
        about: what the design file says first, in lines of their own.
        design: two arms, the second of them assisted.
    """

    title: str
    about: str
    design: StudyDesign

    def with_arms(self, words: Sequence[str]) -> StudyDesign:
        """The protocol with these arms; the first is what the others are compared with.

        Args:
            words: "manual", "correct", or names of models, each once; none for the template's own.

        Raises:
            InputError: when a word is empty.
        """
        if not words:
            return self.design
        models = [word for word in words if word not in (MANUAL, CORRECT)]
        arms = tuple(self._arm(word, is_only_model=len(models) == 1) for word in words)
        return replace(self.design, arms=arms, analysis=replace(self.design.analysis, baseline=arms[0].id))

    def _arm(self, word: str, is_only_model: bool) -> Arm:
        if not word:
            raise InputError(
                f"An arm has no name. Write {MANUAL}, {CORRECT} or a name from `samlesion models list`."
            )
        manual, assisted = self.design.arms
        if word == MANUAL:
            return manual
        if word == CORRECT:
            return _CORRECT
        if is_only_model:
            return replace(assisted, model=word)
        return replace(assisted, id=word, title=f"{assisted.title}, {word}", model=word)


def find_template(name: str) -> DesignTemplate:
    """The template of this name.

    Raises:
        InputError: naming all of them.
    """
    if name not in TEMPLATES:
        raise InputError(f"There is no template {name!r}. Choose {' or '.join(TEMPLATES)}.")
    return TEMPLATES[name]


def _text(lines: str) -> str:
    """Prose as one line."""
    return " ".join(lines.split())


_CORRECT = Arm(
    CORRECT,
    "Corrected mask",
    "correct",
    instructions=_text("""
        A mask is there already. Mend it by hand or with prompts until you are satisfied, and add what it has
        missed."""),
)
_ASSISTED = DesignTemplate(
    "Manual against AI-assisted",
    "A reader study of annotation time.",
    StudyDesign(
        name="study",
        title="Annotation time with and without AI assistance",
        version=1,
        seed=1,
        readers=(),
        instructions=_text("""
            Segment every lesion of the scan, each as a segment of its own. Draw the outer border of the
            lesion, swelling around it left out. Work as you would for a treatment plan; press Pause when you
            leave."""),
        arms=(
            Arm(
                MANUAL,
                "Manual",
                "manual",
                instructions="Use the Segment Editor's own tools: paint, erase, fill between slices. No AI.",
            ),
            Arm(
                "assisted",
                "AI-assisted",
                "assisted",
                "lite-medsam",
                _text("""
                    Draw a box or click on each lesion, correct the answer with prompts or by hand, then
                    accept it."""),
            ),
        ),
        cases=(),
        analysis=AnalysisPlan(baseline=MANUAL),
    ),
)
_MEDSAM = DesignTemplate(
    "MedSAM's protocol, adrenal tumours",
    """\
The annotation study of MedSAM (Ma et al., Nature Communications 15:654, 2024): adrenal tumours in CT, two
radiologists, ten cases, all cases by hand first, then with MedSAM after one week. The paper reports 82.37 %
and 82.95 % less time. Its order is the same for everyone, so learning counts for the second arm: latin-square
is the stronger design. SAMLesion takes the box around the ellipse that both axes span; MedSAM's script the
axes' extent, 5 pixels wider.""",
    StudyDesign(
        name="study",
        title="MedSAM's annotation study: adrenal tumours, manual against axis markers with refinement",
        version=1,
        seed=1,
        readers=(),
        instructions=_text("""
            Segment the adrenal tumour on every axial slice in which it is seen. Work alone and without
            interruption; press Pause when you leave."""),
        arms=(
            Arm(
                MANUAL,
                "Manual, slice by slice",
                "manual",
                instructions=_text("""
                    Draw the tumour's outline by hand, slice by slice, until you are satisfied. No AI, no
                    interpolation."""),
            ),
            Arm(
                "medsam",
                "Axis markers, MedSAM, refinement",
                "assisted",
                "medsam-vit-b",
                _text("""
                    From the top of the tumour to its bottom, every 3 to 10 slices, draw its long and its
                    short axis with the tool Line. They become boxes, and the slices between follow. Refine
                    the result by hand until you are satisfied."""),
            ),
        ),
        cases=(),
        order=Order("sequence"),  # as published
        analysis=AnalysisPlan(baseline=MANUAL),
    ),
)
TEMPLATES: Mapping[str, DesignTemplate] = {"assisted": _ASSISTED, "medsam-adrenal": _MEDSAM}
