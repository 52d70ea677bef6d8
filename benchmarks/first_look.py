"""How the look at a first click is chosen: fits the weights of `engine/first_look.py`, and what they gain.

    python benchmarks/first_look.py [--scenes N]

A click says where a lesion is and not how large, so the small model looks in cells of four sizes and chooses.
Here it clicks on scenes none of which is a test case: the sarcomas that it was trained on, and
small lesions put into those patients' bodies (`click_scenes.py`). The weights make the mean Dice of the kept
answer as large as they can; half of the scenes fit and the other half judge them, then all fit the weights to
ship.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from click_scenes import Scene, scenes

from SAMLesionLib.engine import Engine
from SAMLesionLib.engine.click_answers import answer_click, looks
from SAMLesionLib.engine.cube_masks import mask_of, meant_logits
from SAMLesionLib.engine.cube_question import Question
from SAMLesionLib.engine.first_look import WEIGHTS, traits
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.prompts import PointPrompt, PromptSet

MODEL = "sgp-sam-small"


class Looks(NamedTuple):
    """What came of one click, for each size of cells.

    Attributes:
        traits: (looks, traits); zeros where nothing was found.
        dice: (looks,).
        kept: Dice of the engine's answer, which looks once more around what the two best have found.
    """

    traits: npt.NDArray[np.float64]
    dice: npt.NDArray[np.float64]
    kept: float


def main() -> None:
    """Make scenes, click, fit, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200, metavar="N", help="scenes to click in [200]")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads [as many as cores]")
    options = parser.parse_args()
    engine = Engine(threads=options.threads)
    found = [click(engine, scene, n) for n, scene in enumerate(scenes(options.scenes))]
    # Scenes come in pairs of a large lesion and a small one.
    fitting, judging = ([looks for n, looks in enumerate(found) if n // 2 % 2 == part] for part in (0, 1))
    weights = fit(fitting)
    print(f"{len(judging)} scenes that were not fitted to, mean Dice of the kept answer:")
    for name, kept in (("fitted", weights), ("as shipped", np.array(list(WEIGHTS.values())))):
        print(f"  {'weights ' + name:20}{mean_dice(judging, kept):.3f}")
    for name, alone in zip(WEIGHTS, np.diag(np.sign(weights)), strict=True):
        print(f"  {name + ' alone':20}{mean_dice(judging, alone):.3f}")
    print(f"  {'as shipped, centred':20}{np.mean([looks.kept for looks in judging]):.3f}")
    print(f"  {'the best look':20}{np.mean([looks.dice.max() for looks in judging]):.3f}")
    print(f"  {'always one size':20}{np.mean([looks.dice for looks in judging], axis=0).max():.3f}")
    print("weights fitted to all:", dict(zip(WEIGHTS, np.round(fit(found), 2).tolist(), strict=True)))


def click(engine: Engine, scene: Scene, number: int) -> Looks:
    """Click anywhere in the lesion."""
    inside = np.argwhere(scene.lesion)
    k, j, i = (float(n) for n in inside[np.random.default_rng(number).integers(len(inside))])
    predictor = engine.volume_predictor(MODEL)
    prompt = PointPrompt((i, j, k))
    prompts = PromptSet((prompt,))
    ask = Question(predictor, scene.volume, prompts, None)
    seen, dice = [], []
    for look in looks(ask):
        logits = meant_logits(look, prompts, scene.volume)
        told = traits(logits, predictor.embed(scene.volume, look.frame, None).grey)
        seen.append([told.get(name, 0.0) for name in WEIGHTS])
        dice.append(dice_of(mask_of(look, prompts, scene.volume), scene))
    *_, kept = answer_click(ask, prompt, None)
    return Looks(np.array(seen), np.array(dice), dice_of(mask_of(kept, prompts, scene.volume), scene))


def dice_of(found: MaskUpdate, scene: Scene) -> float:
    """Dice of an answer."""
    common = scene.lesion[found.block.slices_kji()] & found.mask
    return 2 * float(common.sum()) / float(found.mask.sum() + scene.lesion.sum())


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
