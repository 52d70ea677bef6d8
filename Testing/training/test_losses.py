from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from SAMLesionLib.training import ZoomLoss, balanced_focal_loss, dice_ce_loss, dice_loss, gate_loss


def a_lesion(n_voxels: int, size: int = 8) -> Tensor:
    """1 x size^3 with so many voxels of lesion."""
    target = torch.zeros(1, size**3)
    target[:, :n_voxels] = 1
    return target.view(1, size, size, size)


def some_logits(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def test_without_exponent_and_weights_the_focal_term_is_half_of_balanced_cross_entropy() -> None:
    target, logits = a_lesion(20), some_logits(1, 8, 8, 8)
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    balanced = each[target == 1].mean() + each[target == 0].mean()
    torch.testing.assert_close(balanced_focal_loss(logits, target, 0.5, 0.0).item(), balanced.item() / 2)


def test_the_focal_term_is_the_one_worked_out_by_hand() -> None:
    logits = torch.tensor([[0.0, 2.0, -1.0]])
    target = torch.tensor([[1.0, 0.0, 0.0]])
    p = torch.sigmoid(logits[0])
    inside = (1 - p[0]) ** 2 * -p[0].log()
    outside = (p[1] ** 2 * -(1 - p[1]).log() + p[2] ** 2 * -(1 - p[2]).log()) / 2
    expected = 0.75 * inside + 0.25 * outside
    torch.testing.assert_close(balanced_focal_loss(logits, target, 0.75, 2.0)[0], expected)


def test_more_background_that_is_right_counts_only_through_its_number() -> None:
    logits, target = some_logits(1, 100), a_lesion(20).flatten(1)[:, :100]
    wider_logits = torch.cat((logits, torch.full((1, 300), -40.0)), dim=1)
    wider_target = torch.cat((target, torch.zeros(1, 300)), dim=1)
    background = balanced_focal_loss(logits, target, 0.0, 2.0)
    torch.testing.assert_close(
        balanced_focal_loss(wider_logits, wider_target, 0.0, 2.0), background * 80 / 380
    )
    lesion = balanced_focal_loss(logits, target, 1.0, 2.0)
    torch.testing.assert_close(balanced_focal_loss(wider_logits, wider_target, 1.0, 2.0), lesion)


def test_without_a_lesion_its_term_is_zero_and_everything_is_finite() -> None:
    logits = some_logits(1, 8, 8, 8).requires_grad_()
    assert balanced_focal_loss(logits, a_lesion(0), 1.0, 2.0).item() == 0
    loss = ZoomLoss()(logits, a_lesion(0))
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_the_pull_on_one_voxel_of_lesion_grows_as_the_lesion_shrinks() -> None:
    def pull(n_voxels: int) -> float:
        logits = some_logits(1, 8, 8, 8).requires_grad_()
        balanced_focal_loss(logits, a_lesion(n_voxels), 1.0, 2.0).sum().backward()
        assert logits.grad is not None
        return logits.grad.flatten()[0].item()

    assert pull(10) == pytest.approx(10 * pull(100), rel=1e-5)


def test_the_gradient_is_that_of_the_function() -> None:
    target = a_lesion(5, size=3).double()
    logits = some_logits(1, 3, 3, 3, dtype=torch.double).requires_grad_()

    def loss(x: Tensor) -> Tensor:
        return dice_loss(x, target) + balanced_focal_loss(x, target, 0.75, 2.0)

    assert torch.autograd.gradcheck(loss, logits)


def test_a_perfect_answer_costs_nothing() -> None:
    target = a_lesion(30)
    assert ZoomLoss()(40 * target - 20, target) < 1e-3
    assert ZoomLoss()(20 - 40 * target, target) > 10


def test_half_precision_logits_are_judged_in_single_precision() -> None:
    target, logits = a_lesion(30), 8 * some_logits(1, 8, 8, 8)
    half = ZoomLoss()(logits.bfloat16(), target)
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(ZoomLoss()(logits, target).item(), rel=2e-2)


def test_a_batch_is_the_mean_of_its_samples() -> None:
    logits = some_logits(2, 8, 8, 8)
    target = torch.cat((a_lesion(10), a_lesion(200)))
    alone = [ZoomLoss()(logits[i : i + 1], target[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(ZoomLoss()(logits, target), (alone[0] + alone[1]) / 2)


@pytest.mark.parametrize(("n_voxels", "times"), [(100, 1.0), (25, 2**0.5), (1, 3.0), (400, 2**-0.5)])
def test_small_lesions_count_more_when_asked(n_voxels: int, times: float) -> None:
    logits, target = some_logits(1, 8, 8, 8), a_lesion(n_voxels)
    weighted = ZoomLoss(median_voxels=100)(logits, target)
    assert weighted.item() == pytest.approx(times * ZoomLoss()(logits, target).item(), rel=1e-5)


def test_the_loss_of_sam_med3d_is_dice_and_cross_entropy() -> None:
    logits, target = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    assert dice_loss(logits, target).item() == pytest.approx(1 - 2 * 0.5 / 1.5, abs=1e-5)
    assert dice_ce_loss(logits, target).item() == pytest.approx(1 / 3 + 0.693147, abs=1e-5)


def test_gates_are_pulled_to_the_share_that_should_be_open() -> None:
    probabilities = torch.tensor([[0.9, 0.7], [0.8, 0.8]], requires_grad=True)
    loss = gate_loss(probabilities, wanted=0.5)
    loss.backward()
    assert loss.item() == pytest.approx(0.09)
    assert (probabilities.grad > 0).all()
    assert gate_loss(torch.tensor([[0.25, 0.75]]), 0.5) == 0
