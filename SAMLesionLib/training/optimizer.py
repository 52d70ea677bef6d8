"""AdamW over groups of parameters, and the learning rate of each step."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, inf, pi
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.config import OptimizerSettings
from SAMLesionLib.training.mask_adapter import ADAPTER

DECODER = ("prompt_encoder.", "mask_decoder.")


def make_optimizer(network: nn.Module, settings: OptimizerSettings) -> torch.optim.AdamW:
    """AdamW for the parameters that learn, each with its learning rate and decay."""
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


def restore(optimizer: torch.optim.AdamW, state: Mapping[str, Any]) -> None:
    """Take over the moments of an optimizer that was saved; rates and decay stay those of this run.

    Raises:
        InputError: when it was made for other groups of parameters.
    """
    ours = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
    try:
        optimizer.load_state_dict(dict(state))
    except ValueError:  # other groups, or other parameters in them
        raise InputError(
            "Another choice of weights has learned in this run. Go on with the [tune], optimizer.decoder_lr, "
            "weight_decay and decay_all that it had, or begin a new run from its weights with start = FILE."
        ) from None
    for group, values in zip(optimizer.param_groups, ours, strict=True):
        group.update(values)


def set_learning_rate(optimizer: torch.optim.AdamW, settings: OptimizerSettings, done: float) -> None:
    """The learning rate for a step.

    Args:
        optimizer: from `make_optimizer`.
        settings: the schedule.
        done: the share of all steps that is done with this one, 0 to 1.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["highest_lr"] * _height(settings, done)


def clip_gradients(network: nn.Module, settings: OptimizerSettings) -> Tensor:
    """Shorten gradients to the longest that may be; gives how long the longest was."""
    parts: dict[str, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            part = name.partition(".")[0] if settings.clip_parts else ""
            parts.setdefault(part, []).append(parameter)
    return torch.stack([nn.utils.clip_grad_norm_(p, settings.clip or inf) for p in parts.values()]).amax()


def make_average(network: nn.Module, settings: OptimizerSettings) -> AveragedModel | None:
    """The running average of a network's weights, None where none is wanted.

    Small batches make weights sway from step to step; their average lies nearer to what they sway around
    (Polyak and Juditsky, SIAM J. Control Optim. 30, 1992).
    """
    if not settings.averaged:
        return None
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(settings.averaged))


def _group(name: str, parameter: nn.Parameter, settings: OptimizerSettings) -> tuple[float, float]:
    """Highest learning rate and weight decay of a parameter."""
    is_decoder = name.startswith(DECODER) and not name.startswith(
        ADAPTER
    )  # which is new, and so learns faster
    lr = settings.decoder_lr if is_decoder and settings.decoder_lr is not None else settings.lr
    decays = parameter.ndim > 1 or settings.decay_all
    return lr, settings.weight_decay if decays else 0.0


def _height(settings: OptimizerSettings, done: float) -> float:
    """The learning rate over the highest."""
    warm_up = settings.warmup_share
    if done < warm_up:
        return done / warm_up
    fallen = (done - warm_up) / max(1 - warm_up, 1e-9)
    if settings.fall == "cosine":
        fallen = (1 - cos(pi * fallen)) / 2
    return 1 - fallen * (1 - settings.final_share)
