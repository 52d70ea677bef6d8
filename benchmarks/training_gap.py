"""Whether the small model has learned its training data by heart: Dice from a tight box on scans that it has
learned from, that chose its checkpoint, and that it has never seen. All are sarcomas from the same archive.

    python benchmarks/training_gap.py [--samples N] [--threads N]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from SAMLesionLib.io.toml_tables import read_toml
from SAMLesionLib.models.registry import find
from SAMLesionLib.models.sam3d import Sam3D
from SAMLesionLib.models.weights import load
from SAMLesionLib.training.config import read_config
from SAMLesionLib.training.judging import dice
from SAMLesionLib.training.synthetic import SyntheticSettings
from SAMLesionLib.training.synthetic.arrays import RealArrays

MODEL, RECIPE = "sgp-sam-small", Path("SAMLesionLib/training/recipes/sgp-sam-small.toml")

BOX_ROUNDS = 2
"""How often the engine has a box answered."""

LEAST_CELLS = 50


def main() -> None:
    """Ask about each part, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=300, metavar="N", help="cubes of each part [300]")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), metavar="N")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = read_config(read_toml(RECIPE, "the recipe is expected in the repository")).data
    assert isinstance(settings, SyntheticSettings), "the small model learns from synthetic scans"
    assert settings.arrays is not None, "and from real lesions"
    card = find(MODEL)
    network = load(card).network.eval()
    assert isinstance(network, Sam3D), "it is a 3D model"
    kept = (*settings.leave_out, *settings.validation)
    parts = {"learned from": ((), kept), "validation": (settings.validation, ())}
    parts["never seen"] = (tuple(name for name in settings.leave_out if name.startswith("STS_")), ())
    for name, (only, leave_out) in parts.items():
        arrays = RealArrays.read(settings.arrays, card.image_size, only, leave_out, framed_share=1.0)
        found = scores(network, arrays, options.samples)
        print(f"{name:13} {len(found):3} scans, Dice {np.mean(list(found.values())):.3f}")


def scores(network: Sam3D, arrays: RealArrays, n_samples: int) -> dict[str, float]:
    """The mean Dice of each scan in cubes that hold its lesion whole."""
    found: dict[str, list[float]] = {}
    for n in range(n_samples):
        sample = arrays.sample(np.random.default_rng((1, n)), changed=False)
        inside = np.argwhere(sample.label)
        is_cut = len(inside) < LEAST_CELLS or inside.min() == 0 or inside.max() == len(sample.label) - 1
        if not is_cut:
            box = np.concatenate((inside.min(axis=0) - 0.5, inside.max(axis=0) + 0.5)).astype(np.float32)
            logits = answer(network, torch.from_numpy(sample.image), torch.from_numpy(box))
            label = torch.from_numpy(sample.label)
            found.setdefault(sample.name, []).append(float(dice(logits, label[None])))
    return {name: float(np.mean(values)) for name, values in found.items()}


@torch.inference_mode()
def answer(network: Sam3D, image: Tensor, box_dhw: Tensor) -> Tensor:
    """Logits (1, n, n, n) from a box, nothing outside of it."""
    encoded = network.encode(image[None, None])
    logits = torch.zeros(1, 1, *(network.mask_size,) * 3)
    for _ in range(BOX_ROUNDS):
        logits, _ = network.decode(encoded, boxes_dhw=box_dhw[None], mask_input=logits)
    low, high = (side.round().int().tolist() for side in (box_dhw[:3] + 0.5, box_dhw[3:] + 0.5))
    inside = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    kept = torch.full((1, *image.shape), -1.0)
    kept[(0, *inside)] = network.enlarge(logits)[(0, 0, *inside)]
    return kept


if __name__ == "__main__":
    main()
