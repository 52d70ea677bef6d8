"""Slices a second through MedSAM's image encoder (ViT-B, 1024 px): ours beside `segment-anything`, on a GPU.

Random weights, since time does not depend on them. The reference runs as published, in float32 and one
image at a time; ours in bfloat16, in batches and compiled. The two must agree on their embeddings first.
The engine's line is what a reader has: slices made ready and encoded in its batches, not compiled.

    python benchmarks/gpu_throughput.py [--batch N] [--repeats N] [--device cuda|cpu] [--no-compile]
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import nn

from SAMLesionLib import Affine, Volume
from SAMLesionLib.engine.devices import choose_hardware
from SAMLesionLib.engine.embeddings import EmbeddingCache
from SAMLesionLib.engine.networks import TorchSam
from SAMLesionLib.engine.predictors import SlicePredictor
from SAMLesionLib.imaging import medsam_window, slab
from SAMLesionLib.models.registry import MODELS
from SAMLesionLib.models.sam import Sam, build_sam_vit_b
from SAMLesionLib.models.sam.inference import fuse_for_inference

LARGEST_DIFFERENCE = 5e-2
"""Of bfloat16 from float32 embeddings, relative; measured 1e-2."""


def main() -> None:
    """Compare, measure, print."""
    args = _arguments()
    if not args.device:
        print("No CUDA device is here, nothing was measured. Run this on a computer with an NVIDIA GPU.")
        return
    torch.manual_seed(0)
    ours = build_sam_vit_b().eval()
    theirs = reference_encoder()
    theirs.load_state_dict(ours.image_encoder.state_dict())
    theirs.to(args.device)
    fast = fuse_for_inference(ours, torch.bfloat16).to(args.device)
    encode = fast.encode if args.no_compile else torch.compile(fast.encode)
    images = torch.rand(args.batch, 3, 1024, 1024, device=args.device)
    with torch.inference_mode():
        reference = theirs(images[:1])
        difference = (encode(images)[:1] - reference).norm() / reference.norm()
        if difference > LARGEST_DIFFERENCE:
            sys.exit(f"The embeddings differ by {difference:.3f}, more than {LARGEST_DIFFERENCE}.")
        slow_s = _seconds(lambda: [theirs(image[None]) for image in images], args)
        fast_s = _seconds(lambda: encode(images), args)
    engine_s, n_slices = engine_seconds(ours, args)
    name = torch.cuda.get_device_name() if args.device == "cuda" else args.device
    print(f"device: {name}, torch {torch.__version__}, batch {args.batch}")
    print(f"segment-anything, float32, one at a time: {args.batch / slow_s:8.1f} slices/s")
    print(f"ours, bfloat16, batched, compiled:        {args.batch / fast_s:8.1f} slices/s")
    print(f"the engine, bfloat16, {n_slices} at once:         {args.batch / engine_s:8.1f} slices/s")
    print(f"ratio:                                    {slow_s / fast_s:8.2f}")
    print(f"relative difference of the embeddings:    {difference:8.4f}")


def engine_seconds(network: Sam, args: argparse.Namespace) -> tuple[float, int]:
    """Seconds for a batch of slices through the engine's own way, and how many it encodes at once."""
    card = MODELS["medsam-vit-b"]
    hardware = choose_hardware(args.device, "bfloat16")
    ready = TorchSam(network, hardware)
    voxels = np.random.default_rng(0).normal(size=(args.batch, 512, 512)).astype(np.float32)
    volume = Volume(voxels, Affine.from_spacing((1, 1, 3)), "noise", "MR")
    window = medsam_window(volume)

    def encode_all() -> None:
        predictor = SlicePredictor(card, ready, "random", hardware, EmbeddingCache(0))
        frames = [predictor.frame(volume, 2, slab(volume.block, 2, k)) for k in range(args.batch)]
        for _ in predictor.embed_each(volume, frames, window):
            pass

    return _seconds(encode_all, args), ready.batch_size


def reference_encoder() -> nn.Module:
    """`segment-anything`'s ViT-B encoder, loaded without the package's import of torchvision."""
    package = importlib.util.find_spec("segment_anything")
    if package is None or package.origin is None:
        sys.exit("This needs the package segment-anything: pip install --no-deps segment-anything==1.0")
    origin = Path(package.origin).parent / "modeling" / "__init__.py"
    spec = importlib.util.spec_from_file_location("segment_anything_modeling", origin)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    encoder: nn.Module = module.ImageEncoderViT(
        depth=12,
        embed_dim=768,
        img_size=1024,
        mlp_ratio=4,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        num_heads=12,
        patch_size=16,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=[2, 5, 8, 11],
        window_size=14,
        out_chans=256,
    )
    return encoder.eval()


def _seconds(work, args: argparse.Namespace) -> float:
    """The best of several runs, after one that warms up."""
    times = []
    for _ in range(args.repeats + 1):
        start = perf_counter()
        work()
        if args.device == "cuda":
            torch.cuda.synchronize()
        times.append(perf_counter() - start)
    return min(times[1:])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=16, help="slices in one batch; default 16")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs; default 5")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile")
    gpu = "cuda" if torch.cuda.is_available() else ""
    parser.add_argument("--device", default=gpu, help="default the GPU where there is one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
