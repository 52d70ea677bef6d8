"""Which parameters of a network learn: SGP-SAM's way and what it is compared with, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.tags import Tags, learns_in_tags
from SAMLesionLib.training.adapters import LOW_RANK, add_adapters, add_low_rank, add_prompts
from SAMLesionLib.training.mask_adapter import ADAPTER, add_mask_adapter
from SAMLesionLib.training.tables import at_least, share

Method = Literal["full", "sgp", "tags", "decoder", "lora", "m-sam", "adapter", "bias", "tokens", "zero-shot"]


@dataclass(frozen=True)
class TuneSettings:
    """The table `[tune]`.

    Attributes:
        method: `full` for everything; `sgp` for gates and fusion; `tags` for what TAGS adds to SAM; `lora`,
            `adapter` and `tokens` for what is put into an encoder that stays as it is; `m-sam` for LoRA, an
            adapter before the decoder and the prompt encoder; `bias` for the encoder's biases; `decoder` for
            the mask decoder alone; `zero-shot` for nothing.
        decoder: whether the mask decoder learns too.
        prompt_encoder: whether the prompt encoder does, with `full`.
        neck: whether the encoder's neck does, with `sgp`.
        rank: of LoRA.
        narrow_share: channels inside an adapter over those of a token.
        n_tokens: learned tokens of each global block.
    """

    method: Method = "full"
    decoder: bool = True
    prompt_encoder: bool = True
    neck: bool = False
    rank: int = at_least(1, 4)
    narrow_share: float = share(0.5)
    n_tokens: int = at_least(1, 8)


def tune(network: nn.Module, settings: TuneSettings) -> None:
    """Let the chosen parameters learn, hold all others, and put in what the method adds.

    Raises:
        InputError: when the network has not what the method needs.
    """
    if settings.method in ("lora", "m-sam"):
        add_low_rank(network, settings.rank)
    if settings.method == "m-sam":
        add_mask_adapter(network)
    elif settings.method == "adapter":
        add_adapters(network, settings.narrow_share)
    elif settings.method == "tokens":
        add_prompts(network, settings.n_tokens)
    elif settings.method == "sgp" and not hasattr(network, "sgpm"):
        raise InputError("tune.method sgp needs a network with gates. Choose model sgp-sam or sgp-sam-small.")
    elif settings.method == "tags" and not isinstance(network, Tags):
        raise InputError("tune.method tags needs a network that adds to SAM. Choose model tags.")
    learns = _choice(settings)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(learns(name))


def _choice(settings: TuneSettings) -> Callable[[str], bool]:
    """Whether the parameter of a name learns."""
    of_method: dict[Method, Callable[[str], bool]] = {
        "full": lambda name: settings.prompt_encoder or not name.startswith("prompt_encoder."),
        "sgp": lambda name: name.startswith(("sgpm.", *(["image_encoder.neck."] if settings.neck else []))),
        "tags": learns_in_tags,
        "decoder": lambda name: name.startswith("mask_decoder."),
        "lora": lambda name: LOW_RANK in name,
        "m-sam": lambda name: LOW_RANK in name or name.startswith((ADAPTER, "prompt_encoder.")),
        "adapter": lambda name: ".adapter." in name,
        "bias": lambda name: name.startswith("image_encoder.") and name.endswith(".bias"),
        "tokens": lambda name: name.endswith(".prompts"),
        "zero-shot": lambda name: False,
    }
    chosen, method = of_method[settings.method], settings.method
    with_decoder = settings.decoder and method not in ("full", "tags", "zero-shot")
    if method == "full" and not settings.decoder:
        return lambda name: chosen(name) and not name.startswith("mask_decoder.")
    return lambda name: chosen(name) or (with_decoder and name.startswith("mask_decoder."))
