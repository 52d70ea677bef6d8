"""What closed gates save: the share of an encoding's arithmetic that fusion takes."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from SAMLesionLib.models.sgp_sam import GateMode, SgpSam


def fusion_share(network: SgpSam) -> float:
    """The FLOPs of all fusion blocks over those of an encoding with all gates open.

    Counted are matrix products, convolutions and attention, as torch counts them. All of a network's blocks
    cost the same. The gates are left closed.
    """
    network.eval()
    all_open, all_closed = (_encoding_flops(network, mode) for mode in ("open", "closed"))
    return 1 - all_closed / all_open


def _encoding_flops(network: SgpSam, mode: GateMode) -> int:
    network.set_gates(mode)
    cube = torch.zeros(1, 1, *(network.image_size,) * 3, device=next(network.parameters()).device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.encode(cube)
    return counter.get_total_flops()
