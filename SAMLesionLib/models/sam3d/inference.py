"""Prepare a trained 3D network for answering only."""

from __future__ import annotations

import torch
from torch import nn

from SAMLesionLib.models.sam3d.sam3d import Sam3D


def prepare_for_answers(network: Sam3D, dtype: torch.dtype = torch.float32) -> Sam3D:
    """The same network, changed in place: it answers faster and can no longer be trained.

    Args:
        network: the network as loaded.
        dtype: arithmetic of the encoder's blocks. The way from voxels to tokens stays in float32, since
            bfloat16 has 256 greys and a scan has more; prompts and masks do too.
    """
    network.eval().requires_grad_(False)
    network.prompt_encoder.freeze_pe()
    for part in network.encoder_blocks():
        part.to(dtype)
        if dtype == torch.float32:
            _fill_filters(part)
    return network


def _fill_filters(part: nn.Module) -> None:
    """Let filters of single channels with distances between their taps see all channels, by zeros.

    The numbers stay the same. In single precision PyTorch computes such filters on a CPU in many small parts
    that wait for each other, so where other programs were at work a first click took a quarter longer
    (`benchmarks/click_3d.py --busy 2`).
    """
    for conv in part.modules():
        if isinstance(conv, nn.Conv3d) and conv.groups == conv.in_channels > 1 and max(conv.dilation) > 1:
            channels = torch.arange(conv.groups)
            filled = conv.weight.new_zeros(conv.groups, conv.groups, *conv.kernel_size)
            filled[channels, channels] = conv.weight[:, 0]
            conv.weight, conv.groups = nn.Parameter(filled, requires_grad=False), 1
