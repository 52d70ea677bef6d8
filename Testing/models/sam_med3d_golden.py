"""The weights, the volume and the answers of the golden numbers in Data/sam_med3d; see the README there."""

from __future__ import annotations

import json
import math
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from SAMLesionLib.models.sam3d import Sam3D, build_sam_med3d

FOLDER = Path(__file__).parents[1] / "Data" / "sam_med3d"
FACTS: dict[str, Any] = json.loads((FOLDER / "sam_med3d_parity.json").read_text())
TOLERANCE: dict[str, float] = FACTS["tolerance"]
EMBEDDINGS = ("point_embeddings.", "not_a_point_embed.", "no_mask_embed.", "iou_token.", "mask_tokens.")


@cache
def answers() -> dict[str, npt.NDArray[Any]]:
    with np.load(FOLDER / "sam_med3d_parity.npz") as arrays:
        return dict(arrays)


@cache
def golden_network() -> Sam3D:
    with torch.device("meta"):
        network = build_sam_med3d()
    weights = {key: golden_weight(key, tuple(value.shape)) for key, value in network.state_dict().items()}
    network.load_state_dict(weights, assign=True)
    return network.eval()


def golden_weight(key: str, shape: tuple[int, ...]) -> Tensor:
    """The value of one tensor, from its name and shape."""
    random = np.random.default_rng(zlib.crc32(f"{FACTS['seed']}:{key}".encode()))
    z = np.asarray(random.standard_normal(shape)).astype(np.float32)
    is_weight, n_axes = key.endswith(".weight"), len(shape)
    if key.endswith("gaussian_matrix"):
        value = z
    elif n_axes == 1 and is_weight:
        value = np.float32(1.0) + np.float32(0.1) * z
    elif n_axes == 1:
        value = np.float32(0.1) * z
    elif not is_weight or any(name in key for name in EMBEDDINGS):
        value = np.float32(0.3) * z
    else:
        value = np.float32(1.0 / math.sqrt(math.prod(shape[1:]))) * z
    return torch.from_numpy(np.array(value))


def golden_volume() -> Tensor:
    """1x1x128x128x128: waves and a bright ball."""
    facts, n = FACTS["volume"], 128
    i, j, k = np.meshgrid(*[np.arange(n, dtype=np.float64)] * 3, indexing="ij")
    voxels = np.zeros((n, n, n))
    for height, along_i, along_j, along_k, phase in facts["waves"]:
        turns = (along_i * i + along_j * j + along_k * k) / n
        voxels += height * np.sin(2 * np.pi * turns + phase)
    ci, cj, ck = facts["centre"]
    voxels += facts["bright"] * ((i - ci) ** 2 + (j - cj) ** 2 + (k - ck) ** 2 <= facts["radius"] ** 2)
    return torch.from_numpy(voxels.astype(np.float32))[None, None]


def prompts(case: str) -> dict[str, Tensor]:
    """The arguments of `Sam3D.decode`."""
    facts = FACTS["prompts"][case]
    given = {}
    if facts["points"] is not None:
        given["points_dhw"] = torch.tensor([facts["points"]], dtype=torch.float32)
        given["point_labels"] = torch.tensor([facts["labels"]])
    if facts["mask"] is not None:
        is_zero = facts["mask"].startswith("zeros")
        given["mask_input"] = (
            torch.zeros(1, 1, 32, 32, 32) if is_zero else torch.from_numpy(answers()[facts["mask"]])
        )
    return given


def error(name: str, ours: Tensor) -> float:
    """Norm of the difference over the norm of the golden values, stored whole or as samples."""
    stored = answers()
    if name in stored:
        mine, golden = ours.numpy(), stored[name]
        assert mine.shape == golden.shape
    else:
        mine, golden = ours.numpy().reshape(-1)[stored[f"{name}_idx"]], stored[f"{name}_val"]
    difference = np.asarray(mine, np.float64) - golden
    return float(np.linalg.norm(difference) / np.linalg.norm(golden.astype(np.float64)))
