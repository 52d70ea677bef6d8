"""The folder of a run: rows, prompts and masks are appended case by case, so that work can be resumed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from SAMLesionLib.errors import InputError, OutputError
from SAMLesionLib.evaluation.benchmark import CaseOutcome
from SAMLesionLib.evaluation.blocks import BlockMask
from SAMLesionLib.evaluation.rows import WHOLE_CASE, Row, read_csv, to_csv
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.io import atomic_write, make_folder

SETTINGS, TABLE, PROMPTS, MASKS = "settings.json", "cases.csv", "prompts.jsonl", "masks.jsonl"
Record = dict[str, Any]


class Journal:
    """What a run has written so far.

    A case of a model is done when its mask is on the disk; that is written last, so whatever an
    interruption left half-way is dropped when the run is resumed.
    """

    def __init__(self, folder: Path, settings: EvaluationSettings) -> None:
        """Begin a run in a folder, or go on with the one it holds.

        Raises:
            InputError: when it holds a run with other settings.
            OutputError: when it cannot be written to.
        """
        self.folder, self.settings = folder, settings
        make_folder(folder)
        if self.done:
            settings.check_same(read_settings(folder), str(folder))
        write_json(folder / SETTINGS, settings.to_json())
        self._rows = read_csv(folder / TABLE) if (folder / TABLE).exists() else []
        self._keep_what_is_done()

    def add(self, outcome: CaseOutcome) -> None:
        """Write down one case of one model, at once."""
        self._rows += outcome.rows
        first = outcome.rows[0]
        mask = {"case": first.case, "model": first.model, **outcome.mask.to_json()}
        self._append(PROMPTS, _lines(outcome.prompts))
        self._append(TABLE, to_csv(outcome.rows, has_header=False))
        self._append(MASKS, _lines([mask]))

    def finish(self, cases: Sequence[str]) -> list[Row]:
        """Bring everything into one order, whoever finished first, and return the rows."""
        order = _order_of(cases, self.settings.models)
        self._rows.sort(key=lambda row: order(vars(row)))
        self._rewrite(lambda record: True, order)
        return self._rows

    @property
    def done(self) -> set[tuple[str, str]]:
        """Which cases of which models are written, as (case, model)."""
        return {(record["case"], record["model"]) for record in read_records(self.folder / MASKS)}

    def _keep_what_is_done(self) -> None:
        done = self.done
        self._rows = [row for row in self._rows if (row.case, row.model) in done]
        self._rewrite(lambda record: (record["case"], record["model"]) in done, None)

    def _rewrite(
        self, is_kept: Callable[[Record], bool], order: Callable[[Mapping[str, Any]], Any] | None
    ) -> None:
        _write(self.folder / TABLE, to_csv(self._rows, has_header=True))
        for name in (PROMPTS, MASKS):
            records = [record for record in read_records(self.folder / name) if is_kept(record)]
            _write(self.folder / name, _lines(sorted(records, key=order) if order else records))

    def _append(self, name: str, text: str) -> None:
        try:
            with (self.folder / name).open("a", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as failure:
            raise OutputError(
                f"Cannot write {self.folder / name} ({failure.strerror}). Free some space; the same command "
                "then resumes the run."
            ) from None


def read_settings(folder: Path) -> EvaluationSettings:
    """The settings of a run.

    Raises:
        InputError: when the folder holds no run of this version.
    """
    try:
        return EvaluationSettings.from_json(json.loads((folder / SETTINGS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise InputError(
            f"{folder} holds no run of `samlesion evaluate`: its {SETTINGS} is missing or damaged. Give the "
            "folder that was named with -o."
        ) from None


def read_records(path: Path) -> list[Record]:
    """The objects of a file with one JSON object a line; a last line that was cut off is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]


def read_masks(folder: Path) -> dict[tuple[str, str], BlockMask]:
    """The last mask of each case and model, all lesions together."""
    records = read_records(folder / MASKS)
    return {(record["case"], record["model"]): BlockMask.from_json(record) for record in records}


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write one object for people and programs.

    Raises:
        OutputError: when it cannot be written.
    """
    _write(path, json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as file:
        file.write(text.encode())


def _lines(records: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n" for record in records)


def _order_of(cases: Sequence[str], models: Sequence[str]) -> Callable[[Mapping[str, Any]], Any]:
    """By case, model, lesion with `all` last, and step."""
    case_at = {name: at for at, name in enumerate(cases)}
    model_at = {name: at for at, name in enumerate(models)}

    def key(record: Mapping[str, Any]) -> tuple[int, int, bool, int, int]:
        lesion = record.get("lesion", WHOLE_CASE)
        is_whole = lesion == WHOLE_CASE
        number = 0 if is_whole else int(lesion)
        return case_at[record["case"]], model_at[record["model"]], is_whole, number, record.get("step", 0)

    return key
