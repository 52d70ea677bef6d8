"""Opponents behind the same `Segmenter` protocol as our own models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import VolumeNotLoaded
from SAMLesionLib.evaluation.opponents.question import Mask, Planner, Question
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import InputFormat, SliceFrame
from SAMLesionLib.masks import MaskUpdate, RunReport
from SAMLesionLib.protocol import ModelInfo, SegmentRequest
from SAMLesionLib.version import __version__
from SAMLesionLib.volume import Volume

Answer = tuple[IndexBox, Mask]
"""A block of voxels, and the mask that fills it, (k, j, i)."""


class SlicePredictor(Protocol):
    """A network of the SAM family that sees slices: the engine's, whatever runtime computes it."""

    format: InputFormat
    weights_sha256: str
    device: str
    precision: str
    encode_s: float
    n_encoded: int

    def embed(self, volume: Volume, frame: SliceFrame, window: tuple[float, float]) -> Any:
        """The embedding of a frame, computed or found."""

    def low_res_logits(self, embedding: Any, boxes_xy: Any) -> npt.NDArray[np.float32]:
        """Logits (P, n, n) over the network's whole input, one map for each of P boxes in its pixels."""


class SliceEngine(Protocol):
    """What lends its network to the opponents that are other ways to use it."""

    def predictor(self, name: str) -> SlicePredictor:
        """The loaded model of this name."""

    def unload_volume(self, volume_id: str) -> None:
        """Forget the embeddings of a volume."""


class ToolSegmenter:
    """A `Segmenter` with one model: a tool that makes a mask from boxes and clicks."""

    def __init__(self, info: ModelInfo, plan: Planner, tool: Callable[[Question], Answer]) -> None:
        self._info, self._plan, self._tool = info, plan, tool
        self._volumes: dict[str, Volume] = {}

    def models(self) -> tuple[ModelInfo, ...]:
        """The one model."""
        return (self._info,)

    def load_volume(self, volume: Volume) -> str:
        """Take a volume; see `Segmenter.load_volume`."""
        volume.check_usable()
        self._volumes[volume.volume_id] = volume
        return volume.volume_id

    def unload_volume(self, volume_id: str) -> None:
        """Forget a volume; see `Segmenter.unload_volume`."""
        self._volumes.pop(volume_id, None)

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        """The mask in one piece; see `Segmenter.segment`."""
        volume = self._volumes.get(request.volume_id)
        if volume is None:
            raise VolumeNotLoaded(f"{self._info.name} does not hold volume {request.volume_id[:8]}. Send it.")
        self._info.check_prompts(request.prompts)
        request.prompts.check_inside(volume.shape_ijk, volume.name)
        start = perf_counter()
        block, mask = self._tool(Question.of(request, volume, self._plan))
        yield MaskUpdate(block, mask, 1.0, self._report(perf_counter() - start))

    def _report(self, seconds: float) -> RunReport:
        return RunReport(self._info.name, "", "cpu", "", __version__, 0.0, seconds, 0)


class NetworkSegmenter(ToolSegmenter):
    """A `Segmenter` that asks an engine's network in its own way.

    Args:
        info: its model.
        plan: makes boxes of prompts.
        engine: whose network.
        network: name of the network's model.
        tool: asks the network.
    """

    def __init__(
        self,
        info: ModelInfo,
        plan: Planner,
        engine: SliceEngine,
        network: str,
        tool: Callable[[Question, SlicePredictor], Answer],
    ) -> None:
        super().__init__(info, plan, lambda question: tool(question, engine.predictor(network)))
        self._engine, self._network = engine, network

    def unload_volume(self, volume_id: str) -> None:
        """Forget a volume and its embeddings; see `Segmenter.unload_volume`."""
        super().unload_volume(volume_id)
        self._engine.unload_volume(volume_id)

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        """The mask in one piece; see `Segmenter.segment`."""
        predictor = self._engine.predictor(self._network)
        self._before = predictor.encode_s, predictor.n_encoded
        yield from super().segment(request)

    def _report(self, seconds: float) -> RunReport:
        predictor, (encode_s, n_encoded) = self._engine.predictor(self._network), self._before
        spent = predictor.encode_s - encode_s
        return RunReport(
            self._info.name,
            predictor.weights_sha256,
            predictor.device,
            predictor.precision,
            __version__,
            spent,
            seconds - spent,
            predictor.n_encoded - n_encoded,
        )
