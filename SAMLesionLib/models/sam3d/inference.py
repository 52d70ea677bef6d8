"""Prepare a trained 3D network for answering only."""

from __future__ import annotations

import torch

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
    return network
