from __future__ import annotations

import torch

from SAMLesionLib.training.batches import Batch
from SAMLesionLib.training.point_round import PointSettings, simulated_points, three_channels


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def two_labels() -> torch.Tensor:
    labels = torch.zeros(2, 8, 8, 8, dtype=torch.bool)
    labels[0, 1, 2, 3] = labels[0, 5, 6, 7] = True
    return labels


def a_batch(organs: torch.Tensor | None) -> Batch:
    return Batch(torch.full((2, 1, 2, 2, 2), 0.25), torch.zeros(2, 2, 2, 2), ("", ""), 0, organs)


def test_points_lie_on_the_tumour_and_others_anywhere() -> None:
    points = simulated_points(two_labels()[:1], seeded(), PointSettings(inside=10, anywhere=20))

    assert points.shape == (1, 30, 3)
    inside, anywhere = points[0, :10].tolist(), points[0, 10:].tolist()
    assert {tuple(p) for p in inside} == {(1.0, 2.0, 3.0), (5.0, 6.0, 7.0)}  # with replacement
    assert len({tuple(p) for p in anywhere}) > 10
    assert all(0 <= c < 8 for p in anywhere for c in p)


def test_the_places_are_drawn_alike() -> None:
    points = simulated_points(two_labels()[:1], seeded(), PointSettings(inside=4000, anywhere=4000))[0]

    assert 0.45 < (points[:4000, 0] == 1).float().mean() < 0.55
    assert (points[4000:].mean(dim=0) - 3.5).abs().max() < 0.2


def test_a_cube_without_a_tumour_has_points_from_anywhere_in_their_place() -> None:
    points = simulated_points(two_labels(), seeded(), PointSettings(inside=10, anywhere=0))

    assert points.shape == (2, 10, 3)
    assert len({tuple(p) for p in points[1].tolist()}) > 5


def test_without_any_tumour_only_points_from_anywhere_are_left() -> None:
    none = two_labels()[1:]

    assert simulated_points(none, seeded(), PointSettings(inside=10, anywhere=20)).shape == (1, 20, 3)
    assert simulated_points(none, seeded(), PointSettings(inside=10, anywhere=0)).shape == (1, 10, 3)
    assert simulated_points(none, seeded(), PointSettings(inside=0, anywhere=0)).shape == (1, 0, 3)


def test_the_third_channel_is_the_organ_where_it_is_given() -> None:
    organs = torch.zeros(2, 2, 2, 2, dtype=torch.bool)
    organs[:, 0] = True

    given = three_channels(a_batch(organs), seeded(), 1.0)
    assert (given[:, :2] == 0.25).all()
    assert torch.equal(given[:, 2], organs.float())
    for without in (
        three_channels(a_batch(organs), seeded(), 0.0),
        three_channels(a_batch(None), seeded(), 1.0),
    ):
        assert without.shape == (2, 3, 2, 2, 2)
        assert (without == 0.25).all()
