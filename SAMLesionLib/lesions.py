"""Lesions as their reader described them, and all of them at one moment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import Any, NamedTuple

from SAMLesionLib.errors import PromptError
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import PromptSet
from SAMLesionLib.provenance import LESION_TERMINOLOGY
from SAMLesionLib.terminology import organ_of


class Status(Enum):
    """How far a lesion is."""

    DRAFT = "draft"
    ACCEPTED = "accepted"
    FLAGGED = "flagged"
    """A draft that wants a second look."""


class Origin(NamedTuple):
    """What a lesion's mask is made from; equal origins have the same mask.

    Attributes:
        prompts: what the model was told.
        edit: the mask that a reader made by hand since, None when there is none.
        run: how often the same prompts were asked anew.
    """

    prompts: PromptSet
    edit: PackedMask | None
    run: int


@dataclass(frozen=True)
class Lesion:
    """One lesion as its reader described it.

    Attributes:
        lesion_id: its name for programs; the host uses the id of its segment.
        name: its name for people.
        prompts: everything drawn on it so far.
        status: whether the reader has finished with it.
        terminology: what it is and where, in the form of Slicer's terminology tag.
        edit: the whole mask as the reader made it by hand (painted, erased, merged, split) since the last
            prompt, None when the mask is the model's answer. It is what the reader sees, and joins the next
            request as a mask prompt.
        run: how often the same prompts were asked anew.
    """

    lesion_id: str
    name: str
    prompts: PromptSet = field(default_factory=PromptSet)
    status: Status = Status.DRAFT
    terminology: str = LESION_TERMINOLOGY
    edit: PackedMask | None = None
    run: int = 0

    @property
    def is_accepted(self) -> bool:
        """Whether the lesion is finished and frozen."""
        return self.status is Status.ACCEPTED

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was drawn on it yet."""
        return not self.prompts and self.edit is None

    @property
    def origin(self) -> Origin:
        """What its mask is made from."""
        return Origin(self.prompts, self.edit, self.run)

    @property
    def organ(self) -> str:
        """The organ's word in lower case, empty when nobody named it."""
        return organ_of(self.terminology)

    def prompts_to_ask(self) -> PromptSet:
        """What a model is told: the prompts, and what the reader made by hand as a mask to start from."""
        if self.edit is None or self.edit.is_empty:
            return self.prompts
        return self.prompts.add(self.edit.as_prompt())

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "lesion_id": self.lesion_id,
            "name": self.name,
            "prompts": self.prompts.to_json(),
            "status": self.status.value,
            "terminology": self.terminology,
            "edit": self.edit.to_json() if self.edit else None,
            "run": self.run,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Lesion:
        """The lesion that `to_json` described.

        Raises:
            PromptError: a value is missing or is none of a lesion.
        """
        try:
            edit = values["edit"]
            return cls(
                str(values["lesion_id"]),
                str(values["name"]),
                PromptSet.from_json(values["prompts"]),
                Status(values["status"]),
                str(values["terminology"]),
                None if edit is None else PackedMask.from_json(edit),
                int(values["run"]),
            )
        except (KeyError, TypeError, ValueError) as wrong:
            raise PromptError(
                f"A lesion was written down in a form that is not understood ({wrong})."
            ) from None


@dataclass(frozen=True)
class Snapshot:
    """All lesions at one moment, in the order they were added.

    Attributes:
        lesions: the lesions.
    """

    lesions: tuple[Lesion, ...] = ()

    def find(self, lesion_id: str) -> Lesion | None:
        """The lesion of this id, if there is one."""
        return next((lesion for lesion in self.lesions if lesion.lesion_id == lesion_id), None)

    def with_lesions(self, first: Lesion, *others: Lesion) -> Snapshot:
        """The snapshot in which these lesions stand in the place of the one that has the first one's id."""
        lesions: list[Lesion] = []
        for lesion in self.lesions:
            lesions += (first, *others) if lesion.lesion_id == first.lesion_id else (lesion,)
        return Snapshot(tuple(lesions))

    def without(self, *lesion_ids: str) -> Snapshot:
        """The snapshot without these lesions."""
        return Snapshot(tuple(x for x in self.lesions if x.lesion_id not in lesion_ids))


def label_values(lesion_ids: Sequence[str]) -> dict[str, int]:
    """The value of each lesion in a label map.

    It is the number in the lesion's id, so that a lesion keeps its label when others come and go; an id
    without a number, or whose number is taken, gets the next free one.
    """
    labels: dict[str, int] = {}
    for lesion_id in lesion_ids:
        number = int((re.findall(r"\d{1,4}$", lesion_id) or ["0"])[0])
        if number > 0 and number not in labels.values():
            labels[lesion_id] = number
    free = (n for n in count(1) if n not in labels.values())
    return {
        lesion_id: labels.get(lesion_id) or labels.setdefault(lesion_id, next(free))
        for lesion_id in lesion_ids
    }
