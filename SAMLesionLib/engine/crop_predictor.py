"""A loaded TAGS: a cube of a scan with its organ goes in once, then points, and probabilities come out."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from SAMLesionLib.engine.crops import is_in, organ_word
from SAMLesionLib.engine.devices import Hardware, finish
from SAMLesionLib.engine.embeddings import EmbeddingKey, VolumeCache
from SAMLesionLib.engine.predictor_3d import Embedding3D, Predictor3D
from SAMLesionLib.imaging import PatchFrame, Window
from SAMLesionLib.imaging.organ_intensity import organ_image
from SAMLesionLib.models.cards import CropRecipe, ModelCard
from SAMLesionLib.models.tags import Tags, TagsEncoded, prepare_for_answers
from SAMLesionLib.models.weights import LoadedModel
from SAMLesionLib.prompts import OrganMaskPrompt, PointPrompt, PromptSet
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]
CropEmbedding = Embedding3D[TagsEncoded]
"""The map that points change, and the share of all others."""


class CropPredictor(Predictor3D[Tags, CropEmbedding]):
    """TAGS on one device: encodes each cube and organ once and decodes as many points as are asked.

    The network's axes are the patient's: superior, anterior, right. Those of a `PatchFrame` are right,
    anterior, superior, so arrays are turned around on their way in and out.
    """

    def __init__(
        self,
        card: ModelCard,
        loaded: LoadedModel,
        hardware: Hardware,
        cache: VolumeCache[CropEmbedding],
    ) -> None:
        """Prepare the network; it is changed in place.

        Args:
            card: the model; one with a `crop`.
            loaded: its network, a `Tags`.
            hardware: where it runs.
            cache: embeddings computed before.
        """
        network = prepare_for_answers(cast(Tags, loaded.network), hardware.precision)
        super().__init__(card, network, loaded.sha256, hardware, cache)

    @property
    def recipe(self) -> CropRecipe:
        """How the model sees a scan."""
        assert self.card.crop is not None, "this model's card has a crop"
        return self.card.crop

    def embed(
        self, volume: Volume, frame: PatchFrame, prompts: PromptSet, window: Window | None
    ) -> Iterator[float | CropEmbedding]:
        """How much of the work is done, 0 to 1, and at the end the embedding, computed or found.

        Between two values one block of the encoder is computed, so closing the iterator ends the work soon.

        Args:
            volume: the scan.
            frame: the cube.
            prompts: the organ's mask and word are taken from here.
            window: grey values that the reader chose.
        """
        key = self._key(volume, frame, prompts, window)
        embedding = self._cache.get(key)
        if embedding is None:
            for step in self._encode(self._input(volume, frame, prompts, window)):
                if isinstance(step, float):
                    yield step
                else:
                    embedding = CropEmbedding(step)
            assert embedding is not None, "the last step is the embedding"
            self.n_encoded += 1
            self._cache.put(key, embedding)
        yield embedding

    @torch.inference_mode()
    def probability(self, embedding: CropEmbedding, frame: PatchFrame, prompts: PromptSet) -> Floats:
        """How surely each cell (d, h, w) of the cube is tumour, 0 to 1, by the points that lie in it."""
        inside = [point.point_ijk for point in prompts.of(PointPrompt) if is_in(frame, point)]
        places = frame.to_dhw(np.reshape(inside, (-1, 3)))[:, ::-1]
        points = torch.from_numpy(np.ascontiguousarray(places, np.float32)).to(self.hardware.device)
        logits = self._network.decode(embedding.maps, points[None])
        tumour: Floats = logits.float().softmax(dim=1)[0, 1].cpu().numpy()
        return np.ascontiguousarray(tumour.transpose(2, 1, 0))

    @torch.inference_mode()
    def _encode(self, image: torch.Tensor) -> Iterator[float | TagsEncoded]:
        start = perf_counter()
        for step in self._network.encode_in_steps(image):
            finish(self.hardware.device)
            self.encode_s += perf_counter() - start
            yield step
            start = perf_counter()

    def _input(
        self, volume: Volume, frame: PatchFrame, prompts: PromptSet, window: Window | None
    ) -> torch.Tensor:
        """Grey values twice and the organ, or grey values three times: 1x3xDxHxW."""
        grey = organ_image(volume, frame, organ_word(prompts), window)
        organ = grey
        for mask in prompts.of(OrganMaskPrompt):
            organ = (frame.mask(mask.mask, mask.box, self.size) > 0.5).astype(np.float32)
        image = np.stack((grey, grey, organ)).transpose(0, 3, 2, 1)
        return torch.from_numpy(np.ascontiguousarray(image))[None].to(self.hardware.device)

    def _key(
        self, volume: Volume, frame: PatchFrame, prompts: PromptSet, window: Window | None
    ) -> EmbeddingKey:
        organ = (organ_word(prompts), *prompts.of(OrganMaskPrompt))
        return self.key(volume, (frame, organ), window)
