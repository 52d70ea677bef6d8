"""How the look at a first click is chosen: fits the weights of `engine/first_look.py`, and what they gain.

    python -m benchmarks.first_look [--scenes N]

A click says where a lesion is and not how large, so the small model looks in cells of seven sizes and keeps
one answer. Here it clicks on scenes none of which is a test case: synthetic scans with a lesion of 5 to 175
mm in 100 to 350 mm, and the sarcomas that it was trained on. The weights make the mean Dice of the kept
answer as large as they can; half of the scenes fit and the other half judge them, then all fit the weights to
ship.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from SAMLesionLib.engine import Engine
from SAMLesionLib.engine.cube_answers import Question
from SAMLesionLib.engine.cube_masks import mask_of, meant_logits
from SAMLesionLib.engine.first_look import WEIGHTS, traits
from SAMLesionLib.geometry import Affine
from SAMLesionLib.io.toml_tables import read_toml
from SAMLesionLib.prompts import PointPrompt, PromptSet
from SAMLesionLib.training.config import read_config
from SAMLesionLib.training.samples import Sample
from SAMLesionLib.training.synthetic import SyntheticSettings
from SAMLesionLib.training.synthetic.anatomy import random_anatomy
from SAMLesionLib.training.synthetic.appearance import grey_around, paint_lesion, scan
from SAMLesionLib.training.synthetic.arrays import RealArrays
from SAMLesionLib.training.synthetic.fields import Draw, log_uniform
from SAMLesionLib.training.synthetic.scans import LEAST_VISIBLE, visibility
from SAMLesionLib.training.synthetic.shapes import ShapeLibrary, place_shape
from SAMLesionLib.volume import Volume

MODEL = "sgp-sam-small"
RECIPE = Path("SAMLesionLib/training/recipes/sgp-sam-small.toml")
SIZE = 128
"""Voxels along each side of a synthetic scene."""

REAL_SHARE = 0.4
SEED = 77


class Scene(NamedTuple):
    """A scan with one meant lesion.

    Attributes:
        volume: the scan.
        lesion: (k, j, i), one connected region.
    """

    volume: Volume
    lesion: npt.NDArray[np.bool_]


class Looks(NamedTuple):
    """What came of one click, for each size of cells.

    Attributes:
        traits: (looks, traits); zeros where nothing was found.
        dice: (looks,).
    """

    traits: npt.NDArray[np.float64]
    dice: npt.NDArray[np.float64]


def main() -> None:
    """Make scenes, click, fit, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200, metavar="N", help="scenes to click in [200]")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads [as many as cores]")
    options = parser.parse_args()
    engine = Engine(threads=options.threads)
    found = [click(engine, scene, n) for n, scene in enumerate(scenes(options.scenes))]
    fitting, judging = found[::2], found[1::2]
    weights = fit(fitting)
    print(f"{len(judging)} scenes that were not fitted to, mean Dice of the kept answer:")
    for name, kept in (("fitted", weights), ("as shipped", np.array(list(WEIGHTS.values())))):
        print(f"  {'weights ' + name:20}{mean_dice(judging, kept):.3f}")
    for name, alone in zip(WEIGHTS, np.diag(np.sign(weights)), strict=True):
        print(f"  {name + ' alone':20}{mean_dice(judging, alone):.3f}")
    print(f"  {'the best look':20}{np.mean([looks.dice.max() for looks in judging]):.3f}")
    print(f"  {'always one size':20}{np.mean([looks.dice for looks in judging], axis=0).max():.3f}")
    print("weights fitted to all:", dict(zip(WEIGHTS, np.round(fit(found), 2).tolist(), strict=True)))


def scenes(count: int) -> Iterator[Scene]:
    """Random scans, always the same ones."""
    settings = read_config(read_toml(RECIPE, "the recipe is expected in the repository")).data
    assert isinstance(settings, SyntheticSettings), "the small model learns from synthetic scans"
    assert settings.arrays is not None, "and from real lesions"
    library = ShapeLibrary.read(settings.shapes, settings.leave_out)
    arrays = RealArrays.read(settings.arrays, SIZE, leave_out=(*settings.leave_out, *settings.validation))
    for number in range(count):
        draw = np.random.default_rng((SEED, number))
        yield real_scene(draw, arrays) if draw.random() < REAL_SHARE else synthetic_scene(draw, library)


def real_scene(draw: Draw, arrays: RealArrays) -> Scene:
    """A sarcoma that the model has learned from, as large as any lesion of its kind."""
    number = int(draw.integers(len(arrays.names)))
    label = arrays.labels[number] > 0
    longest = np.ptp(np.argwhere(label), axis=0).max() + 1
    return _scene(arrays.images[number], label, log_uniform(draw, 40, 220) / longest)


def synthetic_scene(draw: Draw, library: ShapeLibrary) -> Scene:
    """A lesion that can be seen in a body that never was."""
    while True:
        side_mm = log_uniform(draw, 100, 350)
        share = log_uniform(draw, 5, 0.5 * side_mm) / side_mm
        centre = draw.uniform(-0.25, 0.25, 3) * SIZE
        lesion = place_shape(draw, library.masks[library.pick(draw)], SIZE, share, centre)
        if not bool((lesion > 0.5).any()):
            continue
        image = random_anatomy(draw, SIZE)
        around, spread = grey_around(image, lesion)
        contrast = log_uniform(draw, max(0.1, 0.4 * spread), max(0.5, 2 * spread)) * draw.choice((-1, 1))
        image, lesion = scan(draw, paint_lesion(draw, image, lesion, around, float(contrast)), lesion)
        sample = Sample(image.numpy(), (lesion > 0.5).numpy(), "")
        if visibility(sample) >= LEAST_VISIBLE:
            return _scene(sample.image, sample.label, side_mm / SIZE)


def _scene(image: npt.NDArray[np.generic], label: npt.NDArray[np.bool_], spacing_mm: float) -> Scene:
    regions, _ = ndimage.label(label, np.ones((3, 3, 3)))
    largest = 1 + int(np.bincount(regions.ravel())[1:].argmax())
    return Scene(Volume(image.astype(np.float32), Affine.from_spacing((spacing_mm,) * 3)), regions == largest)


def click(engine: Engine, scene: Scene, number: int) -> Looks:
    """Click anywhere in the lesion."""
    inside = np.argwhere(scene.lesion)
    k, j, i = (float(n) for n in inside[np.random.default_rng(number).integers(len(inside))])
    predictor = engine.volume_predictor(MODEL)
    prompt = PointPrompt((i, j, k))
    prompts = PromptSet((prompt,))
    seen, dice = [], []
    for look in Question(predictor, scene.volume, prompts, None).looks():
        logits = meant_logits(look, prompts, scene.volume)
        told = traits(logits, predictor.embed(scene.volume, look.frame, None).grey)
        seen.append([told.get(name, 0.0) for name in WEIGHTS])
        found = mask_of(look, prompts, scene.volume)
        common = scene.lesion[found.block.slices_kji()] & found.mask
        dice.append(2 * float(common.sum()) / float(found.mask.sum() + scene.lesion.sum()))
    return Looks(np.array(seen), np.array(dice))


def fit(found: list[Looks], decay: float = 0.02) -> npt.NDArray[np.float64]:
    """The weights with the largest mean Dice, each look kept with the probability that a softmax gives it."""
    values = torch.tensor(np.stack([looks.traits for looks in found]))
    dice = torch.tensor(np.stack([looks.dice for looks in found]))
    spread = values.flatten(0, 1).std(dim=0)
    weights = torch.zeros(len(WEIGHTS), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=300)

    def loss() -> float:
        optimizer.zero_grad()
        kept = ((values / spread) @ weights).softmax(dim=1)
        regret = -(kept * dice).sum(dim=1).mean() + decay * weights.square().sum()
        regret.backward()
        return regret.item()

    optimizer.step(loss)
    return (weights.detach() / spread).numpy()


def mean_dice(found: list[Looks], weights: npt.NDArray[np.float64]) -> float:
    """Of the answers that these weights keep."""
    return float(np.mean([looks.dice[int(np.argmax(looks.traits @ weights))] for looks in found]))


if __name__ == "__main__":
    main()
