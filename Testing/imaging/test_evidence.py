from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from SAMLesionLib.imaging import FusionWeights, fuse, network_log_odds

WEIGHTS = FusionWeights()
SPACING = (2.0, 1.0, 1.0)
SHAPE = (7, 24, 24)
SILENT = np.zeros(SHAPE, np.float32)


@dataclass(frozen=True)
class Case:
    """What the witnesses know of one block: a loose box around a ball half as wide."""

    prior: np.ndarray
    ball: np.ndarray
    grey: np.ndarray
    outside: np.ndarray

    def fused(self, logits: np.ndarray = SILENT, weights: FusionWeights = WEIGHTS) -> np.ndarray:
        return fuse(logits, self.prior, self.grey, self.outside, SPACING, weights)


def squared_radius() -> np.ndarray:
    """1 on the sides of the block."""
    along = [((np.arange(n) + 0.5) / n * 2 - 1) ** 2 for n in SHAPE]
    return along[0][:, None, None] + along[1][None, :, None] + along[2][None, None, :]


def a_case(contrast: float, seed: int = 0) -> Case:
    random = np.random.default_rng(seed)
    radius2 = squared_radius()
    ball = radius2 < 0.3
    grey = random.normal(100, 10, SHAPE) + contrast * ball
    prior = (1.7 - 3.0 * radius2).astype(np.float32)
    return Case(prior, ball, grey, random.normal(100, 10, 3000))


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.mark.parametrize("contrast", [60, -60])
def test_a_lesion_that_differs_from_its_surroundings_is_found(contrast: float) -> None:
    case = a_case(contrast)
    assert dice(case.fused() > 0, case.ball) > 0.9
    assert dice(case.prior > 0, case.ball) < 0.75


def test_a_weak_contrast_does_no_harm() -> None:
    case = a_case(contrast=10)
    assert dice(case.fused() > 0, case.ball) >= dice(case.prior > 0, case.ball)


def test_an_image_that_shows_nothing_leaves_the_prior() -> None:
    case = a_case(contrast=0)
    assert dice(case.fused() > 0, case.prior > 0) > 0.85


def test_an_even_image_leaves_the_word_of_network_and_prior() -> None:
    case = a_case(contrast=0)
    even = replace(case, grey=np.full(SHAPE, 5.0), outside=np.full(50, 5.0))
    logits = np.random.default_rng(1).normal(0, 3, SHAPE).astype(np.float32)
    # All voxels share one bin, so the grey values move all of them by about the same, and by little.
    moved = even.fused(logits) - (case.prior + network_log_odds(logits, WEIGHTS))
    assert np.ptp(moved) < 1e-4
    assert abs(moved.mean()) < 0.5


def test_more_from_the_network_is_never_less_lesion() -> None:
    low, high = (network_log_odds(np.float32([a]), WEIGHTS) for a in (-1.5, 2.5))
    assert low < 0 < high
    case = a_case(contrast=0)
    fused = [case.fused(np.full(SHAPE, a, np.float32)) for a in (-20, -4, 0, 4, 20)]
    claimed = [(log_odds > 0).sum() for log_odds in fused]
    assert claimed == sorted(claimed)
    assert claimed[0] < claimed[-1]


def test_a_certain_network_is_not_more_right() -> None:
    floor, ceiling = WEIGHTS.logit_floor, WEIGHTS.logit_ceiling
    cut = network_log_odds(np.float32([-1e6, floor, ceiling, 1e6]), WEIGHTS)
    assert cut[0] == cut[1]
    assert cut[2] == cut[3]


@pytest.mark.parametrize(("scale", "offset"), [(1, 1000), (8, 0), (0.5, -300)])
def test_the_unit_of_the_grey_values_does_not_matter(scale: float, offset: float) -> None:
    case = a_case(contrast=40)
    # Multiples of 1/8, so that the new unit is exact.
    case = replace(case, grey=np.round(case.grey * 8) / 8, outside=np.round(case.outside * 8) / 8)
    other = replace(case, grey=case.grey * scale + offset, outside=case.outside * scale + offset)
    assert np.array_equal(other.fused() > 0, case.fused() > 0)


def test_an_image_upside_down_gives_the_mask_upside_down() -> None:
    case = a_case(contrast=40)
    turned = Case(*(x[::-1, ::-1] if x.ndim == 3 else x for x in vars(case).values()))
    assert turned.fused()[::-1, ::-1] == pytest.approx(case.fused(), abs=1e-3)


def test_without_surroundings_the_rest_of_the_block_stands_for_them() -> None:
    case = replace(a_case(contrast=60), outside=np.zeros(0))
    assert dice(case.fused() > 0, case.ball) > 0.85


def test_grey_values_of_every_type_are_understood() -> None:
    case = a_case(contrast=60)
    for dtype in (np.int16, np.uint8, np.float32):
        typed = replace(case, grey=case.grey.astype(dtype), outside=case.outside.astype(dtype))
        assert dice(typed.fused() > 0, case.ball) > 0.9


def test_grey_values_without_weight_say_nothing() -> None:
    case, logits = a_case(contrast=60), np.random.default_rng(2).normal(0, 3, SHAPE).astype(np.float32)
    fused = case.fused(logits, replace(WEIGHTS, grey=0.0))
    assert fused == pytest.approx(case.prior + network_log_odds(logits, WEIGHTS), abs=1e-5)


def test_a_block_of_one_voxel_is_weighed() -> None:
    one = np.ones((1, 1, 1), np.float32)
    assert np.isfinite(fuse(one, one, one, np.float32([3, 4]), SPACING, WEIGHTS)).all()
    assert np.isfinite(fuse(one, one, one, np.zeros(0, np.float32), SPACING, WEIGHTS)).all()


def test_the_same_witnesses_give_the_same_numbers() -> None:
    case = a_case(contrast=25)
    assert np.array_equal(case.fused(), case.fused())
