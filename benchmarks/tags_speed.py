"""TAGS on one cube: encoding, a first point and a second one, ours beside the plain way.

The plain way is what the published code computes, written down in Testing/models/tags_reference.py: finer
slices, windows one by one, every score of every head, in float32. Its twelve blocks are six times the first
two (a shifted and an unshifted one), which are measured; its necks and decoder are measured whole. Random
weights, since time does not depend on them; both must agree before anything is timed. Seconds of the clock
tell little on a busy machine, so seconds of the processor stand beside them.

    python benchmarks/tags_speed.py [--threads N] [--precision bfloat16] [--size 128]
    python benchmarks/tags_speed.py --ours        # without the plain way
    python benchmarks/tags_speed.py --device cuda # ours on a GPU, and its memory
    python benchmarks/tags_speed.py --golden      # the whole network against golden numbers, minutes
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "Testing" / "models"))

import as_in_the_engine  # noqa: F401
import torch
from tags_golden import errors, golden_network
from tags_reference import reference_block, reference_decode, reference_slices
from torch import Tensor

from SAMLesionLib.models.tags import Tags, TagsEncoded, prepare_for_answers
from SAMLesionLib.models.tags.image_encoder import ImageEncoderTags
from SAMLesionLib.models.tags.mask_decoder import MaskDecoderTags
from SAMLesionLib.models.tags.prompt_encoder import PointPromptEncoder

LARGEST_DIFFERENCE = 1e-4


class Seconds(NamedTuple):
    """How long something took, by the clock and on the processor."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:8.2f} s of the clock, {self.processor:8.2f} s of the processor"


def main() -> None:
    """Compare, measure, print."""
    args = _arguments()
    torch.set_num_threads(args.threads)
    with torch.inference_mode():
        if args.golden:
            _print_golden()
            return
        torch.manual_seed(0)
        network = _random(_build(args.size)).eval().to(args.device)
        image = torch.randn(1, 3, *[args.size] * 3, device=args.device)
        if not args.ours and args.device == "cpu":
            print(f"slices and 12 blocks, plain  {_plain_blocks(network, image)}", flush=True)
            print(f"necks and decoder, plain     {_plain_decoder(network, image)}", flush=True)
        dtype = torch.bfloat16 if args.precision == "bfloat16" else torch.float32
        _measure_ours(prepare_for_answers(network, dtype), image)
    name = torch.cuda.get_device_name() if args.device == "cuda" else f"{args.threads} threads"
    print(f"{name}, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}, {args.precision}")
    print(f"memory at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB")
    if args.device == "cuda":
        print(f"of the GPU at most: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB (goal 12)")


def _build(size: int) -> Tags:
    return Tags(ImageEncoderTags(image_size=size), PointPromptEncoder(), MaskDecoderTags())


def _measure_ours(network: Tags, image: Tensor) -> None:
    middle = torch.full((1, 1, 3), network.image_size / 2, device=image.device)
    if image.is_cuda:
        network.decode(network.encode(image), middle)  # the first time compiles kernels
    encoded, seconds = _timed(lambda: network.encode(image))
    print(f"encode, ours                 {seconds}", flush=True)
    for what, points in (("first", middle), ("second", torch.cat((middle, middle + 5), dim=1))):
        _, seconds = _timed(lambda points=points: network.decode(encoded, points))
        print(f"{what + ' point, ours':<29}{seconds}", flush=True)


def _plain_blocks(network: Tags, image: Tensor) -> Seconds:
    """The plain way to the end of the blocks, computed from its first two."""
    encoder = network.image_encoder
    slices, took = _timed(lambda: reference_slices(encoder, image))
    _check(encoder.slices(image), slices)
    tokens, pair = slices, Seconds(0, 0)
    for block in encoder.blocks[:2]:
        reference, seconds = _timed(lambda block=block, tokens=tokens: reference_block(block, tokens))
        _check(block(tokens), reference)
        tokens, pair = reference, Seconds(*(a + b for a, b in zip(pair, seconds, strict=True)))
    n_pairs = len(encoder.blocks) / 2
    return Seconds(*(a + n_pairs * b for a, b in zip(took, pair, strict=True)))


def _plain_decoder(network: Tags, image: Tensor) -> Seconds:
    """The plain way from the end of the blocks to the logits of a point."""
    encoder, point = network.image_encoder, torch.full((1, 1, 3), network.image_size / 2)
    tokens = torch.randn(1, *[encoder.side] * 3, encoder.embed_dim)
    maps, necks = _timed(lambda: [neck(tokens) for neck in encoder.neck_3d])
    reference, decoder = _timed(lambda: reference_decode(network, maps, image, point))
    prepared = network.mask_decoder.prepare(maps[:3], image[:, :1])
    _check(network.decode(TagsEncoded(maps[-1], prepared), point), reference)
    return Seconds(*(a + b for a, b in zip(necks, decoder, strict=True)))


def _print_golden() -> None:
    for kind in ("plain", "align"):
        for name, value in errors(golden_network(kind == "align"), kind):
            print(f"{name:<24} {value:.1e}", flush=True)


def _random(network: Tags) -> Tags:
    """Weights under which every part matters."""
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1 and "rel_pos" in name:
            parameter.data.normal_(std=0.3)
    return network


def _timed(work: Callable[[], Tensor]) -> tuple[Tensor, Seconds]:
    clock, processor = perf_counter(), process_time()
    result = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return result, Seconds(perf_counter() - clock, process_time() - processor)


def _check(ours: Tensor, reference: Tensor) -> None:
    difference = ((ours - reference).norm() / reference.norm()).item()
    if difference > LARGEST_DIFFERENCE:
        raise SystemExit(f"ours differs from the plain way by {difference:.1e}; nothing is measured.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--size", type=int, default=128, help="voxels along each side of the cube")
    parser.add_argument("--ours", action="store_true", help="without the plain way")
    parser.add_argument("--golden", action="store_true", help="compare all golden numbers and stop")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("no NVIDIA GPU is here that PyTorch can use; leave --device out.")
    return args


if __name__ == "__main__":
    main()
