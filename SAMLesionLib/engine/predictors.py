"""A loaded network of the SAM family: slices in, logits on the slices' voxels out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter

import numpy as np
import numpy.typing as npt
import torch

from SAMLesionLib.engine.devices import Hardware, finish
from SAMLesionLib.engine.embeddings import EmbeddingCache, EmbeddingKey
from SAMLesionLib.engine.networks import SamNetwork
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import InputFormat, Kernel, Part, SliceFrame, Window
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.volume import Volume

# Means and spreads of the colours SAM was trained on, over 255 (Kirillov et al. 2023, released code).
SAM_MEAN = (0.48500, 0.45608, 0.40612)
SAM_SPREAD = (0.22901, 0.22400, 0.22501)


class SlicePredictor:
    """One model on one device: encodes each slice once and decodes as many boxes as are asked."""

    def __init__(
        self,
        card: ModelCard,
        network: SamNetwork,
        weights_sha256: str,
        hardware: Hardware,
        cache: EmbeddingCache,
    ) -> None:
        self.card = card
        self.weights_sha256 = weights_sha256
        self.hardware = hardware
        self.format = InputFormat(card.image_size, card.keeps_aspect, _kernel(card))
        self._network = network
        self._cache = cache
        self.precision = network.precision
        self.device = network.device
        self.n_encoded = 0
        self.encode_s = 0.0

    def frame(self, volume: Volume, axis: int, region: IndexBox) -> SliceFrame:
        """How this model looks at a one-voxel-thick region of a volume."""
        return SliceFrame(axis, region, volume.affine.spacing_mm, self.format)

    def embed(self, volume: Volume, frame: SliceFrame, window: Window) -> torch.Tensor:
        """The embedding (1x256x64x64) of a frame, computed or found."""
        return next(self.embed_each(volume, [frame], window))

    def embed_each(
        self, volume: Volume, frames: Sequence[SliceFrame], window: Window
    ) -> Iterator[torch.Tensor]:
        """The embeddings (1x256x64x64) of frames, in their order, each computed or found.

        A CPU computes one when it is asked for, a GPU a batch of `SamNetwork.batch_size`. So stopping ends
        the work within a batch, and a batch is all the memory this takes, however little the cache holds.

        A warm cache and a cold one give the same bits on a CPU. On a GPU they differ by rounding in the last
        bits; more would come of batches of other sizes, so one that is not full is filled up with a copy.
        """
        for start in range(0, len(frames), self._network.batch_size):
            yield from self._embed_batch(volume, frames[start : start + self._network.batch_size], window)

    def _embed_batch(
        self, volume: Volume, frames: Sequence[SliceFrame], window: Window
    ) -> list[torch.Tensor]:
        model = f"{self.card.name}:{self.weights_sha256}:{self._network.description}"
        keys = [EmbeddingKey(volume.volume_id, model, frame, window) for frame in frames]
        found = {key: kept for key in keys if (kept := self._cache.get(key)) is not None}
        missing = {key: frame for key, frame in zip(keys, frames, strict=True) if key not in found}
        if missing:
            found.update(zip(missing, self._encode(volume, list(missing.values()), window), strict=True))
        for key in missing:
            self._cache.put(key, found[key])
        return [found[key] for key in keys]

    @torch.inference_mode()
    def _encode(self, volume: Volume, frames: list[SliceFrame], window: Window) -> list[torch.Tensor]:
        """The embeddings of at most a batch of frames."""
        start = perf_counter()
        images = [frame.image(volume, window) for frame in frames]
        images += images[-1:] * (self._network.batch_size - len(images))
        embeddings = list(self._network.encode(self._input(np.stack(images)[:, None])).split(1))[
            : len(frames)
        ]
        if len(images) > 1:
            # A view of the batch would keep the whole batch in memory.
            embeddings = [embedding.clone() for embedding in embeddings]
        finish(self.hardware.device)
        self.encode_s += perf_counter() - start
        self.n_encoded += len(frames)
        return embeddings

    def logits(
        self,
        embedding: torch.Tensor,
        frame: SliceFrame,
        boxes: Sequence[IndexBox],
        part: Part | None = None,
    ) -> npt.NDArray[np.float32]:
        """Logits (P, rows, columns) on the frame's voxels or a part of them, one map a box."""
        return frame.to_plane(self.low_res_logits(embedding, [frame.box_xy(box) for box in boxes]), part)

    @torch.inference_mode()
    def low_res_logits(
        self, embedding: torch.Tensor, boxes_xy: Sequence[tuple[float, float, float, float]]
    ) -> npt.NDArray[np.float32]:
        """Logits (P, 256, 256) over the network's whole input for boxes in input pixels."""
        boxes = torch.tensor(boxes_xy, dtype=torch.float32, device=self.hardware.device)
        logits: npt.NDArray[np.float32] = self._network.decode(embedding, boxes).float().cpu().numpy()
        return logits

    def _input(self, images: npt.NDArray[np.float32]) -> torch.Tensor:
        pixels = torch.from_numpy(images).to(self.hardware.device)
        if self.card.intensity != "sam":
            return pixels
        mean = torch.tensor(SAM_MEAN, device=pixels.device).view(1, 3, 1, 1)
        return (pixels - mean) / torch.tensor(SAM_SPREAD, device=pixels.device).view(1, 3, 1, 1)


def _kernel(card: ModelCard) -> Kernel:
    return "area" if card.keeps_aspect else "cubic"
