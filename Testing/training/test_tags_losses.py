"""TAGS's losses against numbers worked out by hand, and what a step against them does."""

from __future__ import annotations

import math

import pytest
import torch

from SAMLesionLib.training.tags_losses import (
    SMOOTH,
    alignment_loss,
    dice_of_probabilities,
    focal_loss,
    tags_mask_loss,
    word_probability,
)

WORDS = torch.eye(2)


def a_target() -> torch.Tensor:
    target = torch.zeros(1, 4, 4, 4)
    target[0, :2] = 1  # the lower half along the depth
    return target


def test_the_dice_of_a_half_right_answer() -> None:
    probability = torch.zeros(1, 4, 4, 4)
    probability[0, 1:3] = 1  # half of it lies on the tumour
    assert dice_of_probabilities(probability, a_target()).item() == pytest.approx(0.5, abs=1e-5)


def test_the_mask_loss_of_an_undecided_answer() -> None:
    loss = tags_mask_loss(torch.zeros(1, 4, 4, 4), a_target())
    # Dice of one half everywhere: 2 * 16 / (32 + 32); cross entropy log 2.
    assert loss.item() == pytest.approx(0.5 * 0.5 + 0.5 * math.log(2), abs=1e-5)


@pytest.mark.parametrize(("as_released", "right"), [(False, 0.9), (True, 1 / (1 + math.exp(0.1 - 0.9)))])
def test_the_focal_loss_with_one_and_with_two_softmaxes(as_released: bool, right: float) -> None:
    target = a_target()
    probability = torch.stack((1 - 0.1 - 0.8 * target, 0.1 + 0.8 * target), dim=1)
    p = (1 - SMOOTH) * right + SMOOTH * (1 - right) + SMOOTH
    expected = -((1 - p) ** 2) * math.log(p)
    assert focal_loss(probability, target, as_released).item() == pytest.approx(expected, rel=1e-4)


def test_features_are_laid_along_the_cubes_axes() -> None:
    features = torch.zeros(1, 2, 2, 2, 2)  # h, w, d
    features[..., 0] = 1
    features[0, :, :, 0] = torch.tensor([0.0, 3.0])  # diseased at the first depth, of any length
    probability = word_probability(features, WORDS, (4, 4, 4))
    assert probability.shape == (1, 2, 4, 4, 4)
    assert (probability[0, 1, 0] > 0.999).all()
    assert (probability[0, 1, 3] < 0.001).all()


def test_every_stage_counts() -> None:
    features = torch.randn(1, 2, 2, 2, 2, generator=torch.Generator().manual_seed(0))
    one = alignment_loss([features], WORDS, a_target())
    torch.testing.assert_close(alignment_loss([features] * 4, WORDS, a_target()), 4 * one)


@pytest.mark.parametrize("as_released", [False, True])
def test_a_step_makes_features_tell_the_tumour(as_released: bool) -> None:
    torch.manual_seed(0)
    features = (torch.randn(1, 4, 4, 4, 2) * 0.1 + 1).requires_grad_()
    before = alignment_loss([features], WORDS, a_target(), as_released)
    optimiser = torch.optim.Adam([features], lr=0.1)
    for _ in range(30):
        optimiser.zero_grad()
        alignment_loss([features], WORDS, a_target(), as_released).backward()
        optimiser.step()
    after = alignment_loss([features], WORDS, a_target(), as_released)
    assert torch.isfinite(after)
    assert after < 0.6 * before
    assert word_probability(features, WORDS, (4, 4, 4))[0, 1, 0].mean() > 0.9
