from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import MLP, Conv3d, LayerNorm2d, window_partition, window_unpartition


def test_layer_norm_2d_is_layer_norm_over_channels() -> None:
    norm = LayerNorm2d(5)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2)
        norm.bias.normal_()
    x = torch.randn(2, 5, 3, 4)
    pixel = F.layer_norm(x[1, :, 2, 3], (5,), norm.weight, norm.bias, norm.eps)
    torch.testing.assert_close(norm(x)[1, :, 2, 3], pixel)


@pytest.mark.parametrize(("height", "width"), [(6, 9), (7, 8), (2, 1)])
def test_windows_go_there_and_back(height: int, width: int) -> None:
    x = torch.randn(2, height, width, 4)
    windows = window_partition(x, 3)
    assert windows.shape[1:] == (9, 4)
    torch.testing.assert_close(window_unpartition(windows, 3, height, width), x)


def test_windows_come_row_by_row_and_are_filled_with_zeros() -> None:
    x = torch.arange(1.0, 7).view(1, 2, 3, 1)
    windows = window_partition(x, 2)[..., 0]
    assert windows.tolist() == [[1, 2, 4, 5], [3, 0, 6, 0]]


def test_a_perceptron_has_the_layers_it_is_asked_for() -> None:
    mlp = MLP(4, 8, 2, depth=3)
    assert [tuple(layer.weight.shape) for layer in mlp.layers] == [(8, 4), (8, 8), (2, 8)]
    assert mlp(torch.randn(5, 4)).shape == (5, 2)


@pytest.mark.parametrize("shape", [(1, 8, 6, 4), (1, 9, 5, 7), (2, 8, 8, 8), (1, 2, 2, 2)])
@pytest.mark.parametrize(
    ("side", "stride", "has_bias"), [(3, 1, False), (3, 2, True), (1, 1, True), (5, 1, True)]
)
def test_a_convolution_in_slabs_and_its_gradients_are_those_of_pytorch(
    shape: tuple[int, ...], side: int, stride: int, has_bias: bool
) -> None:
    ours = Conv3d(3, 4, side, stride=stride, padding=side // 2, bias=has_bias)
    plain = nn.Conv3d(3, 4, side, stride=stride, padding=side // 2, bias=has_bias)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(shape[0], 3, *shape[1:], requires_grad=True)
    expected, found = plain(x), ours(x)
    torch.testing.assert_close(found, expected)

    weight = torch.randn_like(expected)
    for here, there in zip(
        torch.autograd.grad(found, [x, *ours.parameters()], weight),
        torch.autograd.grad(expected, [x, *plain.parameters()], weight),
        strict=True,
    ):
        torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-5)
