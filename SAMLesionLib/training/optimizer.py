"""AdamW over groups of parameters, and the learning rate of each step."""

from __future__ import annotations

from math import cos, pi

import torch
from torch import nn

from SAMLesionLib.training.config import OptimizerSettings

DECODER = ("prompt_encoder.", "mask_decoder.")


def make_optimizer(network: nn.Module, settings: OptimizerSettings) -> torch.optim.AdamW:
    """AdamW for the parameters that learn; norms, biases and scalars do not decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(_group(name, parameter, settings), []).append(parameter)
    listed = [
        {"params": members, "lr": lr, "highest_lr": lr, "weight_decay": decay}
        for (lr, decay), members in groups.items()
    ]
    first, second = settings.betas
    return torch.optim.AdamW(listed or [{"params": [], "highest_lr": 0.0}], betas=(first, second), fused=True)


def set_learning_rate(optimizer: torch.optim.AdamW, settings: OptimizerSettings, done: float) -> None:
    """The learning rate for a step.

    Args:
        optimizer: from `make_optimizer`.
        settings: the schedule.
        done: the share of all steps that is done with this one, 0 to 1.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["highest_lr"] * _height(settings, done)


def _group(name: str, parameter: nn.Parameter, settings: OptimizerSettings) -> tuple[float, float]:
    """Highest learning rate and weight decay of a parameter."""
    is_decoder = name.startswith(DECODER) and settings.decoder_lr is not None
    lr = settings.decoder_lr if is_decoder and settings.decoder_lr is not None else settings.lr
    return lr, settings.weight_decay if parameter.ndim > 1 else 0.0


def _height(settings: OptimizerSettings, done: float) -> float:
    """The learning rate over the highest."""
    warm_up = settings.warmup_share
    if done < warm_up:
        return done / warm_up
    fallen = (1 - cos(pi * (done - warm_up) / max(1 - warm_up, 1e-9))) / 2
    return 1 - fallen * (1 - settings.final_share)
