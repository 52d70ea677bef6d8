"""`design.toml`: a design as a plain file that one can read, version and send."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path

from SAMLesionLib.errors import InputError
from SAMLesionLib.io.toml_tables import from_table, read_toml
from SAMLesionLib.study.design import StudyDesign
from SAMLesionLib.study.design_checks import check_design

DESIGN = "design.toml"
FORMAT = 1


def read_design(path: Path) -> StudyDesign:
    """The design that a file describes.

    Raises:
        InputError: when it is missing, no TOML, or no study that can be carried out.
    """
    values = read_toml(path, f"There is no study design {path}. Make one with `samlesion study new`.")
    written = values.pop("format", FORMAT)
    if written != FORMAT:
        raise InputError(f"{path.name} has format {written}, expected {FORMAT}. Update SAMLesion.")
    try:
        design = from_table(StudyDesign, values)
    except InputError as wrong:
        raise InputError(f"{path.name}: {wrong}") from None
    check_design(design, path.name)
    return design


def design_hash(design: StudyDesign) -> str:
    """64 hexadecimal digits: equal for equal designs, whatever their comments and layout."""
    return hashlib.sha256(json.dumps(asdict(design), sort_keys=True).encode()).hexdigest()


def differing(old: StudyDesign, new: StudyDesign) -> list[str]:
    """Which parts of two designs differ, in words for people."""
    names = [field.name for field in fields(StudyDesign) if field.name != "version"]
    return [name for name in names if getattr(old, name) != getattr(new, name)]
