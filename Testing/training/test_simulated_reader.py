from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from SAMLesionLib.training.simulated_reader import MASK_LOGIT, ClickSettings, SimulatedReader


def a_reader(labels: torch.Tensor, **settings: Any) -> SimulatedReader:
    return SimulatedReader(labels, torch.Generator().manual_seed(3), ClickSettings(**settings))


@pytest.fixture
def labels() -> torch.Tensor:
    """Two lesions: a block, and a block with a deep part."""
    labels = torch.zeros(2, 32, 32, 32, dtype=torch.bool)
    labels[0, 4:12, 6:20, 8:10] = True
    labels[1, 10:22, 10:22, 10:22] = True
    labels[1, 2:10, 15:17, 15:17] = True
    return labels


def test_a_box_has_the_outer_faces_of_its_lesion(labels: torch.Tensor) -> None:
    _, box = a_reader(labels, box=1.0).start(16, takes_boxes=True)
    assert box is not None
    assert box.tolist() == [[3.5, 5.5, 7.5, 11.5, 19.5, 9.5], [1.5, 9.5, 9.5, 21.5, 21.5, 21.5]]


def test_a_loose_box_lies_around_the_exact_one(labels: torch.Tensor) -> None:
    tight = torch.tensor([[3.5, 5.5, 7.5, 11.5, 19.5, 9.5]])
    labels = labels[:1].expand(64, -1, -1, -1)
    _, box = a_reader(labels, box=1.0, loose_cells=5.0).start(16, takes_boxes=True)
    assert box is not None
    outward = (box - tight) * torch.tensor([-1.0] * 3 + [1.0] * 3)
    assert float(outward.min()) >= 0
    assert 4 < float(outward.max()) <= 5
    assert 0.1 < float((outward.amax(dim=1) == 0).float().mean()) < 0.5


def test_a_box_is_drawn_where_the_engine_would_frame_it(labels: torch.Tensor) -> None:
    speck = torch.zeros(1, 32, 32, 32, dtype=torch.bool)
    speck[:, 14:18, 14:18, 14:18] = True
    assert a_reader(speck, box=1.0).start(16, takes_boxes=True)[1] is None
    assert a_reader(torch.ones_like(speck), box=1.0).start(16, takes_boxes=True)[1] is None
    mixed = torch.cat((labels[:1], speck))
    assert a_reader(mixed, box=1.0).start(16, takes_boxes=True)[1] is not None


def test_a_network_without_boxes_is_given_none(labels: torch.Tensor) -> None:
    mask, box = a_reader(labels, box=1.0).start(16, takes_boxes=False)
    assert box is None
    assert not mask.any()


@pytest.mark.parametrize("near_middle", [False, True])
def test_the_first_click_is_in_the_lesion(labels: torch.Tensor, near_middle: bool) -> None:
    for _ in range(10):
        places, kinds = a_reader(labels, near_middle=near_middle).first_click()
        for label, place in zip(labels, places[:, 0].long().tolist(), strict=True):
            assert bool(label[tuple(place)])
        assert kinds.tolist() == [[1.0], [1.0]]


def test_a_first_click_near_the_middle_is_near_it(labels: torch.Tensor) -> None:
    places, _ = a_reader(labels, near_middle=True).first_click()
    assert float((places[1, 0] - 15.5).norm()) < 12


def test_a_correction_is_where_the_error_is_deepest(labels: torch.Tensor) -> None:
    places, kinds = a_reader(labels, deepest=1.0).correction(torch.zeros_like(labels))
    assert kinds.tolist() == [[1.0], [1.0]]
    assert bool(((places[1, 0] - 15.5).abs() <= 2).all())
    too_much = labels.clone()
    too_much[:, 24:31, 24:31, 24:31] = True
    places, kinds = a_reader(labels, deepest=1.0).correction(too_much)
    assert kinds.tolist() == [[0.0], [0.0]]
    assert bool(((places[:, 0] - 27).abs() <= 2).all())


@pytest.mark.parametrize("deepest", [0.0, 1.0])
def test_corrections_lie_on_errors_and_say_what_is_right(labels: torch.Tensor, deepest: float) -> None:
    found = torch.roll(labels, 3, dims=1)
    reader = a_reader(labels, deepest=deepest)
    for _ in range(10):
        places, kinds = reader.correction(found)
        for n, place in enumerate(places[:, 0].long().tolist()):
            assert bool(found[n][tuple(place)]) != bool(labels[n][tuple(place)])
            assert bool(kinds[n, 0]) == bool(labels[n][tuple(place)])


def test_a_perfect_answer_is_confirmed_in_the_lesion(labels: torch.Tensor) -> None:
    for deepest in (0.0, 1.0):
        _, kinds = a_reader(labels, deepest=deepest).correction(labels.clone())
        assert kinds.tolist() == [[1.0], [1.0]]


def test_an_answer_without_lesion_or_error_does_not_break(labels: torch.Tensor) -> None:
    nothing = torch.zeros_like(labels)
    for deepest in (0.0, 1.0):
        _, kinds = a_reader(nothing, deepest=deepest).correction(nothing.clone())
        assert kinds.tolist() == [[0.0], [0.0]]


def test_a_faulty_mask_is_near_the_lesion_and_wrong(labels: torch.Tensor) -> None:
    mask, box = a_reader(labels, start_mask=1.0).start(16, takes_boxes=True)
    assert box is None
    assert set(mask.flatten().tolist()) == {-MASK_LOGIT, MASK_LOGIT}
    found = torch.nn.functional.interpolate(mask, scale_factor=2.0)[1, 0] > 0
    share = 2 * (found & labels[1]).sum() / (found.sum() + labels[1].sum())
    assert 0.3 < float(share) < 1
