"""What a reader draws on a lesion, in voxel coordinates: points, boxes, lines, scribbles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.prompt_values import Position, flag, index_box, position, whole_number


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
        return cls(position(values["point_ijk"]), flag(values["is_positive"], "is_positive"))


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
        return cls(index_box(values), None if axis is None else whole_number(axis, "axis"))


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
        return cls(position(values["start_ijk"]), position(values["stop_ijk"]))


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
            tuple(position(p) for p in values["points_ijk"]), flag(values["is_positive"], "is_positive")
        )
