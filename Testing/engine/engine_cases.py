"""Volumes and engines for the tests of the engine's room."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from SAMLesionLib.engine import Engine
from SAMLesionLib.engine.devices import Hardware
from SAMLesionLib.engine.networks import SamNetwork, TorchSam
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.masks import RunReport, collect
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.sam import Sam, build_tiny_lite_medsam
from SAMLesionLib.models.weights import LoadedModel
from SAMLesionLib.prompts import BoxPrompt, LinePrompt, PromptSet
from SAMLesionLib.protocol import SegmentRequest
from SAMLesionLib.volume import Volume

TINY = ModelCard(
    name="tiny",
    title="Tiny",
    summary="The architecture of LiteMedSAM in 24 thousand random weights.",
    paper="",
    licence="Apache-2.0",
    architecture="SAMLesionLib.models.sam:build_tiny_lite_medsam",
    image_size=32,
    keeps_aspect=True,
    intensity="medsam",
    prompts=frozenset({"box", "line", "mask"}),
    n_parameters=24_000,
    sources=(),
)
BOX = IndexBox((10, 8, 3), (22, 20, 9))
N_SLICES = BOX.shape_ijk[2]


@cache
def a_tiny_network() -> Sam:
    """Random, but with answers that depend on the image and the box: its maps are far from constant."""
    torch.manual_seed(0)
    network = build_tiny_lite_medsam()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(2.0)
    return network.eval()


def load_tiny(card: ModelCard) -> LoadedModel:
    return LoadedModel(a_tiny_network(), f"hash of {card.name}", Path("tiny.pth"))


def in_torch(loaded: LoadedModel, hardware: Hardware) -> TorchSam:
    assert isinstance(loaded.network, Sam)
    return TorchSam(loaded.network, hardware)


def a_network_that(does: Callable[[], None]) -> Callable[[LoadedModel, Hardware], SamNetwork]:
    """A `prepare` whose network calls `does` before it encodes a slice."""

    class Watched(TorchSam):
        def encode(self, image: torch.Tensor) -> torch.Tensor:
            does()
            return super().encode(image)

    return lambda loaded, hardware: Watched(a_tiny_network(), hardware)


def an_engine(*cards: ModelCard, **settings: Any) -> Engine:
    """An engine of tiny models that run in torch."""
    models = MappingProxyType({card.name: card for card in cards or (TINY,)})
    return Engine(
        "cpu", "float32", threads=1, models=models, **{"load": load_tiny, "prepare": in_torch, **settings}
    )


def a_volume(
    shape_ijk: tuple[int, int, int] = (32, 28, 12), affine: Affine | None = None, seed: int = 0, **words: Any
) -> Volume:
    """A bright ellipsoid in the middle of noise."""
    random = np.random.default_rng(seed)
    grid = np.indices(shape_ijk[::-1], dtype=float)
    sides = np.array(shape_ijk[::-1], dtype=float).reshape(3, 1, 1, 1)
    is_lesion = ((((grid + 0.5) / sides - 0.5) / 0.25) ** 2).sum(axis=0) < 1
    voxels = random.normal(100, 10, shape_ijk[::-1]) + 80 * is_lesion
    affine = affine or Affine.from_spacing((1, 1, 3))
    return Volume(voxels.astype(np.float32), affine, **{"modality": "MR", **words})


VOLUME = a_volume()


def an_engine_with(volume: Volume, *cards: ModelCard, **settings: Any) -> Engine:
    """An engine of tiny models that holds the volume."""
    engine = an_engine(*cards, **settings)
    engine.load_volume(volume)
    return engine


def a_request(volume: Volume, *prompts: Any, **words: Any) -> SegmentRequest:
    prompts = prompts or (BoxPrompt(BOX),)
    return SegmentRequest(volume.volume_id, prompts=PromptSet(prompts), **{"model": "tiny", **words})


def answer_of(
    engine: Engine, *prompts: object, volume: Volume = VOLUME, **words: object
) -> tuple[np.ndarray, RunReport]:
    """The whole-grid mask and the report."""
    mask, report = collect(engine.segment(a_request(volume, *prompts, **words)), volume.shape_ijk)
    assert isinstance(report, RunReport)
    return mask, report


def a_flat_box(axis: int, index: int, start: tuple[int, int], stop: tuple[int, int]) -> BoxPrompt:
    """A 2D box across an axis; start and stop along the two others, in the order of ijk."""
    low, high = list(start), list(stop)
    low.insert(axis, index)
    high.insert(axis, index + 1)
    return BoxPrompt(IndexBox((low[0], low[1], low[2]), (high[0], high[1], high[2])), axis)


def a_line(start: tuple[float, float, float], stop: tuple[float, float, float]) -> LinePrompt:
    return LinePrompt(start, stop)
