"""What a lesion looks like, whole: enough to show it again without an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from SAMLesionLib.errors import PromptError
from SAMLesionLib.host.results import Result
from SAMLesionLib.lesions import Lesion
from SAMLesionLib.packed_masks import PackedMask


@dataclass(frozen=True)
class Look:
    """One lesion and its mask.

    Attributes:
        lesion: what the reader did.
        result: what was shown of it.
    """

    lesion: Lesion
    result: Result

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "lesion": self.lesion.to_json(),
            "mask": self.result.mask.to_json(),
            "tags": dict(self.result.tags or {}),
            "is_answer": self.result.is_answer,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Look:
        """The look that `to_json` described.

        Raises:
            PromptError: a value is missing or damaged.
        """
        try:
            mask = PackedMask.from_json(values["mask"])
            tags = {str(k): None if v is None else str(v) for k, v in values["tags"].items()}
            result = Result(mask, tags or None, bool(values["is_answer"]))
            return cls(Lesion.from_json(values["lesion"]), result)
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            raise PromptError(
                f"A lesion was written down in a form that is not understood ({wrong})."
            ) from None
