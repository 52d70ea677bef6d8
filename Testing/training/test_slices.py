from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from liver_set import SPACING_MM, a_liver_set
from safetensors.torch import load_file
from tiny_runs import a_config

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.registry import find
from SAMLesionLib.models.sam.sam import build_tiny_lite_medsam
from SAMLesionLib.training.asking import let_learn
from SAMLesionLib.training.box_round import loose_boxes
from SAMLesionLib.training.case_slices import SliceSettings
from SAMLesionLib.training.loop import train

CARD = replace(find("medsam-vit-b"), image_size=32)
LITE = replace(find("lite-medsam"), image_size=32)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> SliceSettings:
    folder = tmp_path_factory.mktemp("liver")
    return SliceSettings(a_liver_set(folder / "data"), label=2, prepared=folder / "prepared")


@pytest.mark.parametrize("card", [CARD, LITE], ids=["stretched", "padded"])
def test_a_slice_shows_the_tumour_where_its_label_is(settings: SliceSettings, card: ModelCard) -> None:
    source = settings.open(card, "train")
    for index in range(5):
        image, label, name, *_ = source.sample(index, 0)
        assert image.shape == label.shape == (32, 32)
        assert 0 <= image.min() < image.max() <= 1
        assert image[label].mean() > image[~label].mean() + 0.3, name
        along_mm = 40 * SPACING_MM[0]
        rows_mm = 24 * SPACING_MM[1] if card is CARD else along_mm
        expected = (9 * SPACING_MM[0] * 32 / along_mm) * (6 * SPACING_MM[1] * 32 / rows_mm)
        assert label.sum() == pytest.approx(expected, rel=0.25)


def test_slices_are_for_models_of_slices(settings: SliceSettings) -> None:
    with pytest.raises(InputError, match="sees cubes"):
        settings.open(find("sam-med3d"), "train")


def test_boxes_lie_outwards_by_whole_pixels_and_within_the_image() -> None:
    labels = torch.zeros(200, 20, 20, dtype=torch.bool)
    labels[:, 5:9, 2:15] = True
    boxes = loose_boxes(labels, torch.Generator().manual_seed(0), 4)

    assert boxes.amin(dim=0).tolist() == [0, 1, 14, 8]
    assert boxes.amax(dim=0).tolist() == [2, 5, 18, 12]
    assert torch.equal(boxes, boxes.round())
    assert loose_boxes(labels[:1], torch.Generator(), 0).tolist() == [[2, 5, 14, 8]]


def test_medsams_recipe_runs_in_the_loop(settings: SliceSettings, tmp_path: Path) -> None:
    config = a_config(
        model="medsam-vit-b",
        architecture="SAMLesionLib.models.sam.sam:build_tiny_sam",
        steps=30,
        log_every=10,
        tune={"method": "full", "prompt_encoder": False},
        loss={"name": "dice-ce"},
        prompts={"loose_cells": 2.0},
        optimizer={"lr": 1e-3, "final_share": 1.0, "warmup_share": 0.0},
        validation={"every": 30, "samples": 2},
    )
    train(replace(config, data=settings), tmp_path)

    rows = [float(line.split(",")[1]) for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert rows[-1] < rows[0] - 0.05
    kept = load_file(tmp_path / "last.safetensors")
    assert any(name.startswith("prompt_encoder.") for name in kept)


def test_batch_norms_keep_what_they_have_learned() -> None:
    network = build_tiny_lite_medsam()
    let_learn(network)
    before = {name: x.clone() for name, x in network.named_buffers() if "running" in name}
    network.encode(torch.rand(2, 1, 32, 32))

    assert before
    assert network.training
    for name, tensor in network.named_buffers():
        if name in before:
            np.testing.assert_array_equal(tensor, before[name])
