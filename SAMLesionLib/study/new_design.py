"""A new study: its cases are given numbers, and its `design.toml` is written, for the study lead to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from SAMLesionLib.errors import OutputError
from SAMLesionLib.io import atomic_write, make_folder
from SAMLesionLib.study.design import StudyCase, StudyDesign
from SAMLesionLib.study.design_checks import check_design
from SAMLesionLib.study.design_file import DESIGN, read_design
from SAMLesionLib.study.design_text import design_text


class CaseSource(Protocol):
    """Where the cases of a study come from."""

    def planned(self) -> tuple[StudyCase, ...]:
        """The cases as they will be called, before any scan is read."""

    def write(self, folder: Path) -> Iterator[StudyCase]:
        """The cases one by one, with what a study keeps of them in its folder.

        Raises:
            InputError: when a case cannot take part.
            ImageError: when one cannot be read.
            OutputError: when the folder cannot be written to.
        """


def begin_study(folder: Path, draft: StudyDesign, source: CaseSource, about: str = "") -> StudyDesign:
    """Write a study's design; see `beginning`."""
    for _ in beginning(folder, draft, source, about):
        pass
    return read_design(folder / DESIGN)


def beginning(folder: Path, draft: StudyDesign, source: CaseSource, about: str = "") -> Iterator[StudyCase]:
    """The same case by case, which can be ended in between; the design is written after the last.

    Args:
        folder: of the study; its name becomes the study's.
        draft: what is asked, without cases.
        source: of the cases.
        about: what the file says first.

    Raises:
        InputError: when the design cannot be carried out; nothing has been written then.
        ImageError: when a case cannot be read.
        OutputError: when there is a design already, or it cannot be written.
    """
    check_free(folder)
    named = replace(draft, name=_word(folder.resolve().name))
    check_design(replace(named, cases=source.planned()), "This study")
    cases = []
    for case in source.write(folder):
        cases.append(case)
        yield case
    write_design(folder, replace(named, cases=tuple(cases)), about)


def write_design(folder: Path, design: StudyDesign, about: str = "") -> StudyDesign:
    """Write a whole design and read it back.

    Raises:
        InputError: when the design cannot be carried out.
        OutputError: when there is a design already, or it cannot be written.
    """
    check_free(folder)
    check_design(design, DESIGN)
    make_folder(folder)
    with atomic_write(folder / DESIGN) as file:
        file.write(design_text(design, about).encode())
    return read_design(folder / DESIGN)


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
