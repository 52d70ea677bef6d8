"""What a reader waits for, and how much memory it takes, when clicking in 3D on a scan of 512 x 512 x 600.

Random weights: all of the network is computed, and then its answer replaced by a ball around the first
click, so that the mask is as large as a lesion. The time is that of the whole request: cutting out the cube,
its intensities, the network, and the mask on the scan's voxels.

    python benchmarks/click_3d.py [--model NAME] [--threads N] [--radius MM] [--busy N]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import as_in_the_engine  # noqa: F401
import numpy as np
import torch
from torch import Tensor

from SAMLesionLib import Affine, PointPrompt, PromptSet, SegmentRequest, Volume, collect
from SAMLesionLib.engine import Engine
from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.models.registry import find
from SAMLesionLib.models.weights import LoadedModel

CLICKS = [
    PointPrompt((250, 260, 300)),
    PointPrompt((255, 255, 303)),
    PointPrompt((280, 290, 296), is_positive=False),
]


def main() -> None:
    """Measure, alone or beside other programs."""
    args = _arguments()
    with busy(args.busy):
        measure(args)


def measure(args: argparse.Namespace) -> None:
    """Click a few times, print."""
    cube = find(args.model).cube
    assert cube is not None
    load = partial(with_random_weights, radius=args.radius / cube.spacing_mm)
    engine = Engine("cpu", "float32", threads=args.threads, load=load)
    engine.volume_predictor(args.model)
    program_mb = _peak_mb()
    volume = a_scan()
    volume_id = engine.load_volume(volume)
    loaded_mb = _peak_mb()
    print(f"{args.model}: program and model {program_mb:.0f} MB, with the scan {loaded_mb:.0f} MB")
    for n in range(1, len(CLICKS) + 1):
        request = SegmentRequest(volume_id, args.model, PromptSet(tuple(CLICKS[:n])))
        start = perf_counter()
        updates = list(engine.segment(request))
        ms = (perf_counter() - start) * 1e3
        report = updates[-1].report
        assert report is not None
        print(f"click {n}: {ms:7.0f} ms, {report.n_encoded} cubes encoded, peak {_peak_mb():.0f} MB")
    mask, _ = collect(updates, volume.shape_ijk)
    print(f"the mask has {mask.sum() * volume.affine.voxel_ml:.0f} ml")


@contextmanager
def busy(n_programs: int) -> Iterator[None]:
    """Other programs at work, each on as much of a core as it gets."""
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n_programs)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()


def with_random_weights(card: ModelCard, radius: float) -> LoadedModel:
    """The network of a model as it is before training, and a ball of so many cells as its answer."""
    network = card.build().eval()
    decode = network.decode

    def as_ball(encoded: Any, points: Tensor, *prompts: Any) -> tuple[Tensor, Tensor]:
        logits, iou = decode(encoded, points, *prompts)
        n, size = network.mask_size, network.image_size
        cells = (
            torch.stack(torch.meshgrid(*[torch.arange(n)] * 3, indexing="ij"), -1) + 0.5
        ) * size / n - 0.5
        away = (cells - points[0, 0]).norm(dim=-1)
        return (radius - away).expand_as(logits), iou

    network.decode = as_ball
    return LoadedModel(network, "random", Path("random"))


def a_scan() -> Volume:
    """Noise in 512 x 512 x 600 voxels of 16 bits, 0.8 x 0.8 x 1 mm."""
    plane = np.random.default_rng(0).integers(-200, 300, (512, 512), dtype=np.int16)
    voxels = np.stack([np.roll(plane, 7 * k, axis=k % 2) for k in range(600)])
    return Volume(voxels, Affine.from_spacing((0.8, 0.8, 1.0)), "noise", "CT")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="sgp-sam-small", help="default sgp-sam-small")
    parser.add_argument("--radius", type=float, default=15.0, help="of the ball, in mm; default 15")
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="other programs at work; default 0")
    args = parser.parse_args()
    if find(args.model).cube is None:
        parser.error(f"{args.model} is a model of slices; choose a 3D one")
    return args


if __name__ == "__main__":
    main()
