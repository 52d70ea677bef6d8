from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from SAMLesionLib.models.layers import MLP, LayerNorm2d, window_partition, window_unpartition


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
