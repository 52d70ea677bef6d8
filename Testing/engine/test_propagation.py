from __future__ import annotations

import numpy as np
from engine_cases import a_volume

from SAMLesionLib.engine.plans import plan_slices
from SAMLesionLib.engine.propagation import _closer_plan
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.prompts import BoxPrompt, PromptSet

CUBES = a_volume((40, 40, 40), Affine.from_spacing((1, 1, 1)))


def test_a_loose_box_is_looked_at_again_with_one_that_fits() -> None:
    plan = plan_slices(PromptSet((BoxPrompt(IndexBox((4, 4, 2), (34, 34, 18))),)), CUBES)
    mask = np.zeros(plan.block.shape_kji, bool)
    mask[5:9, 10:20, 8:20] = True
    closer = _closer_plan(plan, mask)
    assert closer is not None
    assert closer.block == IndexBox((11, 13, 6), (25, 25, 12))
    mask[:, 2:-2, 2:-2] = True
    assert _closer_plan(plan, mask) is None
