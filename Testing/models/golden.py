"""Weights and a volume from formulas, and how far an answer is from golden numbers; see Data/*/README.md."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

EMBEDDINGS = ("point_embeddings.", "not_a_point_embed.", "no_mask_embed.", "iou_token.", "mask_tokens.")
Stored = Mapping[str, npt.NDArray[Any]]


def weight_of(seed: int, key: str, shape: tuple[int, ...]) -> Tensor:
    """The value of one tensor, from its name and shape."""
    random = np.random.default_rng(zlib.crc32(f"{seed}:{key}".encode()))
    z = np.asarray(random.standard_normal(shape)).astype(np.float32)
    is_weight, n_axes = key.endswith(".weight"), len(shape)
    if key.endswith("gaussian_matrix"):
        value = z
    elif n_axes == 0 or (n_axes == 1 and is_weight):
        value = np.float32(1.0) + np.float32(0.1) * z
    elif n_axes == 1:
        value = np.float32(0.1) * z
    elif not is_weight or any(name in key for name in EMBEDDINGS):
        value = np.float32(0.3) * z
    else:
        value = np.float32(1.0 / math.sqrt(math.prod(shape[1:]))) * z
    return torch.from_numpy(np.array(value))


def waves_and_ball(facts: Mapping[str, Any], n: int = 128) -> Tensor:
    """1x1xnxnxn: waves and a bright ball."""
    i, j, k = np.meshgrid(*[np.arange(n, dtype=np.float64)] * 3, indexing="ij")
    voxels = np.zeros((n, n, n))
    for height, along_i, along_j, along_k, phase in facts["waves"]:
        turns = (along_i * i + along_j * j + along_k * k) / n
        voxels += height * np.sin(2 * np.pi * turns + phase)
    ci, cj, ck = facts["centre"]
    voxels += facts["bright"] * ((i - ci) ** 2 + (j - cj) ** 2 + (k - ck) ** 2 <= facts["radius"] ** 2)
    return torch.from_numpy(voxels.astype(np.float32))[None, None]


def error_of(stored: Stored, name: str, ours: Tensor) -> float:
    """Norm of the difference over the norm of the golden values, stored whole or as samples."""
    if name in stored:
        mine, golden = ours.numpy(), stored[name]
        assert mine.shape == golden.shape
    else:
        mine, golden = ours.numpy().reshape(-1)[stored[f"{name}_idx"]], stored[f"{name}_val"]
    difference = np.asarray(mine, np.float64) - golden
    return float(np.linalg.norm(difference) / np.linalg.norm(golden.astype(np.float64)))
