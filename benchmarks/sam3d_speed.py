"""SAM-Med3D on one cube of 128 voxels a side: encoding and a click, ours beside plain arithmetic.

The reference is what the paper's network computes, written down plainly in this file: windows filled up with
zeros, every score of every head, softmax, product, in float32. Random weights, since time does not depend
on them; both must agree before anything is timed. They take turns, so a busy moment meets both.

    python benchmarks/sam3d_speed.py [--threads N] [--rounds N]
    python benchmarks/sam3d_speed.py --device cuda        # bfloat16 and torch.compile against float32
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter

import as_in_the_engine  # noqa: F401
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from SAMLesionLib.models.layers import Conv3d
from SAMLesionLib.models.sam3d import Sam3D, build_sam_med3d, prepare_for_answers
from SAMLesionLib.models.sam3d.image_encoder import Attention, Block
from SAMLesionLib.models.sgp_sam import build_sgp_sam_small

LARGEST_DIFFERENCE = {torch.float32: 1e-4, torch.bfloat16: 5e-2}


def main() -> None:
    """Compare, measure in turns, print."""
    args = _arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    plain = _random(build_sam_med3d()).to(args.device)
    ours = _random(build_sam_med3d())
    ours.load_state_dict(plain.state_dict())
    dtype = torch.bfloat16 if args.device == "cuda" else torch.float32
    ours = prepare_for_answers(ours, dtype).to(args.device)
    image = torch.randn(1, 1, 128, 128, 128, device=args.device)
    encode = torch.compile(ours.encode) if args.device == "cuda" else ours.encode
    with torch.inference_mode():
        reference = plain_encode(plain, image)
        _check(encode(image)[0], reference, dtype)
        click = _click(ours, args.device)
        _check(ours.decode((reference,), **click)[0], plain_decode(plain, reference, **click), torch.float32)
        work = {
            "encode, plain": lambda: plain_encode(plain, image),
            "encode, ours": lambda: encode(image),
            "click, plain": lambda: plain_decode(plain, reference, **click),
            "click, ours": lambda: ours.decode((reference,), **click),
            **_small("small", args.device),
            **_small("small, plain", args.device, _plain_convolutions),
        }
        ms = _measure(work, args)
    name = torch.cuda.get_device_name() if args.device == "cuda" else f"{args.threads} threads"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(
        f"{name}{load}, torch {torch.__version__}, {str(dtype).removeprefix('torch.')}, {args.rounds} rounds"
    )
    for what in ("encode", "click"):
        slow, fast = ms[f"{what}, plain"], ms[f"{what}, ours"]
        print(f"SAM-Med3D {what}: plain {slow:8.1f} ms, ours {fast:8.1f} ms, ratio {slow / fast:5.2f}")
    for what in ("encode", "click", "learn"):
        slow, fast = ms[f"{what}, small, plain"], ms[f"{what}, small"]
        print(
            f"sgp-sam-small {what}: nn.Conv3d {slow:6.1f} ms, ours {fast:6.1f} ms, ratio {slow / fast:5.2f}"
        )


def plain_encode(network: Sam3D, image: Tensor) -> Tensor:
    """The embedding, with all that the padding costs."""
    encoder = network.image_encoder
    x = encoder.patch_embed(image)[0] + encoder.pos_embed
    for block in encoder.blocks:
        x = _plain_block(block, x)
    return encoder.neck(x)


def _plain_block(block: Block, x: Tensor) -> Tensor:
    size, side = x.shape[1], block.attn.side
    by = side - size
    seen = F.pad(block.norm1(x), (0, 0, 0, by, 0, by, 0, by))
    x = x + _plain_attention(block.attn, seen)[:, :size, :size, :size]
    return x + block.mlp(block.norm2(x))


def _plain_attention(attention: Attention, x: Tensor) -> Tensor:
    b, side, heads = x.shape[0], attention.side, attention.num_heads
    qkv = attention.qkv(x).reshape(b, side**3, 3, heads, -1).permute(2, 0, 3, 1, 4)
    q, k, v = qkv.reshape(3, b * heads, side**3, -1).unbind()
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    tables = [attention._table(t) for t in (attention.rel_pos_d, attention.rel_pos_h, attention.rel_pos_w)]
    grid = q.view(b * heads, side, side, side, -1)
    places = [
        torch.einsum(f"bdhwc,{axis}kc->bdhwk", grid, table) for axis, table in zip("dhw", tables, strict=True)
    ]
    scores = scores.view(b * heads, *[side] * 6)
    scores = scores + places[0][..., None, None, :] + places[1][:, :, :, None, :, None]
    scores = scores + places[2][:, :, :, None, None]
    y = scores.view(b * heads, side**3, side**3).softmax(dim=-1) @ v
    y = y.view(b, heads, side, side, side, -1).permute(0, 2, 3, 4, 1, 5)
    return attention.proj(y.reshape(b, side, side, side, -1))


def plain_decode(
    network: Sam3D, embedding: Tensor, points_dhw: Tensor, point_labels: Tensor, mask_input: Tensor
) -> Tensor:
    """The logits of a click, attention by products and every mask decoded, as published."""
    decoder = network.mask_decoder
    sparse, dense = network.prompt_encoder(points_dhw, point_labels, None, mask_input)
    image_pe = network.prompt_encoder.grid_pe()
    tokens = torch.cat((decoder.iou_token.weight, decoder.mask_tokens.weight))[None]
    tokens = torch.cat((tokens, sparse), dim=1)
    image = (embedding + dense).flatten(2).transpose(1, 2)
    with _attention_by_products():
        tokens, voxels = decoder.transformer(image, image_pe, tokens)
    enlarged = decoder.output_upscaling(voxels.transpose(1, 2).unflatten(2, embedding.shape[2:]))
    classifiers = torch.stack(
        [mlp(tokens[:, 1 + i]) for i, mlp in enumerate(decoder.output_hypernetworks_mlps)], 1
    )
    decoder.iou_prediction_head(tokens[:, 0])
    return (classifiers @ enlarged.flatten(2)).unflatten(2, enlarged.shape[2:])[:, :1]


@contextmanager
def _attention_by_products() -> Iterator[None]:
    """While inside, attention is two products and a softmax."""
    fused, F.scaled_dot_product_attention = F.scaled_dot_product_attention, _products
    try:
        yield
    finally:
        F.scaled_dot_product_attention = fused


def _products(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return ((q @ k.transpose(-2, -1)) / q.shape[-1] ** 0.5).softmax(dim=-1) @ v


def _small(
    name: str, device: str, change: Callable[[Sam3D], Sam3D] = lambda network: network
) -> dict[str, Callable[[], object]]:
    """What sgp-sam-small does for a click, and a step of learning from one."""
    with torch.inference_mode(False):  # weights made in it cannot learn
        pupil = change(build_sgp_sam_small()).to(device).train()
        network = prepare_for_answers(change(build_sgp_sam_small())).to(device)
    image = torch.randn(1, 1, 64, 64, 64, device=device)
    encoded, click = network.encode(image), _click(network, device)

    def learn() -> None:
        with torch.inference_mode(False), torch.enable_grad():
            given = {key: prompt.clone() for key, prompt in click.items()}
            logits, _ = pupil.decode(pupil.encode(image.clone()), **given)
            logits.mean().backward()

    return {
        f"encode, {name}": lambda: network.encode(image),
        f"click, {name}": lambda: network.decode(encoded, **click),
        f"learn, {name}": learn,
    }


def _plain_convolutions(network: Sam3D) -> Sam3D:
    """The same network as PyTorch computes its convolutions."""
    for module in network.modules():
        if isinstance(module, Conv3d):
            module.forward = partial(nn.Conv3d.forward, module)
    return network


def _click(network: Sam3D, device: str) -> dict[str, Tensor]:
    middle, side = network.image_size / 2, network.mask_size
    return {
        "points_dhw": torch.full((1, 1, 3), middle, device=device),
        "point_labels": torch.ones(1, 1, device=device),
        "mask_input": torch.zeros(1, 1, side, side, side, device=device),
    }


def _random(network: Sam3D) -> Sam3D:
    """Also the tables that begin as zeros."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "rel_pos" in name or "pos_embed" in name:
                parameter.normal_(std=0.3)
    return network.eval().requires_grad_(False)


def _check(ours: Tensor, plain: Tensor, dtype: torch.dtype) -> None:
    difference = ((ours - plain).norm() / plain.norm()).item()
    print(f"relative difference: {difference:.1e}")
    if not difference < LARGEST_DIFFERENCE[dtype]:
        sys.exit(f"The two differ by {difference:.3g}, more than {LARGEST_DIFFERENCE[dtype]:.0e}.")


def _measure(work: dict[str, Callable[[], object]], args: argparse.Namespace) -> dict[str, float]:
    """Median milliseconds of each, all in turns, after one round that warms up."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(args.rounds + 1):
        for name, do in work.items():
            start = perf_counter()
            do()
            if args.device == "cuda":
                torch.cuda.synchronize()
            times[name].append((perf_counter() - start) * 1e3)
    return {name: statistics.median(rounds[1:]) for name, rounds in times.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="default: all cores")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds; default 7")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        sys.exit("No CUDA device is here, nothing was measured. Run this on a computer with an NVIDIA GPU.")
    return args


if __name__ == "__main__":
    main()
