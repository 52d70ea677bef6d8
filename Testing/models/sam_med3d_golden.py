"""The weights, the volume and the answers of the golden numbers in Data/sam_med3d; see the README there."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from golden import error_of, waves_and_ball, weight_of
from torch import Tensor

from SAMLesionLib.models.sam3d import Sam3D, build_sam_med3d

FOLDER = Path(__file__).parents[1] / "Data" / "sam_med3d"
FACTS: dict[str, Any] = json.loads((FOLDER / "sam_med3d_parity.json").read_text())
TOLERANCE: dict[str, float] = FACTS["tolerance"]


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
    return weight_of(FACTS["seed"], key, shape)


def golden_volume() -> Tensor:
    """1x1x128x128x128: waves and a bright ball."""
    return waves_and_ball(FACTS["volume"])


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
    return error_of(answers(), name, ours)
