"""A study on the disk: the frozen design, and a folder for each reader.

design.toml           what is asked; names the reference masks, which no other file does
designs/design-v1.toml, started.json    what was frozen when the first work lists were dealt
readers/R1/           all that a reader's program needs and writes: worklist.json, log.jsonl, masks/
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from SAMLesionLib.errors import InputError
from SAMLesionLib.io import atomic_write, make_folder
from SAMLesionLib.study.design import StudyDesign
from SAMLesionLib.study.design_file import DESIGN, design_hash, differing, read_design
from SAMLesionLib.study.schedule import PlannedReading, schedule

STARTED, READERS = "started.json", "readers"


@dataclass(frozen=True)
class Start:
    """What was frozen.

    Attributes:
        salt: makes the names of readings, so that they tell nothing of arm and case.
        version: of the design.
        design_sha256: hash of the design.
        started: when.
    """

    salt: str
    version: int
    design_sha256: str
    started: str


@dataclass(frozen=True)
class StudyFolder:
    """A study whose work lists have been dealt.

    Attributes:
        path: its folder.
        design: what is asked.
        start: what was frozen.
    """

    path: Path
    design: StudyDesign
    start: Start

    def reader_folder(self, reader: str) -> Path:
        """Where a reader's program writes.

        Raises:
            InputError: when the study has no such reader.
        """
        if reader not in self.design.readers:
            known = ", ".join(self.design.readers)
            raise InputError(f"This study has no reader {reader!r}. Its readers are {known}.")
        return self.path / READERS / reader

    def plan(self) -> dict[str, PlannedReading]:
        """Every reading of the study, by its name in readers' files."""
        return {
            reading_name(self.start.salt, reading): reading
            for readings in schedule(self.design).values()
            for reading in readings
        }

    def resolve(self, path: str) -> Path:
        """A path of the design, from here."""
        return self.path / path


def read_study(folder: Path) -> StudyFolder:
    """A study that has begun.

    Raises:
        InputError: when there is none, or its design was changed since.
    """
    design = read_design(folder / DESIGN)
    start = read_start(folder)
    if start is None:
        raise InputError(
            f"The work lists of {folder} are not dealt yet. Run `samlesion study deal {folder}`."
        )
    check_unchanged(folder, design, start)
    return StudyFolder(folder, design, start)


def freeze(folder: Path) -> StudyFolder:
    """Freeze a design so that work lists can be dealt; a raised version replaces an earlier one.

    Raises:
        InputError: when the design cannot be carried out, or was changed without a new version.
        OutputError: when the folder cannot be written to.
    """
    design = read_design(folder / DESIGN)
    earlier = read_start(folder)
    if earlier is not None and design.version <= earlier.version:
        check_unchanged(folder, design, earlier)
        return StudyFolder(folder, design, earlier)
    salt = earlier.salt if earlier else secrets.token_hex(16)
    start = Start(
        salt, design.version, design_hash(design), datetime.now(timezone.utc).isoformat(timespec="seconds")
    )
    make_folder(folder / "designs")
    with atomic_write(_kept(folder, design.version)) as file:
        file.write((folder / DESIGN).read_bytes())
    write_json(folder / STARTED, vars(start))
    return StudyFolder(folder, design, start)


def check_unchanged(folder: Path, design: StudyDesign, start: Start) -> None:
    """Refuse a design that was changed after the study began.

    Raises:
        InputError: saying what differs and what to do.
    """
    if design_hash(design) == start.design_sha256:
        return
    if design.version > start.version:
        raise InputError(
            f"The design is of version {design.version}, and the work lists are of version {start.version}. "
            "Run `samlesion study deal`, which keeps the data of earlier versions."
        )
    kept = _kept(folder, start.version)
    parts = differing(read_design(kept), design) if kept.exists() else []
    what = f" ({', '.join(parts)})" if parts else ""
    raise InputError(
        f"The design was changed{what} after the study began on {start.started[:10]}. Put {kept} back as "
        f"{DESIGN}; or raise its version to {start.version + 1} and run `samlesion study deal`, which keeps "
        "the data of earlier versions."
    )


def read_start(folder: Path) -> Start | None:
    """What was frozen; None when the study has not begun.

    Raises:
        InputError: when the note of it is damaged.
    """
    path = folder / STARTED
    try:
        return Start(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        raise InputError(f"{path} is damaged. Put it back from a backup of the study.") from None


def reading_name(salt: str, reading: PlannedReading) -> str:
    """12 hexadecimal digits that tell neither arm nor case, and stay when the design gets a new version."""
    return hashlib.sha256(repr((salt, *reading.key)).encode()).hexdigest()[:12]


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write one object, whole or not at all.

    Raises:
        OutputError: when it cannot be written.
    """
    with atomic_write(path) as file:
        file.write((json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode())


def _kept(folder: Path, version: int) -> Path:
    return folder / "designs" / f"design-v{version}.toml"
