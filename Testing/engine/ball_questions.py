"""A ball in noise, and prompts on it, that tests ask an engine about."""

from __future__ import annotations

import numpy as np
from cube_cases import a_ball

from SAMLesionLib.engine import Engine
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.masks import MaskUpdate, RunReport, collect
from SAMLesionLib.prompts import PointPrompt, PromptSet
from SAMLesionLib.protocol import SegmentRequest
from SAMLesionLib.volume import Volume

SHAPE = (40, 36, 30)
MIDDLE = (20.0, 18.0, 15.0)
VOLUME, BALL = a_ball(MIDDLE, 7, Affine.from_spacing((1, 1, 1)), SHAPE)
TIGHT = IndexBox.of_mask(BALL)
assert TIGHT is not None
ON, BESIDE = PointPrompt(MIDDLE), PointPrompt((20, 18, 27), is_positive=False)


def ask(engine: Engine, *prompts: object, volume: Volume = VOLUME, **words: object) -> list[MaskUpdate]:
    request = SegmentRequest(engine.load_volume(volume), "cubes", PromptSet(prompts), **words)
    return list(engine.segment(request))


def answer(engine: Engine, *prompts: object, volume: Volume = VOLUME, **words: object) -> np.ndarray:
    return collect(ask(engine, *prompts, volume=volume, **words), volume.shape_ijk)[0]


def report(engine: Engine, *prompts: object) -> RunReport:
    found = ask(engine, *prompts)[-1].report
    assert found is not None
    return found


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())
