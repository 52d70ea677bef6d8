"""The table of an evaluation: one row a case, lesion, model and step, as `cases.csv` holds it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from SAMLesionLib.errors import InputError

WHOLE_CASE = "all"
"""In place of a lesion's number: all lesions of the case together."""

ANSWERLESS = ("model", "killed")
"""Failures of the model: they count as an empty mask."""

OF_AN_EMPTY_MASK = {
    "dice": 0.0,
    "nsd": 0.0,
    "hd95_mm": float("inf"),
    "volume_error": -1.0,
    "recall": 0.0,
    "lesion_recall": 0.0,
    "lesion_f1": 0.0,
}
"""What an answer counts that a model failed to give, so that a tool cannot win by failing on hard cases."""


@dataclass(frozen=True)
class Row:
    """How well one step went. Columns without a value are None and empty in the file.

    Attributes:
        case: name of the case.
        lesion: the lesion's number, or `all`.
        lesion_ml: volume of the expert's lesion.
        model: name of the model.
        reader: name of the simulated reader.
        step: 0 for the first prompts, then one more with each correction.
        dice: overlap, 0 to 1.
        nsd: normalised surface Dice at the run's tolerance, 0 to 1.
        hd95_mm: 95 percent Hausdorff distance; infinite when one of the masks is empty.
        seconds: from the request to the last voxel; for `all` the sum over the lesions.
        predicted_ml: volume of the answer.
        volume_error_ml: predicted minus expert's volume.
        volume_error: the same over the expert's volume.
        precision: share of the answer that is lesion.
        recall: share of the lesion that was found.
        lesion_precision: for `all`, share of the answer's regions that meet a lesion.
        lesion_recall: for `all`, share of lesions that the answer meets.
        lesion_f1: for `all`, their harmonic mean.
        encode_s: seconds of `seconds` spent on image embeddings.
        decode_s: seconds spent on everything after them.
        n_encoded: embeddings that had to be computed.
        load_s: for `all` at step 0, seconds the model took to receive the scan.
        wall_s: for `all` at step 0, seconds of the whole case, reading and measuring included.
        peak_memory_mb: for `all` at step 0, the most memory the worker process held while it worked on
            the case, everything it had loaded before included.
        peak_device_mb: the same for the memory of the GPU.
        device: where the model ran.
        arithmetic: of its image encoder.
        weights_sha256: hash of its weights, empty when it has none.
        failure: what failed: `case` (cannot be read), `reader` (cannot draw), `model` (refused or
            failed), `killed` (its process ended); empty when nothing did.
        note: one sentence on the failure, or on an answer that was not asked for anew.
    """

    case: str
    lesion: str
    lesion_ml: float | None
    model: str
    reader: str
    step: int
    dice: float | None = None
    nsd: float | None = None
    hd95_mm: float | None = None
    seconds: float | None = None
    predicted_ml: float | None = None
    volume_error_ml: float | None = None
    volume_error: float | None = None
    precision: float | None = None
    recall: float | None = None
    lesion_precision: float | None = None
    lesion_recall: float | None = None
    lesion_f1: float | None = None
    encode_s: float | None = None
    decode_s: float | None = None
    n_encoded: int | None = None
    load_s: float | None = None
    wall_s: float | None = None
    peak_memory_mb: float | None = None
    peak_device_mb: float | None = None
    device: str = ""
    arithmetic: str = ""
    weights_sha256: str = ""
    failure: str = ""
    note: str = ""

    @property
    def is_whole_case(self) -> bool:
        """Whether the row is about all lesions together."""
        return self.lesion == WHOLE_CASE

    @property
    def has_no_answer(self) -> bool:
        """Whether the model failed, so that the row counts as an empty mask."""
        return self.failure in ANSWERLESS


COLUMNS = tuple(field.name for field in fields(Row))
_TYPES = get_type_hints(Row)


def value_of(row: Row, metric: str) -> float | None:
    """A row's value of a metric as statistics count it; None when it has none."""
    if row.has_no_answer:
        return OF_AN_EMPTY_MASK.get(metric)
    value = getattr(row, metric)
    return None if value is None else float(value)


def to_csv(rows: Iterable[Row], has_header: bool) -> str:
    """Rows as lines of text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if has_header:
        writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(value) for value in asdict(row).values()])
    return text.getvalue()


def read_csv(path: Path) -> list[Row]:
    """The rows of a `cases.csv`; a last line that was cut off is left out.

    Raises:
        InputError: when it is missing or no such table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as failure:
        raise InputError(f"{path} cannot be read as a table ({failure}). Run `samlesion evaluate`.") from None
    if not lines or tuple(lines[0]) != COLUMNS:
        raise InputError(
            f"{path} is no table of this version of `samlesion evaluate`: its columns differ. Run it again."
        )
    return [_row(line) for line in lines[1:] if len(line) == len(COLUMNS)]


def _row(line: list[str]) -> Row:
    values: dict[str, Any] = dict(zip(COLUMNS, line, strict=True))
    return Row(**{name: _value(name, text) for name, text in values.items()})


def _value(name: str, text: str) -> Any:
    wanted = _TYPES[name]
    if wanted is str:
        return text
    if not text:
        return None
    return int(text) if wanted in (int, int | None) else float(text)


def _cell(value: Any) -> str:
    # Six significant digits: more than any metric means, and equal on machines that round apart.
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
