from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from SAMLesionLib.engine.embeddings import EmbeddingCache, EmbeddingKey


def a_key(number: int, volume_id: str = "volume") -> EmbeddingKey:
    return EmbeddingKey(volume_id, "model", number, (0.0, 1.0))


def an_embedding(n_bytes: int = 400) -> torch.Tensor:
    return torch.zeros(n_bytes // 4)


def test_an_embedding_is_found_again() -> None:
    cache, embedding = EmbeddingCache(1000), an_embedding()
    cache.put(a_key(1), embedding)
    assert cache.get(a_key(1)) is embedding
    assert cache.get(a_key(2)) is None


def test_the_least_recently_used_goes_first() -> None:
    cache = EmbeddingCache(1000)
    cache.put(a_key(1), an_embedding())
    cache.put(a_key(2), an_embedding())
    cache.get(a_key(1))
    cache.put(a_key(3), an_embedding())
    assert cache.get(a_key(2)) is None
    assert cache.get(a_key(1)) is not None
    assert cache.get(a_key(3)) is not None


def test_one_larger_than_the_budget_is_not_kept_and_drives_nothing_out() -> None:
    cache = EmbeddingCache(1000)
    cache.put(a_key(1), an_embedding())
    cache.put(a_key(2), an_embedding(1200))
    assert cache.get(a_key(1)) is not None
    assert cache.get(a_key(2)) is None


def test_a_volume_is_forgotten_alone() -> None:
    cache = EmbeddingCache(10_000)
    for number in range(3):
        cache.put(a_key(number, "gone"), an_embedding())
        cache.put(a_key(number, "kept"), an_embedding())
    cache.forget("gone")
    cache.forget("never seen")
    assert cache.get(a_key(0, "gone")) is None
    assert cache.get(a_key(2, "kept")) is not None
    assert (len(cache), cache.used_bytes) == (3, 1200)


def test_each_part_of_the_key_matters() -> None:
    cache = EmbeddingCache(1000)
    cache.put(EmbeddingKey("v", "m", 1, (0, 1)), an_embedding())
    others = [("w", "m", 1, (0, 1)), ("v", "n", 1, (0, 1)), ("v", "m", 2, (0, 1)), ("v", "m", 1, (0, 2))]
    assert all(cache.get(EmbeddingKey(*other)) is None for other in others)


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([40, 400, 700, 1200]))))
def test_the_budget_holds_and_is_counted_right(puts: list[tuple[int, int]]) -> None:
    cache = EmbeddingCache(1000)
    for number, n_bytes in puts:
        cache.put(a_key(number), an_embedding(n_bytes))
        kept = [cache.get(a_key(n)) for n in range(6)]
        held = [e.element_size() * e.nelement() for e in kept if e is not None]
        assert cache.used_bytes == sum(held) <= 1000
        assert len(cache) == len(held)
