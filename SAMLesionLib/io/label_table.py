"""What the numbers of a label map mean, as a table beside it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence

from SAMLesionLib.io.files import atomic_write
from SAMLesionLib.io.segments import Segment, labels_of
from SAMLesionLib.terminology import meaning_of, organ_of


def write_label_table(path: str | os.PathLike[str], segments: Sequence[Segment]) -> None:
    """Write a CSV with one line a segment: label, name, colour as #RRGGBB, what it is, its organ, its codes.

    Raises:
        OutputError: the file cannot be written; one that was there is unchanged.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("label", "name", "colour", "what", "organ", "terminology"))
    for label, segment in zip(labels_of(segments), segments, strict=True):
        what, organ = meaning_of(segment.terminology), organ_of(segment.terminology)
        writer.writerow((label, segment.name, _hex(segment.colour), what, organ, segment.terminology))
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())


def _hex(colour: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * c):02X}" for c in colour)
