"""A loaded 3D network: cubes of a volume and prompts in them go in, logits in their cells come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from SAMLesionLib.engine.devices import Hardware, finish
from SAMLesionLib.engine.embeddings import VolumeCache
from SAMLesionLib.engine.predictor_3d import Embedding3D, Predictor3D
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import PatchFrame, Window, cube_image
from SAMLesionLib.models.cards import CubeRecipe, ModelCard
from SAMLesionLib.models.sam3d import Encoded, Sam3D, prepare_for_answers
from SAMLesionLib.models.weights import LoadedModel
from SAMLesionLib.prompts import PointPrompt
from SAMLesionLib.volume import Volume

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CubeEmbedding(Embedding3D[Encoded]):
    """The embedding of a cube and its finer maps.

    Attributes:
        grey: what the model saw, (n, n, n) in the cells of its logits; empty for a model that looks at a
            first click once, since nobody asks for it.
    """

    grey: Floats

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return super().nbytes + self.grey.nbytes


class VolumePredictor(Predictor3D[Sam3D, CubeEmbedding]):
    """One 3D model on one device: encodes each cube once and decodes as many prompts as are asked."""

    def __init__(
        self,
        card: ModelCard,
        loaded: LoadedModel,
        hardware: Hardware,
        cache: VolumeCache[CubeEmbedding],
    ) -> None:
        """Prepare the network; it is changed in place.

        Args:
            card: the model; one with a `cube`.
            loaded: its network, a `Sam3D`.
            hardware: where it runs.
            cache: embeddings computed before.
        """
        network = prepare_for_answers(cast(Sam3D, loaded.network), hardware.precision)
        super().__init__(card, network, loaded.sha256, hardware, cache)

    @property
    def recipe(self) -> CubeRecipe:
        """How the model sees a scan."""
        assert self.card.cube is not None, "a 3D model's card has a cube"
        return self.card.cube

    @property
    def mask_size(self) -> int:
        """Cells along each side of the logits; the cube's cells in blocks."""
        return self._network.mask_size

    @property
    def takes_boxes(self) -> bool:
        """Whether a box is a prompt of its own to the network."""
        return self._network.prompt_encoder.takes_boxes

    @torch.inference_mode()
    def embed(self, volume: Volume, frame: PatchFrame, window: Window | None) -> CubeEmbedding:
        """The embedding of a cube, computed or found."""
        key = self.key(volume, frame, window)
        embedding = self._cache.get(key)
        if embedding is None:
            start = perf_counter()
            cube = cube_image(volume, frame, self.card.intensity, window)
            image = torch.from_numpy(cube)[None, None].to(self.hardware.device)
            embedding = CubeEmbedding(self._network.encode(image), self._in_mask_cells(cube))
            finish(self.hardware.device)
            self.encode_s += perf_counter() - start
            self.n_encoded += 1
            self._cache.put(key, embedding)
        return embedding

    @torch.inference_mode()
    def logits(
        self,
        embedding: CubeEmbedding,
        frame: PatchFrame,
        clicks: Sequence[PointPrompt],
        box: IndexBox | None,
        before: Floats,
    ) -> Floats:
        """Logits (n, n, n) in n = `mask_size` cells along each side of the cube, above 0 inside the lesion.

        Args:
            embedding: of the cube.
            frame: the cube.
            clicks: those that lie in it; may be none.
            box: for a network that takes boxes.
            before: the logits (n, n, n) of the answer to refine; zeros without one.
        """
        points, labels, corners = None, None, None
        if clicks:
            points = self._tensor(frame.to_dhw([click.point_ijk for click in clicks]))[None]
            labels = self._tensor([int(click.is_positive) for click in clicks])[None]
        if box is not None:
            corners = self._tensor(np.concatenate(frame.box_dhw(box)))[None]
        mask = self._tensor(before)[None, None]
        logits, _ = self._network.decode(embedding.maps, points, labels, corners, mask)
        answer: Floats = logits[0, 0].float().cpu().numpy()
        return answer

    def _in_mask_cells(self, cube: Floats) -> Floats:
        if not self.recipe.first_steps_mm:
            return np.zeros((0, 0, 0), np.float32)
        n, cells = self.mask_size, self.size // self.mask_size
        means: Floats = cube.reshape(n, cells, n, cells, n, cells).mean(axis=(1, 3, 5))
        return means

    def _tensor(self, values: npt.ArrayLike) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values, np.float32), device=self.hardware.device)
