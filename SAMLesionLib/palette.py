"""The colours in which lesions are shown, the same in every viewer and file."""

from __future__ import annotations

import colorsys


def lesion_colour(number: int) -> tuple[float, float, float]:
    """The colour (red, green, blue; 0 to 1) of the lesion of this number, counted from 0.

    Neighbours differ clearly, and the row never ends.
    """
    # Hues a golden section apart never come close to an earlier one soon; the brightness alternates.
    return colorsys.hsv_to_rgb((0.02 + 0.618034 * number) % 1.0, 0.75, (0.95, 0.75)[number // 8 % 2])
