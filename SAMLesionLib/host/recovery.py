"""Work that a crash left behind, read from journals and offered back."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from SAMLesionLib.errors import PromptError
from SAMLesionLib.host.journal import FORMAT, PATTERN
from SAMLesionLib.host.looks import Look
from SAMLesionLib.io.file_locks import is_locked

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recovery:
    """The lesions of a session that did not end as it should.

    Attributes:
        path: its journal.
        saved_at: when the last change was written down.
        looks: the lesions and their masks, in their order.
    """

    path: Path
    saved_at: datetime
    looks: tuple[Look, ...]

    def forget(self) -> None:
        """Delete the journal: its work is back, or the reader does not want it."""
        self.path.unlink(missing_ok=True)


def find_recoveries(folder: str | Path, fingerprint: str) -> tuple[Recovery, ...]:
    """What journals in a folder hold about a volume, newest first, but no living session's."""
    found = [recovery for path in Path(folder).glob(PATTERN) if (recovery := _read(path, fingerprint))]
    return tuple(sorted(found, key=lambda recovery: recovery.saved_at, reverse=True))


def _read(path: Path, fingerprint: str) -> Recovery | None:
    try:
        lines = [] if is_locked(path) else path.read_bytes().split(b"\n")
    except OSError as refused:
        logger.warning("%s cannot be read (%s)", path, refused)
        return None
    values = list(_objects(lines))
    if not any(v.get("format") == FORMAT and v.get("fingerprint") == fingerprint for v in values):
        return None
    looks: dict[str, Look] = {}
    lesion_ids: list[str] = []
    saved_at = datetime.min
    for value in values:
        if "lesion_ids" in value:
            lesion_ids = [str(x) for x in value["lesion_ids"]]
            saved_at = _time(value.get("time"), saved_at)
            looks |= {look.lesion.lesion_id: look for look in _looks(value.get("changed"), path)}
    kept = tuple(looks[x] for x in lesion_ids if x in looks)
    return Recovery(path, saved_at, kept) if kept else None


def _objects(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:  # cut off by a crash or a full disk; UnicodeDecodeError is one, too
            continue
        if isinstance(value, dict):
            yield value


def _looks(values: Any, path: Path) -> Iterator[Look]:
    for value in values if isinstance(values, list) else ():
        try:
            yield Look.from_json(value)
        except PromptError as damage:
            logger.warning("a lesion in %s is damaged (%s)", path, damage)


def _time(text: Any, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=None)
    except ValueError:
        return otherwise
