from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from SAMLesionLib.models.sam3d.grey_evidence import grey_evidence, marked
from SAMLesionLib.models.sam3d.refiner import OUTSIDE, Refiner, prompt_maps
from SAMLesionLib.models.sgp_sam import build_sgp_sam_small

BOX = torch.tensor([[7.5, 15.5, 23.5, 39.5, 47.5, 55.5]])


def drawn(
    points: torch.Tensor | None = None,
    labels: torch.Tensor | None = None,
    boxes: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
    image_size: int = 64,
    mask_size: int = 32,
) -> torch.Tensor:
    """The maps of one object's prompts, N_MAPSxSxSxS."""
    maps = prompt_maps(points, labels, boxes, mask, image_size, mask_size)
    assert maps is not None
    return maps[0]


def test_no_prompt_gives_no_map() -> None:
    assert prompt_maps(None, None, None, None, 64, 32) is None


def test_a_box_is_an_ellipsoid_that_touches_its_sides() -> None:
    (_, box, inside, outside) = drawn(boxes=BOX, mask_size=64)
    is_in = (box > 0).nonzero()
    assert is_in.amin(dim=0).tolist() == [8, 16, 24]
    assert is_in.amax(dim=0).tolist() == [39, 47, 55]
    assert float(box.max()) == pytest.approx(1, abs=0.01)
    assert float(box.min()) == OUTSIDE
    assert (box > 0).sum().item() == pytest.approx(torch.pi / 6 * 32**3, rel=0.01)
    assert not inside.any()
    assert not outside.any()


def test_clicks_are_spots_at_their_place_and_of_their_kind() -> None:
    points = torch.tensor([[[11.0, 20.0, 31.0], [50.0, 40.0, 3.0], [9.0, 9.0, 9.0]]])
    labels = torch.tensor([[1, 0, -1]])
    (_, _, inside, outside) = drawn(points, labels)
    assert torch.unravel_index(inside.argmax(), inside.shape) == (5, 10, 15)
    assert torch.unravel_index(outside.argmax(), outside.shape) == (25, 20, 1)
    assert float(inside[4, 4, 4]) < 0.01  # no point at all leaves no spot


def test_the_mask_so_far_keeps_its_sign_and_its_border() -> None:
    logits = torch.tensor([-100.0, -1.0, 0.0, 1.0, 100.0]).view(1, 1, 5, 1, 1).expand(1, 1, 5, 5, 5)
    before = drawn(mask=logits, image_size=10, mask_size=5)[0]
    assert torch.equal(before.sign(), logits[0, 0].sign())
    assert float(before.abs().max()) <= 1


def test_before_training_a_box_is_answered_by_its_ellipsoid_where_all_is_grey() -> None:
    torch.manual_seed(0)
    refiner = Refiner(8, 4).eval()
    maps = prompt_maps(None, None, BOX, None, 64, 32)
    assert maps is not None
    grey = torch.zeros(1, 32, 32, 32, 1)
    with torch.no_grad():
        added = refiner(torch.randn(1, 32, 32, 32, 8), torch.randn(1, 32, 32, 32, 4), grey, maps)
    assert torch.equal(added[:, 0] > 0, maps[:, 1] > 0)


def test_grey_values_of_the_marked_part_speak_for_the_lesion() -> None:
    grey = torch.full((1, 8, 8, 8), -1.0)
    grey[0, 2:6, 2:6, 2:6] = 1.5
    inside, outside = torch.zeros(1, 8, 8, 8), torch.zeros(1, 8, 8, 8)
    inside[0, 3, 3, 3], outside[0, 0] = 1.0, 1.0
    odds = grey_evidence(grey, inside, outside)
    assert torch.equal(odds > 0.5, grey > 0)
    assert torch.equal(odds < -0.5, grey < 0)


def test_a_grey_value_that_was_never_marked_proves_nothing() -> None:
    grey = torch.tensor([-1.0, 0.1, 2.0]).view(1, 3, 1, 1)
    inside, outside = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1), torch.tensor([0, 0, 1.0]).view(1, 3, 1, 1)
    low, never, high = grey_evidence(grey, inside, outside).flatten().tolist()
    assert low == pytest.approx(-high)
    assert low > 0.9
    assert never == pytest.approx(0, abs=1e-6)


def test_without_a_marked_cell_grey_values_say_nothing() -> None:
    maps = prompt_maps(None, None, None, torch.zeros(1, 1, 8, 8, 8), 16, 8)
    assert maps is not None
    assert not grey_evidence(torch.randn(1, 8, 8, 8), *marked(maps)).any()


def test_evidence_is_the_same_in_the_arithmetic_of_the_encoder() -> None:
    grey, maps = torch.randn(1, 8, 8, 8), prompt_maps(None, None, BOX / 8, None, 16, 8)
    assert maps is not None
    plain = grey_evidence(grey, *marked(maps))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(grey_evidence(grey, *marked(maps)), plain)


def test_a_click_outside_speaks_against_its_surroundings() -> None:
    torch.manual_seed(0)
    network = build_sgp_sam_small().eval()
    image, place = torch.randn(1, 1, 64, 64, 64), torch.tensor([[[20.0, 30.0, 40.0]]])
    with torch.no_grad():
        encoded = network.encode(image)
        answers = [network.decode(encoded, place, torch.tensor([[kind]]))[0][0, 0] for kind in (1, 0)]
    assert float((answers[0] - answers[1])[10, 15, 20]) > 2
