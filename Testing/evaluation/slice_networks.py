"""A network of the SAM family that answers by rule, and the engine that lends it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from SAMLesionLib import Volume
from SAMLesionLib.imaging import InputFormat, SliceFrame

BoxXY = tuple[float, float, float, float]


class FilledBoxNetwork:
    """Claims the box it is given, or whatever `shape` makes of it; logits lie on the input's own pixels.

    Args:
        shape: from the slice's index and the box to the box that is claimed, None for an empty mask.
        size: side of the input in pixels.
    """

    def __init__(
        self, shape: Callable[[int, BoxXY], BoxXY | None] = lambda k, box: box, size: int = 32
    ) -> None:
        self.format = InputFormat(size, keeps_aspect=True, kernel="area")
        self.weights_sha256, self.device, self.precision = "ab" * 32, "cpu", "float32"
        self.encode_s, self.n_encoded = 0.0, 0
        self.asked: list[tuple[int, BoxXY]] = []
        self._shape = shape

    def embed(self, volume: Volume, frame: SliceFrame, window: tuple[float, float]) -> int:
        self.encode_s += 0.25
        self.n_encoded += 1
        return frame.index

    def low_res_logits(self, embedding: int, boxes_xy: list[BoxXY]) -> np.ndarray:
        logits = np.full((len(boxes_xy), self.format.size, self.format.size), -10, np.float32)
        for plane, box in zip(logits, boxes_xy, strict=True):
            self.asked.append((embedding, box))
            claimed = self._shape(embedding, box)
            if claimed is not None:
                left, top, right, bottom = (int(v) for v in claimed)
                plane[top : bottom + 1, left : right + 1] = 10
        return logits


class LendingEngine:
    def __init__(self, network: FilledBoxNetwork) -> None:
        self.network = network
        self.forgotten: list[str] = []

    def predictor(self, name: str) -> FilledBoxNetwork:
        assert name == "lite-medsam"
        return self.network

    def unload_volume(self, volume_id: str) -> None:
        self.forgotten.append(volume_id)
