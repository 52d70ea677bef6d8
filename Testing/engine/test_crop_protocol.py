"""What an engine answers is what training's test measures: one cube, one way to see it, one answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from crop_cases import CROPS, an_engine_of

from SAMLesionLib import OrganMaskPrompt, OrganPrompt, PointPrompt, PromptSet, SegmentRequest, Volume
from SAMLesionLib.geometry import Affine
from SAMLesionLib.masks import collect
from SAMLesionLib.models.cards import CropRecipe
from SAMLesionLib.models.tags import Tags, build_tiny_tags
from SAMLesionLib.training.config import TrainingConfig, read_config
from SAMLesionLib.training.organ_cases import OrganScan
from SAMLesionLib.training.point_protocol import drawn_places, point_masks

AS_PUBLISHED = replace(CROPS, crop=CropRecipe(1.0, 0.0, 10, ("liver",)))
DATA = {"source": "organs", "path": "unread", "organ": "liver"}


@pytest.fixture
def network() -> Tags:
    torch.manual_seed(2)
    network = build_tiny_tags().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(1.5)
    return network


@pytest.fixture
def scan() -> OrganScan:
    """A liver with a tumour, in voxels of 1 mm."""
    draw = np.random.default_rng(0)
    organ, tumour = np.zeros((2, 30, 36, 44), bool)
    organ[4:26, 6:30, 8:40] = True
    tumour[10:16, 14:20, 20:28] = True
    voxels = (draw.normal(0, 20, organ.shape) - 1000 * ~organ + 50 * organ + 60 * tumour).astype(np.int16)
    return OrganScan(Volume(voxels, Affine.from_spacing((1, 1, 1)), "liver", "CT"), tumour, organ)


@pytest.mark.parametrize("has_organ", [True, False])
def test_an_engine_answers_as_the_test_of_training_measures(
    has_organ: bool, network: Tags, scan: OrganScan
) -> None:
    config: TrainingConfig = read_config(
        {"data": DATA, "validation": {"points": {"organ": float(has_organ)}}}
    )
    with torch.inference_mode():
        (expected,) = point_masks(network, scan, config, (3,), 5)

    places_kji = drawn_places(scan.tumour, 3, 5)
    points = [PointPrompt((float(i), float(j), float(k))) for k, j, i in places_kji]
    organ = [OrganMaskPrompt.of(scan.organ)] if has_organ else []
    engine = an_engine_of(network, AS_PUBLISHED)
    engine.load_volume(scan.volume)
    prompts = PromptSet((*points, *organ, OrganPrompt("liver")))
    updates = engine.segment(SegmentRequest(scan.volume.volume_id, "crops", prompts))
    found = collect(updates, scan.volume.shape_ijk)[0]

    assert 0 < expected.sum() < expected.size
    assert (found == expected).mean() > 0.9999
