"""The engine: volumes and prompts go in, masks stream out; caches inside, no conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from time import perf_counter

import torch

from SAMLesionLib.engine.crop_answers import segment_crop
from SAMLesionLib.engine.crop_predictor import CropPredictor
from SAMLesionLib.engine.crops import CROP_KINDS, check_crop_prompts
from SAMLesionLib.engine.cube_answers import segment_cubes
from SAMLesionLib.engine.cube_masks import CubeAnswer
from SAMLesionLib.engine.cube_prompts import CUBE_KINDS, check_cube_prompts
from SAMLesionLib.engine.devices import Hardware, choose_hardware, out_of_memory_said
from SAMLesionLib.engine.embeddings import VolumeCache
from SAMLesionLib.engine.held_volumes import HeldVolume, HeldVolumes
from SAMLesionLib.engine.loaded_models import LoadedModels
from SAMLesionLib.engine.networks import SamNetwork, runnable
from SAMLesionLib.engine.plans import PLANNED_KINDS, plan_slices
from SAMLesionLib.engine.predictors import SlicePredictor
from SAMLesionLib.engine.propagation import segment_slices
from SAMLesionLib.engine.volume_predictor import VolumePredictor
from SAMLesionLib.imaging import FusionWeights
from SAMLesionLib.masks import MaskUpdate, RunReport
from SAMLesionLib.models import weights
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.cpu_memory import keep_freed_memory
from SAMLesionLib.models.registry import MODELS, find
from SAMLesionLib.models.weights import LoadedModel, is_available
from SAMLesionLib.protocol import ModelInfo, SegmentRequest
from SAMLesionLib.version import __version__
from SAMLesionLib.volume import Volume

Predictor = SlicePredictor | VolumePredictor | CropPredictor
Begin = Callable[[], tuple[Predictor, Iterator[MaskUpdate]]]
"""Loads a model where need be, and gives it with its answer to come."""

EMBEDDINGS_BYTES = 1 << 30
VOLUMES_BYTES = 8 << 30


class Engine:
    """A `Segmenter` that runs models in this process.

    Use it from one thread at a time; `EngineWorker` gives it a thread of its own.
    """

    def __init__(
        self,
        device: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        embeddings_bytes: int = EMBEDDINGS_BYTES,
        volumes_bytes: int = VOLUMES_BYTES,
        models: Mapping[str, ModelCard] = MODELS,
        load: Callable[[ModelCard], LoadedModel] = weights.load,
        prepare: Callable[[LoadedModel, Hardware], SamNetwork] = runnable,
    ) -> None:
        """Choose the hardware; models are loaded when first asked for.

        Args:
            device: `auto`, `cpu`, `cuda` or `mps`.
            precision: arithmetic of image encoders, `auto`, `float32` or `bfloat16`.
            threads: CPU threads, by default as many as cores.
            embeddings_bytes: memory for the embeddings of slices (4 MB each), as much for those of cubes
                (1 to 6 MB each), and as much for those of TAGS's crops (84 to 168 MB each).
            volumes_bytes: memory for volumes; the least recently used go first.
            models: the models to choose from, by name.
            load: how a `ModelCard` becomes a network with its weights.
            prepare: how that network is made ready to answer on the hardware.

        Raises:
            InputError: when the device is not here.
        """
        self.hardware = choose_hardware(device, precision, threads)
        torch.set_num_threads(self.hardware.threads)
        if self.hardware.device.type == "cpu":
            keep_freed_memory()
        self._cards = models
        self._models = LoadedModels(models, load, prepare, self.hardware, embeddings_bytes)
        self._answers: VolumeCache[CubeAnswer] = VolumeCache(embeddings_bytes // 16)
        self._volumes = HeldVolumes(volumes_bytes, (self._models, self._answers))

    @property
    def device(self) -> str:
        """The device in torch's words."""
        return str(self.hardware.device)

    def models(self) -> tuple[ModelInfo, ...]:
        """The models to choose from, with what they understand and whether their weights are here."""
        return tuple(self._info(card) for card in self._cards.values())

    def load_volume(self, volume: Volume) -> str:
        """Take a volume; see `Segmenter.load_volume`.

        Raises:
            ImageError: when no model can read it (NaN, constant).
            RequestTooLarge: when it alone exceeds the memory for volumes.
        """
        return self._volumes.put(volume)

    def unload_volume(self, volume_id: str) -> None:
        """Forget a volume and its embeddings; see `Segmenter.unload_volume`."""
        self._volumes.drop(volume_id)

    def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
        """Stream the mask of one lesion; see `Segmenter.segment`."""
        held = self._volumes.get(request.volume_id)
        volume = held.volume
        card = find(request.model, self._cards)
        self._info(card).check_prompts(request.prompts, self.models())
        request.prompts.check_inside(volume.shape_ijk, volume.name)
        notices = [*request.prompts.cut_notices(volume.shape_ijk, volume.name)]
        begin = self._begin(card, request, held, notices)
        with out_of_memory_said(self.hardware.device):
            predictor, updates = begin()
            clock = _Clock(predictor)
            for update in updates:
                if update.fraction == 1.0:
                    report = self._report(predictor, clock, tuple(notices))
                    update = MaskUpdate(update.block, update.mask, 1.0, report)
                yield update

    def _begin(self, card: ModelCard, request: SegmentRequest, held: HeldVolume, notices: list[str]) -> Begin:
        if card.crop is not None:
            return self._in_crop(request, held, notices)
        return self._in_slices(request, held) if card.cube is None else self._in_cubes(request, held)

    def _in_slices(self, request: SegmentRequest, held: HeldVolume) -> Begin:
        """What begins the answer of a 2D model; the prompts are refused before its weights are loaded."""
        plan = plan_slices(request.prompts, held.volume)

        def begin() -> tuple[SlicePredictor, Iterator[MaskUpdate]]:
            predictor = self.predictor(request.model)
            window = request.window or held.window
            return predictor, segment_slices(predictor, held.volume, plan, window, FusionWeights())

        return begin

    def _in_cubes(self, request: SegmentRequest, held: HeldVolume) -> Begin:
        """What begins the answer of a 3D model."""
        check_cube_prompts(request.prompts, held.volume)

        def begin() -> tuple[VolumePredictor, Iterator[MaskUpdate]]:
            predictor = self.volume_predictor(request.model)
            prompts, window = request.prompts, request.window
            return predictor, segment_cubes(predictor, held.volume, prompts, window, self._answers)

        return begin

    def _in_crop(self, request: SegmentRequest, held: HeldVolume, notices: list[str]) -> Begin:
        """What begins the answer of a 3D model that looks once; it may add notices."""
        check_crop_prompts(request.prompts, held.volume)

        def begin() -> tuple[CropPredictor, Iterator[MaskUpdate]]:
            predictor = self.crop_predictor(request.model)
            prompts, window = request.prompts, request.window
            return predictor, segment_crop(predictor, held.volume, prompts, window, notices)

        return begin

    def _info(self, card: ModelCard) -> ModelInfo:
        """What a reader can do with a model here: draw what both it and this engine understand."""
        info = card.info(is_available(card))
        kinds = PLANNED_KINDS if card.cube is None else CUBE_KINDS
        return replace(info, prompts=info.prompts & (kinds if card.crop is None else CROP_KINDS))

    def predictor(self, name: str) -> SlicePredictor:
        """The loaded model of this name, for benchmarks and training that ask single slices."""
        return self._models.slice_predictor(name)

    def volume_predictor(self, name: str) -> VolumePredictor:
        """The loaded 3D model of this name."""
        return self._models.volume_predictor(name)

    def crop_predictor(self, name: str) -> CropPredictor:
        """The loaded 3D model of this name that looks once."""
        return self._models.crop_predictor(name)

    def _report(self, predictor: Predictor, clock: _Clock, notices: tuple[str, ...]) -> RunReport:
        encode_s = predictor.encode_s - clock.encode_s
        return RunReport(
            model=predictor.card.name,
            weights_sha256=predictor.weights_sha256,
            device=predictor.device,
            precision=predictor.precision,
            version=__version__,
            encode_s=encode_s,
            decode_s=perf_counter() - clock.start - encode_s,
            n_encoded=predictor.n_encoded - clock.n_encoded,
            notices=notices,
        )


class _Clock:
    """Where a predictor's counters stood when a request began."""

    def __init__(self, predictor: Predictor) -> None:
        self.start = perf_counter()
        self.encode_s = predictor.encode_s
        self.n_encoded = predictor.n_encoded
