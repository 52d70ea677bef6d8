"""What the prompts of one lesion say to a 3D model, and which say nothing."""

from __future__ import annotations

from SAMLesionLib.engine.plans import SlicePlan, plan_slices
from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, MaskPrompt, PointPrompt, PromptSet
from SAMLesionLib.volume import Volume

CUBE_KINDS = frozenset({BoxPrompt.kind, LinePrompt.kind, MaskPrompt.kind, PointPrompt.kind})
"""What an answer can be made of."""


def check_cube_prompts(prompts: PromptSet, volume: Volume) -> None:
    """Refuse prompts that make no lesion.

    Raises:
        PromptError: when boxes contradict each other, a mask lies off the image, or nothing says where
            the lesion is.
    """
    drawn_box(prompts, volume)
    for mask in prompts.of(MaskPrompt):
        on_image(mask, volume)
    if not is_anchored(prompts):
        raise PromptError(
            "A lesion needs a click on it, a box or a mask; got only clicks beside it. Click on the lesion."
        )


def is_anchored(prompts: PromptSet) -> bool:
    """Whether something says where the lesion is."""
    return any(not isinstance(prompt, PointPrompt) or prompt.is_positive for prompt in prompts)


def drawn(prompts: PromptSet) -> PromptSet:
    """The boxes and diameters among the prompts."""
    return PromptSet(tuple(p for p in prompts if isinstance(p, (BoxPrompt, LinePrompt))))


def drawn_box(prompts: PromptSet, volume: Volume) -> IndexBox | None:
    """The 3D box that boxes and diameters make together, None without any."""
    shapes = drawn(prompts)
    return plan_slices(shapes, volume).block if len(shapes) else None


def drawn_slices(prompts: PromptSet, volume: Volume) -> SlicePlan | None:
    """The box of each slice where boxes or diameters were drawn in several; else None.

    None too where there is a mask to start from, which says more of each slice than its box.
    """
    shapes = drawn(prompts)
    if not len(shapes) or prompts.of(MaskPrompt):
        return None
    plan = plan_slices(shapes, volume)
    return None if plan.ends_inside else plan


def is_drawn_in_3d(prompts: PromptSet) -> bool:
    """Whether a box was drawn along all three axes; one drawn in a single view has a guess for its depth."""
    views = {box.axis for box in prompts.of(BoxPrompt)}
    return None in views or len(views) > 1


def on_image(mask: MaskPrompt, volume: Volume) -> MaskPrompt:
    """The part of a mask to start from that lies on the image."""
    start = plan_slices(PromptSet((mask,)), volume).start
    assert start is not None, "a plan of a mask starts from it"
    return start
