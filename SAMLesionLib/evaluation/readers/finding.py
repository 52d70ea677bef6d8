"""Simulated readers by name."""

from __future__ import annotations

import re
from dataclasses import replace

from SAMLesionLib.errors import InputError
from SAMLesionLib.evaluation.readers.clicks import click_largest_error, click_random_error
from SAMLesionLib.evaluation.readers.drawings import (
    draw_box,
    draw_boxes_every,
    draw_diameter,
    draw_largest_slice_box,
    draw_points,
    loosened,
)
from SAMLesionLib.evaluation.readers.reader import Reader
from SAMLesionLib.evaluation.readers.simulated import ClickingReader, DrawingReader

READERS = ("box3d", "box2d", "boxes-every-k", "recist", "cvpr25", "sammed3d", "tags")
_DEFAULT_CLICKS = {"cvpr25": 5, "sammed3d": 10, "tags": 3}


def find_reader(
    name: str, *, clicks: int | None = None, jitter: int = 0, every: int = 5, in_plane: bool = False
) -> Reader:
    """The reader of this name.

    Args:
        name: one of `READERS`: box3d, the tight 3D box; box2d, the tight box in the largest slice;
            boxes-every-k (or boxes-every-3 and the like), tight boxes in every k-th slice; recist, the
            longest diameter; cvpr25, a 3D box and then clicks in the middle of the largest error;
            sammed3d, random clicks on errors; tags, points in the lesion, all at once.
        clicks: how many clicks or points; None for the protocol's own number (5, 10 and 3).
        jitter: by how many voxels each side of a box is moved out at most.
        every: k of boxes-every-k.
        in_plane: whether a 3D box keeps its first and last slice when its sides are moved.

    Raises:
        InputError: when there is no such reader, or an option does not fit it.
    """
    fixed = re.fullmatch(r"boxes-every-(\d+)", name)
    name, every = ("boxes-every-k", int(fixed[1])) if fixed else (name, every)
    if name not in READERS:
        raise InputError(f"There is no reader {name!r}. Choose {', '.join(READERS)}.")
    _check(name, clicks, jitter, every)
    reader = _tidy_reader(name, clicks or _DEFAULT_CLICKS.get(name, 0), every)
    return replace(reader, draw=loosened(reader.draw, jitter, in_plane)) if jitter else reader


def _tidy_reader(name: str, clicks: int, every: int) -> DrawingReader | ClickingReader:
    readers: dict[str, DrawingReader | ClickingReader] = {
        "box3d": DrawingReader("box3d", "box", draw_box),
        "box2d": DrawingReader("box2d", "box", draw_largest_slice_box),
        "boxes-every-k": DrawingReader(f"boxes-every-{every}", "box", draw_boxes_every(every)),
        "recist": DrawingReader("recist", "line", draw_diameter),
        "cvpr25": ClickingReader("cvpr25", "box", draw_box, click_largest_error, clicks),
        "sammed3d": ClickingReader("sammed3d", "point", draw_points(1), click_random_error, clicks),
        "tags": DrawingReader("tags", "point", draw_points(clicks)),
    }
    return readers[name]


def _check(name: str, clicks: int | None, jitter: int, every: int) -> None:
    """Refuse options that mean nothing."""
    if clicks is not None and (clicks < 1 or name not in _DEFAULT_CLICKS):
        came = f"got {clicks}" if name in _DEFAULT_CLICKS else f"{name} does not click"
        raise InputError(f"Clicks are 1 or more, for {', '.join(_DEFAULT_CLICKS)}; {came}.")
    if jitter < 0 or (jitter and name in ("recist", "sammed3d", "tags")):
        came = f"got {jitter}" if jitter < 0 else f"{name} draws none"
        raise InputError(f"Jitter moves the sides of boxes out, by 0 voxels or more; {came}.")
    if every < 1:
        raise InputError(f"Boxes lie in every k-th slice with k of 1 or more, got {every}.")
