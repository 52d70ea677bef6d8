"""The models of an engine: each is loaded when first asked for, and stays."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from SAMLesionLib.engine.crop_predictor import CropEmbedding, CropPredictor
from SAMLesionLib.engine.devices import Hardware
from SAMLesionLib.engine.embeddings import EmbeddingCache, VolumeCache
from SAMLesionLib.engine.networks import SamNetwork
from SAMLesionLib.engine.predictors import SlicePredictor
from SAMLesionLib.engine.volume_predictor import CubeEmbedding, VolumePredictor
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.registry import find
from SAMLesionLib.models.weights import LoadedModel

logger = logging.getLogger(__name__)


class LoadedModels:
    """Predictors by the names of their models, and the embeddings they computed.

    Args:
        cards: the models to choose from, by name.
        load: how a card becomes a network with its weights.
        prepare: how a 2D network is made ready to answer on the hardware.
        hardware: where they run.
        embeddings_bytes: memory for the embeddings of slices, of cubes and of crops, for each as much.
    """

    def __init__(
        self,
        cards: Mapping[str, ModelCard],
        load: Callable[[ModelCard], LoadedModel],
        prepare: Callable[[LoadedModel, Hardware], SamNetwork],
        hardware: Hardware,
        embeddings_bytes: int,
    ) -> None:
        self._cards, self._load, self._prepare, self._hardware = cards, load, prepare, hardware
        self._slices = EmbeddingCache(embeddings_bytes)
        self._cubes: VolumeCache[CubeEmbedding] = VolumeCache(embeddings_bytes)
        self._crops: VolumeCache[CropEmbedding] = VolumeCache(embeddings_bytes)
        self._slice_predictors: dict[str, SlicePredictor] = {}
        self._volume_predictors: dict[str, VolumePredictor] = {}
        self._crop_predictors: dict[str, CropPredictor] = {}

    def slice_predictor(self, name: str) -> SlicePredictor:
        """The 2D model of this name."""
        if name not in self._slice_predictors:
            card = find(name, self._cards)
            loaded = self._load(card)
            network = self._prepare(loaded, self._hardware)
            logger.info("%s runs on %s", card.title, network.description)
            predictor = SlicePredictor(card, network, loaded.sha256, self._hardware, self._slices)
            self._slice_predictors[name] = predictor
        return self._slice_predictors[name]

    def volume_predictor(self, name: str) -> VolumePredictor:
        """The 3D model of this name."""
        if name not in self._volume_predictors:
            card = find(name, self._cards)
            predictor = VolumePredictor(card, self._load(card), self._hardware, self._cubes)
            self._volume_predictors[name] = _told(predictor)
        return self._volume_predictors[name]

    def crop_predictor(self, name: str) -> CropPredictor:
        """The 3D model of this name that looks once."""
        if name not in self._crop_predictors:
            card = find(name, self._cards)
            predictor = CropPredictor(card, self._load(card), self._hardware, self._crops)
            self._crop_predictors[name] = _told(predictor)
        return self._crop_predictors[name]

    def forget(self, volume_id: str) -> None:
        """Drop the embeddings of a volume."""
        for cache in (self._slices, self._cubes, self._crops):
            cache.forget(volume_id)


P = TypeVar("P", VolumePredictor, CropPredictor)


def _told(predictor: P) -> P:
    """The same, once the log says where it runs."""
    logger.info("%s runs on torch, %s, %s", predictor.card.title, predictor.device, predictor.precision)
    return predictor
