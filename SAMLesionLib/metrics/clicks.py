"""What corrections are worth: the area under a click curve, and how many clicks a goal takes.

A curve is a list of values of one metric, the first after the first prompts, and one more after each click.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def area_under_clicks(values: Sequence[float]) -> float:
    """The mean height of a click curve whose points are joined by lines: 0 to 1 for Dice and NSD.

    The CVPR 2025 interactive challenge leaves the value of the box out and does not divide by the number
    of steps: its DSC_AUC of five clicks is 4 times this area of their five values.

    Args:
        values: one value a step; a curve of one step is as high as its value.

    Raises:
        ValueError: when there is no value.
    """
    if not len(values):
        raise ValueError("a click curve needs at least one value, got none")
    if len(values) == 1:
        return float(values[0])
    middles = np.add(values[1:], values[:-1]) / 2
    return float(middles.mean())


def clicks_to_reach(values: Sequence[float], goal: float) -> int | None:
    """How many clicks it takes until a value is as high as the goal for the first time.

    Args:
        values: one value a step.
        goal: what is high enough.

    Returns:
        0 when the first prompts are enough, None when the goal is never reached.
    """
    return next((at for at, value in enumerate(values) if value >= goal), None)
