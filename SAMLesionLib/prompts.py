"""What a reader draws on a lesion, in voxel coordinates: boxes, points, lines, scribbles, masks."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox, Triple

Position = tuple[float, float, float]

MAX_MASK_VOXELS = 2**31
"""A mask prompt may unpack to no more than this, so that a few bytes cannot fill the memory."""


@dataclass(frozen=True)
class PointPrompt:
    """A click.

    Attributes:
        point_ijk: continuous voxel position.
        is_positive: whether the lesion is here (True) or is not here (False).
    """

    kind: ClassVar[str] = "point"
    point_ijk: Position
    is_positive: bool = True

    def positions_ijk(self) -> npt.NDArray[np.float64]:
        """Where the prompt touches the image, (N, 3)."""
        return np.array([self.point_ijk], dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"kind": self.kind, "point_ijk": list(self.point_ijk), "is_positive": self.is_positive}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PointPrompt:
        """The prompt that `to_json` described."""
        return cls(_position(values["point_ijk"]), _flag(values["is_positive"], "is_positive"))


@dataclass(frozen=True)
class BoxPrompt:
    """A box around the lesion.

    Attributes:
        box: the voxels inside, half-open.
        axis: the voxel axis across which a 2D box was drawn (0, 1, 2 for i, j, k; the box is one voxel
            thick there), None for a 3D box.
    """

    kind: ClassVar[str] = "box"
    box: IndexBox
    axis: int | None = None

    def __post_init__(self) -> None:
        if self.axis is not None and self.axis not in (0, 1, 2):
            raise PromptError(f"A 2D box lies across axis 0, 1 or 2 (i, j, k), got {self.axis}.")
        if self.axis is not None and self.box.shape_ijk[self.axis] != 1:
            raise PromptError(
                f"A 2D box across axis {'ijk'[self.axis]} is one voxel thick there, got "
                f"{self.box.shape_ijk[self.axis]} voxels. Give a 3D box instead."
            )

    @classmethod
    def from_roi(cls, box: IndexBox) -> BoxPrompt:
        """The prompt of a box drawn in 3D: one that covers a single slice was drawn in that slice."""
        thin = [axis for axis in range(3) if box.shape_ijk[axis] == 1]
        return cls(box, thin[0] if len(thin) == 1 else None)

    @property
    def index(self) -> int:
        """The slice a 2D box was drawn in."""
        if self.axis is None:
            raise ValueError("a 3D box lies in no single slice")
        return self.box.start_ijk[self.axis]

    def positions_ijk(self) -> npt.NDArray[np.float64]:
        """The first and the last voxel, (2, 3)."""
        return np.array([self.box.start_ijk, np.subtract(self.box.stop_ijk, 1)], dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        box = self.box
        return {
            "kind": self.kind,
            "start_ijk": list(box.start_ijk),
            "stop_ijk": list(box.stop_ijk),
            "axis": self.axis,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> BoxPrompt:
        """The prompt that `to_json` described."""
        axis = values.get("axis")
        return cls(_box(values), None if axis is None else _whole(axis, "axis"))


@dataclass(frozen=True)
class LinePrompt:
    """A diameter across the lesion, as in RECIST; two of them in one slice are a long- and short-axis cross.

    Attributes:
        start_ijk: one end, continuous voxel position.
        stop_ijk: the other end.
    """

    kind: ClassVar[str] = "line"
    start_ijk: Position
    stop_ijk: Position

    def positions_ijk(self) -> npt.NDArray[np.float64]:
        """The two ends, (2, 3)."""
        return np.array([self.start_ijk, self.stop_ijk], dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"kind": self.kind, "start_ijk": list(self.start_ijk), "stop_ijk": list(self.stop_ijk)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> LinePrompt:
        """The prompt that `to_json` described."""
        return cls(_position(values["start_ijk"]), _position(values["stop_ijk"]))


@dataclass(frozen=True)
class ScribblePrompt:
    """A stroke painted on the lesion or on what is not the lesion.

    Attributes:
        points_ijk: the voxels passed, in the order they were drawn.
        is_positive: whether the lesion is here.
    """

    kind: ClassVar[str] = "scribble"
    points_ijk: tuple[Position, ...]
    is_positive: bool = True

    def __post_init__(self) -> None:
        if not self.points_ijk:
            raise PromptError("A scribble needs at least one point, got none. Draw it again.")

    def positions_ijk(self) -> npt.NDArray[np.float64]:
        """Where the stroke passes, (N, 3)."""
        return np.array(self.points_ijk, dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": self.kind,
            "points_ijk": [list(p) for p in self.points_ijk],
            "is_positive": self.is_positive,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ScribblePrompt:
        """The prompt that `to_json` described."""
        return cls(
            tuple(_position(p) for p in values["points_ijk"]), _flag(values["is_positive"], "is_positive")
        )


@dataclass(frozen=True, eq=False)
class MaskPrompt:
    """A mask to start from: an earlier result, or what a reader painted.

    Attributes:
        box: the block of voxels that `mask` fills; everything outside is background.
        mask: (k, j, i) booleans, read-only.
    """

    kind: ClassVar[str] = "mask"
    box: IndexBox
    mask: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        mask = np.array(self.mask, dtype=bool)
        if mask.shape != self.box.shape_kji:
            raise PromptError(f"A mask must fill its block {self.box.shape_kji} (k, j, i), got {mask.shape}.")
        if not mask.any():
            raise PromptError("A mask to start from is empty. Paint the lesion first, or draw a box.")
        mask.setflags(write=False)
        object.__setattr__(self, "mask", mask)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MaskPrompt) and self.box == other.box and np.array_equal(self.mask, other.mask)
        )

    def __hash__(self) -> int:
        return hash((self.box, self.mask.tobytes()))

    @classmethod
    def of(cls, mask_kji: npt.NDArray[Any]) -> MaskPrompt:
        """The mask prompt of a whole-grid mask, cropped to what is painted."""
        mask = np.asarray(mask_kji).astype(bool)
        box = IndexBox.of_mask(mask)
        if box is None:
            raise PromptError("A mask to start from is empty. Paint the lesion first, or draw a box.")
        return cls(box, mask[box.slices_kji()])

    def positions_ijk(self) -> npt.NDArray[np.float64]:
        """The first and the last voxel of the block, (2, 3)."""
        return np.array([self.box.start_ijk, np.subtract(self.box.stop_ijk, 1)], dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; the voxels as base64 of deflated bits in C order."""
        bits = zlib.compress(np.packbits(self.mask).tobytes())
        return {
            "kind": self.kind,
            "start_ijk": list(self.box.start_ijk),
            "stop_ijk": list(self.box.stop_ijk),
            "bits": base64.b64encode(bits).decode("ascii"),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> MaskPrompt:
        """The prompt that `to_json` described."""
        box = _box(values)
        return cls(box, unpack_bits(base64.b64decode(values["bits"], validate=True), box.shape_kji))


Prompt = PointPrompt | BoxPrompt | LinePrompt | ScribblePrompt | MaskPrompt
_KINDS: dict[str, Any] = {
    cls.kind: cls for cls in (PointPrompt, BoxPrompt, LinePrompt, ScribblePrompt, MaskPrompt)
}
P = TypeVar("P", PointPrompt, BoxPrompt, LinePrompt, ScribblePrompt, MaskPrompt)


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
            if isinstance(prompt, (BoxPrompt, MaskPrompt)):
                prompt.box.check_inside(shape_ijk, image_name)
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


def unpack_bits(data: bytes, shape_kji: Triple) -> npt.NDArray[np.bool_]:
    """The (k, j, i) mask whose bits were packed in C order and deflated.

    Raises:
        PromptError: when the data does not unpack to exactly this shape.
    """
    n_voxels = int(np.prod(shape_kji, dtype=np.int64))
    if not 0 < n_voxels <= MAX_MASK_VOXELS:
        raise PromptError(f"A mask block holds between 1 and {MAX_MASK_VOXELS:,} voxels, got {n_voxels:,}.")
    n_bytes = (n_voxels + 7) // 8
    inflate = zlib.decompressobj()
    try:
        bits = inflate.decompress(data, n_bytes + 1)
    except zlib.error as broken:
        raise PromptError(f"A mask's voxels are damaged ({broken}). Send the mask again.") from None
    if len(bits) != n_bytes or not inflate.eof:
        raise PromptError(
            f"A mask of {n_voxels:,} voxels needs {n_bytes:,} bytes of bits, got another count."
        )
    flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=n_voxels)
    return flat.astype(bool).reshape(shape_kji)


def _position(values: Sequence[float]) -> Position:
    i, j, k = (float(v) for v in values)
    if not np.isfinite([i, j, k]).all():
        raise ValueError("positions are finite numbers")
    return i, j, k


def _box(values: Mapping[str, Any]) -> IndexBox:
    start = tuple(_whole(v, "start_ijk") for v in values["start_ijk"])
    stop = tuple(_whole(v, "stop_ijk") for v in values["stop_ijk"])
    if len(start) != 3 or len(stop) != 3:
        raise ValueError("start_ijk and stop_ijk hold three whole numbers each")
    return IndexBox(start, stop)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false, got {value!r}")
    return value


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or int(value) != value or abs(value) > 2**31:
        raise ValueError(f"{name} holds whole numbers, got {value!r}")
    return int(value)
