"""Every mask that was shown, by what it was made from: undo and redo need no engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from SAMLesionLib.host.segment_facts import TAG_NAMES, safe_tag
from SAMLesionLib.lesions import Lesion, Origin
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.provenance import PREFIX

Tags = Mapping[str, str | None]
NO_TAGS: Tags = dict.fromkeys(TAG_NAMES)


@dataclass(frozen=True)
class Result:
    """What a lesion looked like.

    Attributes:
        mask: its whole mask.
        tags: how it was made; None where it is the reader's own work.
        is_answer: whether the mask answers the lesion's prompts; otherwise it is only what was shown when
            they were drawn.
    """

    mask: PackedMask
    tags: Tags | None = None
    is_answer: bool = True


class Results:
    """What the lesions of a session looked like in each of their states."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Origin], Result] = {}

    def keep(self, lesion_id: str, origin: Origin, result: Result) -> None:
        """Remember a lesion's look in this state; a later answer takes the place of an earlier one."""
        if result.is_answer or (lesion_id, origin) not in self._kept:
            self._kept[lesion_id, origin] = result

    def find(self, lesion: Lesion) -> Result | None:
        """How the lesion looked in its present state; None when that was never seen."""
        if lesion.edit is not None:
            return Result(lesion.edit)
        if lesion.is_untouched:
            return Result(PackedMask(), NO_TAGS)
        return self._kept.get((lesion.lesion_id, lesion.origin))


def is_answer_to(tags: Tags, lesion: Lesion) -> bool:
    """Whether a mask with these tags was made from the lesion's prompts, as in a scene that was loaded."""
    return tags[f"{PREFIX}Prompts"] == safe_tag(lesion.prompts.dumps())
