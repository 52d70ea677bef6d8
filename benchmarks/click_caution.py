"""How cautious the small model should be where clicks alone say what is meant (`CubeRecipe.caution`).

A reader clicks three times, first anywhere in the lesion and then anywhere in the error, in scans of patients
whom the model has not learned from; none is a test case.

    python benchmarks/click_caution.py [--scenes N] [--threads N]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from click_scenes import Scene, scenes

from SAMLesionLib import PointPrompt, PromptSet, SegmentRequest, collect
from SAMLesionLib.engine import Engine
from SAMLesionLib.metrics import dice
from SAMLesionLib.models.registry import find

MODEL = "sgp-sam-small"
CAUTIONS = (0.0, 0.5, 0.75, 1.0, 2.0)
CLICKS = 3


def main() -> None:
    """Click in every scene with every caution, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scenes", type=int, default=60, metavar="N", help="scans to click in [60]")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads [as many as cores]")
    options = parser.parse_args()
    chosen = list(scenes(options.scenes, is_unseen=True))
    print(f"{len(chosen)} scenes; mean Dice after 1 to {CLICKS} clicks, large and small lesions:")
    for caution in CAUTIONS:
        engine = cautious(caution, options.threads)
        found = np.array([reader(engine, scene, n) for n, scene in enumerate(chosen)])
        for name, part in (("all", found), ("large", found[::2]), ("small", found[1::2])):
            means = " ".join(f"{value:.3f}" for value in part.mean(axis=0))
            print(f"  caution {caution}  {name:6} {means}")


def cautious(caution: float, threads: int | None) -> Engine:
    """An engine whose only model has this caution."""
    card = find(MODEL)
    assert card.cube is not None, "it is a 3D model"
    changed = replace(card, cube=replace(card.cube, caution=caution))
    return Engine("cpu", threads=threads, models=MappingProxyType({MODEL: changed}))


def reader(engine: Engine, scene: Scene, number: int) -> list[float]:
    """Dice after each click."""
    rng = np.random.default_rng(number)
    volume_id = engine.load_volume(scene.volume)
    wrong, clicks, scores = scene.lesion, [], []
    for _ in range(CLICKS):
        places = np.argwhere(wrong)
        k, j, i = places[rng.integers(len(places))]
        clicks.append(PointPrompt((float(i), float(j), float(k)), bool(scene.lesion[k, j, i])))
        request = SegmentRequest(volume_id, MODEL, PromptSet(tuple(clicks)))
        found, _ = collect(engine.segment(request), scene.volume.shape_ijk)
        scores.append(dice(scene.lesion, found))
        wrong = found != scene.lesion
    engine.unload_volume(volume_id)
    return scores


if __name__ == "__main__":
    main()
