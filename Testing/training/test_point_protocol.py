"""TAGS's test, step by step, against what was worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_organs import a_tags_config
from torch import Tensor, nn
from tumour_sets import a_pancreas_set, a_scan

from SAMLesionLib.models.tags import Tags, TagsEncoded
from SAMLesionLib.training.config import TrainingConfig
from SAMLesionLib.training.organ_source import OrganSettings
from SAMLesionLib.training.point_protocol import cube_start, drawn_places, pasted, point_masks, point_scores
from SAMLesionLib.training.team import Team

BRIGHT = (100 - 68.45214) / 63.422806
"""Between the organ and its tumour, as the network sees a pancreas."""


class Threshold(Tags):
    """In place of a network: what is brighter than the organ is tumour, around the points."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[Tensor, Tensor]] = []

    @property
    def image_size(self) -> int:
        return 16

    def encode(self, image: Tensor) -> TagsEncoded:
        return TagsEncoded(image, image)

    def decode(self, encoded: TagsEncoded, points_dhw: Tensor) -> Tensor:
        (image, _) = encoded
        self.seen.append((image, points_dhw))
        logits = 20 * (image[:, 0] - BRIGHT)
        return torch.stack((-logits, logits), dim=1)


@pytest.fixture
def config(tmp_path: Path) -> TrainingConfig:
    data = {
        "source": "organs",
        "path": str(a_pancreas_set(tmp_path / "set", (0, 1, 2, 3))),
        "label": 2,
        "organ": "pancreas",
        "split": {"validation_cases": ["pancreas_000"], "test_cases": ["pancreas_001", "pancreas_002"]},
    }
    return a_tags_config(tmp_path / "words", data=data)


def test_the_cubes_middle_is_that_of_the_points() -> None:
    places = np.array([[10, 50, 90], [30, 51, 90], [20, 40, 95]])

    assert cube_start(places, 128).tolist() == [20 - 64, 45 - 64, 92 - 64]
    assert cube_start(places[:1], 16).tolist() == [2, 42, 82]


def test_the_first_points_are_the_same_however_many_follow() -> None:
    tumour = np.zeros((8, 8, 8), bool)
    tumour[2:5, 2:5, 2:5] = True

    three, ten = drawn_places(tumour, 3, 7), drawn_places(tumour, 10, 7)

    np.testing.assert_array_equal(three, ten[:3])
    assert tumour[tuple(ten.T)].all()
    assert (drawn_places(tumour, 10, 8) != ten).any()


def test_a_cube_is_pasted_where_it_lies_on_the_scan() -> None:
    cube = np.arange(64, dtype=np.float32).reshape(4, 4, 4)

    whole = pasted(cube, np.array([-1, 3, 0]), (6, 5, 9))

    assert whole.shape == (6, 5, 9)
    np.testing.assert_array_equal(whole[0:3, 3:5, 0:4], cube[1:, :2])
    assert whole.sum() == cube[1:, :2].sum()


def test_a_network_that_knows_is_right_on_the_scans_own_grid(config: TrainingConfig) -> None:
    network = Threshold()

    scores = point_scores(network, config, (3, 0, 1), Team())

    assert scores.names == ("pancreas_001", "pancreas_002")
    assert scores.dice.shape == scores.nsd.shape == (2, 3)
    # Of 2 mm slices the outermost cells of the tumour are a quarter organ, still brighter than the middle.
    assert scores.dice.min() > 0.9
    torch.testing.assert_close(scores.nsd, torch.ones(2, 3))
    assert [points.shape[1] for _, points in network.seen] == [3, 0, 1] * 2
    with_three, with_none, with_one = (image for image, _ in network.seen[:3])
    assert torch.equal(with_three, with_none)
    assert not torch.equal(with_three, with_one)


def test_points_lie_on_the_tumour_and_the_organ_is_the_third_channel(config: TrainingConfig) -> None:
    network, data = Threshold(), config.data
    assert isinstance(data, OrganSettings)
    scan = data.reader().read("pancreas_001")

    (mask,) = point_masks(network.eval(), scan, config, (10,), 0)

    ((image, points),) = network.seen
    at = points[0].long()
    assert (image[0, 0][tuple(at.T)] > BRIGHT).all()
    assert (image[0, 2][tuple(at.T)] == 1).all()
    assert set(image[0, 2].unique().tolist()) == {0.0, 1.0}
    assert torch.equal(image[0, 0], image[0, 1])
    assert mask.shape == a_scan(1)[0].shape
    off = a_tags_config(Path("none"), validation={"points": {"organ": 0.0}})
    (_,) = point_masks(
        network, scan, config.__class__(**{**vars(config), "validation": off.validation}), (3,), 0
    )
    assert torch.equal(network.seen[-1][0][0, 2], network.seen[-1][0][0, 0])


def test_what_the_cube_does_not_reach_is_background(config: TrainingConfig) -> None:
    network, data = Threshold(), config.data
    assert isinstance(data, OrganSettings)
    scan = data.reader().read("pancreas_001")
    scan.volume.voxels.setflags(write=False)

    (mask,) = point_masks(network.eval(), scan, config, (1,), 0)

    k, j, i = np.nonzero(mask)
    assert i.max() - i.min() < 16
    assert j.max() - j.min() < 16
    assert (k.max() - k.min() + 1) * 2 <= 16
