"""Which parameters of a network learn: what papers compare SGP-SAM with, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

Method = Literal["full", "sgp", "decoder", "zero-shot"]


@dataclass(frozen=True)
class TuneSettings:
    """The table `[tune]`.

    Attributes:
        method: `full` for everything; `sgp` for gates, fusion and decoder; `decoder` for the mask decoder;
            `zero-shot` for nothing.
        neck: whether the encoder's neck learns too, with `sgp`.
    """

    method: Method = "full"
    neck: bool = False


def tune(network: nn.Module, settings: TuneSettings) -> None:
    """Let the chosen parameters learn and hold all others."""
    learn = {
        "full": ("",),
        "sgp": ("sgpm.", "mask_decoder.", *(("image_encoder.neck.",) if settings.neck else ())),
        "decoder": ("mask_decoder.",),
        "zero-shot": (),
    }[settings.method]
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith(learn))
