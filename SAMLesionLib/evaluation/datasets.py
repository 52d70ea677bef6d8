"""A data set: named cases that are read one at a time."""

from __future__ import annotations

from typing import Any, Protocol

from SAMLesionLib.evaluation.cases import Case


class Dataset(Protocol):
    """Cases by name; a case is in memory only as long as its caller keeps it."""

    @property
    def name(self) -> str:
        """How people call the data set."""

    @property
    def case_names(self) -> tuple[str, ...]:
        """All cases, in a fixed order."""

    def load(self, case_name: str) -> Case:
        """Read one case.

        Raises:
            ImageError: when its image or label cannot be used, with the case's name and what to do.
        """

    def describe(self) -> dict[str, Any]:
        """Path, layout and options as plain values for JSON."""
