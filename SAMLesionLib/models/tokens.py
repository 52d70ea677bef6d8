"""Sentences as the text encoders of the transformers library take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

AT_ONCE = 64


def tokens_of(tokenizer: Any, sentences: Sequence[str], longest: int) -> Iterator[Any]:
    """The tokens of sentences, in their order and a batch at a time.

    Args:
        tokenizer: of the encoder.
        sentences: what it reads.
        longest: tokens of a sentence that it reads.

    Yields:
        `input_ids` and `attention_mask`, BxN for B sentences, `AT_ONCE` at most.
    """
    for n in range(0, len(sentences), AT_ONCE):
        yield tokenizer(
            list(sentences[n : n + AT_ONCE]),
            padding=True,
            truncation=True,
            max_length=longest,
            return_tensors="pt",
        )
