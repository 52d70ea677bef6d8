from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from cube_cases import CUBES, RandomSam, a_ball

from SAMLesionLib.engine.devices import Hardware
from SAMLesionLib.engine.embeddings import VolumeCache
from SAMLesionLib.engine.volume_predictor import VolumePredictor
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.imaging import PatchFrame
from SAMLesionLib.models.sam3d import Sam3D
from SAMLesionLib.models.sgp_sam import build_tiny_sgp_sam
from SAMLesionLib.models.weights import LoadedModel
from SAMLesionLib.prompts import PointPrompt

VOLUME, _ = a_ball((20, 18, 15), 7, Affine.from_spacing((1, 1, 1)), (40, 36, 30))
FRAME = PatchFrame.around((20, 18, 15), VOLUME.affine, 1.0, 32)
CLICKS = [PointPrompt((20, 18, 15)), PointPrompt((20, 18, 27), is_positive=False)]
NOTHING = np.zeros((8, 8, 8), np.float32)


def a_predictor(network: Sam3D, dtype: torch.dtype = torch.float32) -> VolumePredictor:
    hardware = Hardware(torch.device("cpu"), dtype, threads=1)
    return VolumePredictor(CUBES, LoadedModel(network, "hash", Path("x")), hardware, VolumeCache(1 << 24))


def a_network(seed: int = 0, takes_boxes: bool = True) -> RandomSam:
    torch.manual_seed(seed)
    return RandomSam(takes_boxes)


def test_a_cube_is_encoded_once() -> None:
    predictor = a_predictor(a_network())
    first = predictor.embed(VOLUME, FRAME, None)
    assert predictor.embed(VOLUME, FRAME, None) is first
    assert predictor.n_encoded == 1
    predictor.embed(VOLUME, FRAME, (0.0, 200.0))
    predictor.embed(VOLUME, PatchFrame.around((20, 18, 15), VOLUME.affine, 2.0, 32), None)
    assert predictor.n_encoded == 3
    assert first.nbytes == 24 * 8 * 4


@pytest.mark.parametrize(
    ("clicks", "box"),
    [(CLICKS, None), ([], IndexBox((13, 11, 8), (28, 26, 23))), ([], None)],
    ids=["clicks", "a box", "nothing but the answer so far"],
)
def test_prompts_reach_the_network_in_cells(clicks: list[PointPrompt], box: IndexBox | None) -> None:
    network = a_network()
    predictor = a_predictor(network)
    embedding = predictor.embed(VOLUME, FRAME, None)
    before = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
    logits = predictor.logits(embedding, FRAME, clicks, box, before)
    points = torch.tensor([[[15.5, 15.5, 15.5], [15.5, 15.5, 27.5]]]) if clicks else None
    with torch.inference_mode():
        expected, _ = network.decode(
            embedding.maps,
            points,
            torch.tensor([[1, 0]]) if clicks else None,
            torch.tensor([[8.0, 8, 8, 23, 23, 23]]) if box else None,
            torch.from_numpy(before)[None, None],
        )
    np.testing.assert_allclose(logits, expected[0, 0], atol=1e-5)


@pytest.mark.parametrize("build", [a_network, build_tiny_sgp_sam], ids=["SAM-Med3D", "SGP-SAM"])
def test_half_precision_changes_the_answer_little(build: object) -> None:
    torch.manual_seed(0)
    answers = []
    for dtype in (torch.float32, torch.bfloat16):
        torch.manual_seed(0)
        predictor = a_predictor(build(), dtype)
        embedding = predictor.embed(VOLUME, FRAME, None)
        assert embedding.maps[0].dtype == torch.float32
        answers.append(predictor.logits(embedding, FRAME, CLICKS, None, NOTHING))
    difference = np.linalg.norm(answers[0] - answers[1]) / np.linalg.norm(answers[0])
    assert 0 < difference < 0.05
    assert predictor.precision == "bfloat16"


def test_a_prepared_network_keeps_its_positions_and_needs_no_gradients() -> None:
    network = a_network()
    assert a_predictor(network).mask_size == 8
    assert network.prompt_encoder.frozen_pe is not None
    assert not any(p.requires_grad for p in network.parameters())
