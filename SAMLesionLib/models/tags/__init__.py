"""TAGS: tumours from points, an organ mask and words."""

from __future__ import annotations

from SAMLesionLib.models.tags.tags import (
    Tags,
    TagsEncoded,
    build_3dsam_adapter,
    build_tags,
    build_tiny_tags,
    learns_in_tags,
    prepare_for_answers,
)

__all__ = [
    "Tags",
    "TagsEncoded",
    "build_3dsam_adapter",
    "build_tags",
    "build_tiny_tags",
    "learns_in_tags",
    "prepare_for_answers",
]
