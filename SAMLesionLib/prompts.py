"""All prompts of one lesion: what a reader drew and painted, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from SAMLesionLib.drawings import BoxPrompt, LinePrompt, PointPrompt, ScribblePrompt
from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox, Triple
from SAMLesionLib.mask_prompt import BlockMask, MaskPrompt, OrganMaskPrompt
from SAMLesionLib.organ_word import OrganPrompt
from SAMLesionLib.prompt_values import Position

__all__ = [
    "BoxPrompt",
    "LinePrompt",
    "MaskPrompt",
    "OrganMaskPrompt",
    "OrganPrompt",
    "PointPrompt",
    "Position",
    "Prompt",
    "PromptSet",
    "ScribblePrompt",
]

Prompt = PointPrompt | BoxPrompt | LinePrompt | ScribblePrompt | MaskPrompt | OrganMaskPrompt | OrganPrompt
_KINDS: dict[str, Any] = {cls.kind: cls for cls in get_args(Prompt)}
P = TypeVar("P", PointPrompt, BoxPrompt, LinePrompt, ScribblePrompt, MaskPrompt, OrganMaskPrompt, OrganPrompt)


@dataclass(frozen=True)
class PromptSet:
    """All prompts of one lesion, in the order they were given.

    Attributes:
        prompts: the prompts.
    """

    prompts: tuple[Prompt, ...] = ()

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self.prompts)

    def __len__(self) -> int:
        return len(self.prompts)

    def add(self, prompt: Prompt) -> PromptSet:
        """The set with one more prompt."""
        return PromptSet((*self.prompts, prompt))

    def of(self, kind: type[P]) -> list[P]:
        """The prompts of one class."""
        return [p for p in self.prompts if isinstance(p, kind)]

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of prompt the set holds."""
        return frozenset(p.kind for p in self.prompts)

    def check_inside(self, shape_ijk: Triple, image_name: str = "the image") -> None:
        """Refuse an empty set and any prompt that lies off the image.

        Raises:
            PromptError: naming the prompt, the image's size and what to do.
        """
        if not self.prompts:
            raise PromptError("At least one prompt is needed, got none. Draw a box around the lesion.")
        whole = IndexBox.whole(shape_ijk)
        for prompt in self.prompts:
            if isinstance(prompt, (BoxPrompt, BlockMask)):
                prompt.box.check_inside(shape_ijk, image_name, prompt.kind.replace("-", " "))
                if isinstance(prompt, BoxPrompt) and prompt.box.n_voxels == 1:
                    at = ",".join(map(str, prompt.box.start_ijk))
                    raise PromptError(
                        f"A box goes around a lesion, got a single voxel ({at}). Draw it around the lesion."
                    )
            elif not all(whole.contains(p) for p in prompt.positions_ijk()):
                size = " x ".join(map(str, shape_ijk))
                where = "; ".join(", ".join(f"{v:g}" for v in p) for p in prompt.positions_ijk()[:2])
                raise PromptError(
                    f"This {prompt.kind} ({where}) lies outside {image_name} ({size} voxels). "
                    "Draw it on the image."
                )

    def cut_notices(self, shape_ijk: Triple, image_name: str = "the image") -> tuple[str, ...]:
        """A sentence where boxes or masks reach beyond the image, which uses only what lies on it."""
        whole = IndexBox.whole(shape_ijk)
        blocks = [p for p in self.prompts if isinstance(p, (BoxPrompt, BlockMask))]
        beyond = [p for p in blocks if p.box.intersect(whole) != p.box]
        if not beyond:
            return ()
        which = f"The {beyond[0].kind.replace('-', ' ')} {beyond[0].box.span}" + " and others" * (
            len(beyond) > 1
        )
        # A very long name would not cross the wire.
        on = f"{image_name[:200]} ({' x '.join(map(str, shape_ijk))} voxels)"
        return (f"{which} reached beyond {on}, so only the part on the image was used.",)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values for JSON, one object a prompt."""
        return [p.to_json() for p in self.prompts]

    @classmethod
    def from_json(cls, values: Sequence[Mapping[str, Any]]) -> PromptSet:
        """The set that `to_json` described.

        Raises:
            PromptError: when a value is missing or is none of our kinds.
        """
        return cls(tuple(_prompt_from_json(v) for v in values))

    def dumps(self) -> str:
        """One line of JSON, the same for the same prompts."""
        return json.dumps(self.to_json(), separators=(",", ":"), sort_keys=True)


def _prompt_from_json(values: Mapping[str, Any]) -> Prompt:
    if not isinstance(values, Mapping) or str(values.get("kind")) not in _KINDS:
        raise PromptError(f"A prompt is an object with kind {', '.join(_KINDS)}; got {str(values)[:80]}.")
    try:
        prompt: Prompt = _KINDS[str(values["kind"])].from_json(values)
    except KeyError as missing:
        raise PromptError(f"A {values['kind']} prompt needs the field {missing}.") from None
    except (TypeError, ValueError, OverflowError) as wrong:
        raise PromptError(f"A {values['kind']} prompt has a wrong value: {wrong}.") from None
    return prompt
