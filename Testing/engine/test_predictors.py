from __future__ import annotations

import pytest
import torch
from engine_cases import TINY, VOLUME, a_tiny_network

from SAMLesionLib.engine.devices import choose_hardware
from SAMLesionLib.engine.embeddings import EmbeddingCache
from SAMLesionLib.engine.networks import TorchSam
from SAMLesionLib.engine.predictors import SlicePredictor
from SAMLesionLib.imaging import SliceFrame, slab

WINDOW = (60.0, 200.0)
EMBEDDING_BYTES = 4 * 16 * 8 * 8


class Batches(TorchSam):
    """A network that takes so many slices at once, as on a GPU, and remembers the batches it was given."""

    def __init__(self, batch_size: int) -> None:
        super().__init__(a_tiny_network(), choose_hardware("cpu", "float32", threads=1))
        self.batch_size = batch_size
        self.given: list[int] = []

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        self.given.append(len(image))
        return super().encode(image)


def a_predictor(batch_size: int, cache_bytes: int = 1 << 20) -> tuple[SlicePredictor, Batches]:
    network = Batches(batch_size)
    hardware = choose_hardware("cpu", "float32", threads=1)
    return SlicePredictor(TINY, network, "hash", hardware, EmbeddingCache(cache_bytes)), network


def frames(predictor: SlicePredictor, *slices: int) -> list[SliceFrame]:
    return [predictor.frame(VOLUME, 2, slab(VOLUME.block, 2, k)) for k in slices]


def assert_alike(embedding: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(embedding, other, rtol=0, atol=1e-3)


def one_by_one(*slices: int) -> list[torch.Tensor]:
    predictor, _ = a_predictor(1)
    return [predictor.embed(VOLUME, frame, WINDOW) for frame in frames(predictor, *slices)]


def test_slices_are_encoded_in_batches_of_one_size() -> None:
    predictor, network = a_predictor(4)
    found = list(predictor.embed_each(VOLUME, frames(predictor, *range(10)), WINDOW))
    assert network.given == [4, 4, 4]
    assert predictor.n_encoded == 10
    for batched, alone in zip(found, one_by_one(*range(10)), strict=True):
        assert_alike(batched, alone)


def test_known_slices_are_not_encoded_again_and_keep_their_place() -> None:
    predictor, network = a_predictor(3)
    known = {k: predictor.embed(VOLUME, *frames(predictor, k), WINDOW) for k in (2, 3)}
    found = list(predictor.embed_each(VOLUME, frames(predictor, 1, 2, 3, 3, 2), WINDOW))
    assert network.given == [3, 3, 3]
    assert predictor.n_encoded == 3
    assert [found[n] is known[k] for n, k in ((1, 2), (2, 3), (3, 3), (4, 2))] == [True] * 4


def test_a_slice_has_the_same_embedding_alone_and_in_a_batch() -> None:
    asked_alone, _ = a_predictor(4)
    asked_together, _ = a_predictor(4)
    *_, last = asked_together.embed_each(VOLUME, frames(asked_together, 0, 1, 2, 3, 4, 5), WINDOW)
    assert_alike(asked_alone.embed(VOLUME, *frames(asked_alone, 5), WINDOW), last)


def test_a_batch_is_encoded_when_its_first_slice_is_asked_for() -> None:
    predictor, network = a_predictor(2)
    embeddings = predictor.embed_each(VOLUME, frames(predictor, *range(6)), WINDOW)
    assert network.given == []
    next(embeddings)
    next(embeddings)
    assert network.given == [2]
    next(embeddings)
    assert network.given == [2, 2]


@pytest.mark.parametrize("n_kept", [0, 1, 3])
def test_a_cache_smaller_than_the_slices_asked_changes_no_result(n_kept: int) -> None:
    small, network = a_predictor(4, n_kept * EMBEDDING_BYTES)
    large, _ = a_predictor(4)
    slices = [0, 1, 2, 3, 0, 4, 5, 6, 7, 1]
    for a, b in zip(
        small.embed_each(VOLUME, frames(small, *slices), WINDOW),
        large.embed_each(VOLUME, frames(large, *slices), WINDOW),
        strict=True,
    ):
        assert_alike(a, b)
    assert len(network.given) == 3  # each batch once, whatever the cache kept of it


def test_what_is_kept_of_a_batch_holds_no_more_memory_than_its_own() -> None:
    predictor, _ = a_predictor(4)
    embedding = predictor.embed(VOLUME, *frames(predictor, 5), WINDOW)
    assert embedding.untyped_storage().nbytes() == EMBEDDING_BYTES == embedding.nelement() * 4
