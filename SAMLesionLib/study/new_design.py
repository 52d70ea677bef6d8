"""A first `design.toml` from a template, which the study lead then edits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from SAMLesionLib.errors import InputError, OutputError
from SAMLesionLib.io import atomic_write, make_folder
from SAMLesionLib.study.design import StudyCase, StudyDesign
from SAMLesionLib.study.design_file import DESIGN, read_design

TEMPLATES = ("assisted", "medsam-adrenal")
MODELS = {"assisted": "lite-medsam", "medsam-adrenal": "medsam-vit-b"}
"""What a template's assisted arm uses when nobody says otherwise."""


def write_design(
    folder: Path,
    cases: Sequence[StudyCase],
    readers: Sequence[str],
    template: str = "assisted",
    model: str = "",
    repeat_cases: int = 0,
    seed: int = 1,
) -> StudyDesign:
    """Write the design and read it back.

    Args:
        folder: of the study; its name becomes the study's.
        cases: the scans.
        readers: their ids.
        template: one of `TEMPLATES`.
        model: of the assisted arm; empty for the template's.
        repeat_cases: cases that are read once more.
        seed: of everything that is drawn at random.

    Raises:
        InputError: when the template is unknown or the design cannot be carried out.
        OutputError: when there is a design already, or it cannot be written.
    """
    if template not in TEMPLATES:
        raise InputError(f"There is no template {template!r}. Choose {' or '.join(TEMPLATES)}.")
    check_free(folder)
    path = folder / DESIGN
    text = Template(files(__package__).joinpath(f"templates/{template}.toml").read_text(encoding="utf-8"))
    filled = text.substitute(
        name=_word(folder.resolve().name),
        seed=seed,
        readers=json.dumps(list(readers)),
        repeats=repeat_cases,
        model=model or MODELS[template],
        cases="\n".join(map(_case_table, cases)),
    )
    make_folder(folder)
    with atomic_write(path) as file:
        file.write(filled.encode())
    try:
        return read_design(path)
    except InputError:
        path.unlink()
        raise


def check_free(folder: Path) -> None:
    """Refuse a folder that holds a study already.

    Raises:
        OutputError: naming the design that is there.
    """
    path = folder / DESIGN
    if path.exists():
        raise OutputError(f"{path} is there already. Edit it, or choose another folder.")


def _word(name: str) -> str:
    """A folder's name as an id."""
    return (
        "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name).strip("-")[:40]
        or "study"
    )


def _case_table(case: StudyCase) -> str:
    # A JSON string is a TOML string, too.
    told = {"id": case.id, "image": case.image, "reference": case.reference, "start": case.start}
    told["modality"] = case.modality
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in told.items() if value]
    return "\n".join(["[[cases]]", *lines, ""])
