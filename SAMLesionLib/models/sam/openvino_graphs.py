"""Turn the parts of a `Sam` into OpenVINO models that start quickly from a cache."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.export import Dim, export

from SAMLesionLib.errors import EngineError
from SAMLesionLib.models.sam import tiny_vit
from SAMLesionLib.models.sam.inference import fold_norms
from SAMLesionLib.models.sam.mask_decoder import NUM_MASK_TOKENS
from SAMLesionLib.models.sam.sam import Sam

logger = logging.getLogger(__name__)

# Part of the cache's key: raise it when this file draws the graphs differently.
GRAPH_VERSION = 2


def import_openvino() -> Any:
    """The openvino package, without the reports of use that it sends home when a part of it is imported.

    Raises:
        EngineError: it is not installed.
    """
    # OpenVINO has a stand-in for a missing telemetry package (openvino/tools/ovc/telemetry_stub.py).
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    try:
        import openvino
    except ImportError as error:
        raise EngineError(
            "The fast CPU path needs the openvino package: pip install 'samlesion[fast-cpu]'."
        ) from error
    return openvino


def load_graphs(sam: Sam, cache_dir: Path | None) -> dict[str, Any]:
    """The OpenVINO models `encoder` (of an image's `halves`) and `decoder` of a network.

    Args:
        sam: the network with its weights.
        cache_dir: where converted models are kept, under a name made of weights and versions; None
            converts every time (5 to 15 s).
    """
    openvino = import_openvino()
    graphs = _conversions(sam)
    if cache_dir is None:
        return {name: convert() for name, convert in graphs.items()}
    key = _key(sam, openvino.get_version())
    return {name: _cached(cache_dir / f"{key}-{name}.xml", convert) for name, convert in graphs.items()}


def _cached(path: Path, convert: Callable[[], Any]) -> Any:
    read = import_openvino().Core().read_model
    if path.exists():
        try:
            return read(path)
        except RuntimeError:
            logger.warning("The converted model %s is damaged; it is made again.", path.name)
    _save(convert(), path)
    return read(path)


def _save(model: Any, path: Path) -> None:
    """Write both files of a model, the one that makes it count as present last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / path.name
        import_openvino().save_model(model, draft, compress_to_fp16=False)
        os.replace(draft.with_suffix(".bin"), path.with_suffix(".bin"))
        os.replace(draft, path)


def _key(sam: Sam, openvino_version: str) -> str:
    digest = hashlib.sha256(f"{GRAPH_VERSION} {openvino_version} {sam.image_size}".encode())
    for name, value in sam.state_dict().items():
        digest.update(f"{name} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().float().contiguous().numpy().data)
    return digest.hexdigest()[:32]


def _conversions(sam: Sam) -> dict[str, Callable[[], Any]]:
    """Each graph's name and the conversion that makes it, which alone prepares the network (a second)."""
    prepared = cache(lambda: _prepare(sam))
    return {
        "encoder": lambda: _convert_encoder(prepared()),
        "decoder": lambda: _convert_decoder(prepared()),
    }


def _prepare(sam: Sam) -> Sam:
    """A copy that is drawn as OpenVINO likes it."""
    sam = deepcopy(sam).eval().float().requires_grad_(False)
    encoder = sam.image_encoder
    if isinstance(encoder, tiny_vit.TinyViT):
        _split_attention(encoder)
        fold_norms(encoder)
        first = encoder.patch_embed.seq
        first[0] = take_halves(cast(nn.Conv2d, first[0]))
    else:
        encoder.patch_embed.proj = take_halves(encoder.patch_embed.proj)
    return sam


def halves(image: Tensor) -> Tensor:
    """An image (Bx3xHxW) as three that bfloat16 holds exactly, the form that `take_halves` reads (Bx9xHxW).

    bfloat16 has 256 greys and a scan has more. What rounding takes away is given beside what it leaves.
    (Error of LiteMedSAM's embedding in bfloat16: 6 percent before, 5 percent after; on a smooth ramp 52 and
    14 percent. The time is the same.)
    """
    high = image.bfloat16().float()
    return torch.cat((high, image - high, high), dim=1)


@torch.no_grad()
def take_halves(conv: nn.Conv2d) -> nn.Conv2d:
    """The same convolution for `halves` of an image, with weights that are sums of two halves as well."""
    high = conv.weight.bfloat16().float()
    wide = nn.utils.skip_init(nn.Conv2d, 9, conv.out_channels, conv.kernel_size, conv.stride)
    wide.weight.copy_(torch.cat((high, high, conv.weight - high), dim=1))
    wide.bias.copy_(cast(Tensor, conv.bias))
    return wide


def _convert_encoder(sam: Sam) -> Any:
    picture = halves(torch.zeros(1, 3, sam.image_size, sam.image_size))
    model = _convert(sam.image_encoder, (picture,), None)
    model.reshape(list(picture.shape))
    return model


def _convert_decoder(sam: Sam) -> Any:
    channels, side = sam.prompt_encoder.embed_dim, sam.prompt_encoder.embedding_size
    # An export takes a size of 1 for a constant, so the example has 2 objects with 3 tokens each. The
    # graph it gives holds for 1 as well.
    example = (torch.zeros(1, channels, side, side), torch.zeros(2, 3, channels))
    objects, tokens = Dim("objects", min=2, max=4096), Dim("tokens", min=2, max=4096)
    return _convert(Decoder(sam), example, (None, {0: objects, 1: tokens}))


@torch.no_grad()
def _convert(network: nn.Module, example: tuple[Tensor, ...], dynamic_shapes: Any) -> Any:
    openvino = import_openvino()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.export copies a tree with a class it has deprecated
        program = export(network.eval(), example, dynamic_shapes=dynamic_shapes, strict=False)
        return openvino.convert_model(program)


class Decoder(nn.Module):
    """The mask decoder with all its masks: one image (1xCxhxw) and P objects' tokens (PxNxC)."""

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        self.mask_decoder = sam.mask_decoder
        self.register_buffer("image_pe", sam.prompt_encoder.dense_pe().detach())

    def forward(self, image: Tensor, sparse: Tensor) -> tuple[Tensor, Tensor]:
        """Logits Px4x4hx4w and expected quality Px4."""
        return self.mask_decoder.predict(image, cast(Tensor, self.image_pe), sparse, range(NUM_MASK_TOKENS))


def _split_attention(encoder: tiny_vit.TinyViT) -> None:
    for block in encoder.modules():
        if isinstance(block, tiny_vit.TinyViTBlock):
            block.attn = cast(tiny_vit.Attention, SplitAttention(block.attn))


class SplitAttention(nn.Module):
    """TinyViT's attention written so that OpenVINO recognises it and fuses it into one kernel.

    Three linear layers in place of one, and no transposition besides those of the heads (encoder in
    bfloat16, 1 thread: 312 ms before, 284 ms after).
    """

    def __init__(self, attention: tiny_vit.Attention) -> None:
        super().__init__()
        self.norm, self.proj = attention.norm, attention.proj
        self.num_heads = attention.num_heads
        self.linears = nn.ModuleList(_split_linear(attention.qkv, attention.num_heads))
        self.register_buffer("bias", attention.bias_table().detach()[None])

    def forward(self, x: Tensor) -> Tensor:
        """`windows x tokens x C` to the same shape."""
        x = self.norm(x)
        q, k, v = (linear(x).unflatten(-1, (self.num_heads, -1)) for linear in self.linears)
        scores = q.transpose(1, 2) * q.shape[-1] ** -0.5 @ k.permute(0, 2, 3, 1) + self.bias
        y = scores.softmax(dim=-1) @ v.transpose(1, 2)
        return self.proj(y.transpose(1, 2).flatten(2))


def _split_linear(qkv: nn.Linear, num_heads: int) -> list[nn.Linear]:
    """The layer that gives q, k, v head by head as three layers that give one of them each."""
    dim = qkv.in_features
    weights = qkv.weight.unflatten(0, (num_heads, 3, -1)).transpose(0, 1).reshape(3, dim, dim)
    biases = qkv.bias.unflatten(0, (num_heads, 3, -1)).transpose(0, 1).reshape(3, dim)
    linears = [nn.utils.skip_init(nn.Linear, dim, dim) for _ in range(3)]
    with torch.no_grad():
        for linear, weight, bias in zip(linears, weights, biases, strict=True):
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
    return linears
