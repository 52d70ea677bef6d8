"""A first question before the clock runs: it loads the weights and wakes the device."""

from __future__ import annotations

import logging

import numpy as np

from SAMLesionLib.errors import UnknownModel, WeightsError
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.prompts import BoxPrompt, PointPrompt, PromptSet
from SAMLesionLib.protocol import ModelInfo, Segmenter, SegmentRequest
from SAMLesionLib.volume import Volume

logger = logging.getLogger(__name__)

SHAPE_KJI = (5, 48, 48)
BALL = IndexBox((18, 18, 2), (30, 30, 4))


def warm_up(segmenter: Segmenter, info: ModelInfo) -> None:
    """Ask about a bright cube in noise.

    What goes wrong here is left to the first case to tell.

    Raises:
        UnknownModel: when there is no such model.
        WeightsError: when its weights cannot be used.
    """
    voxels = np.random.default_rng(0).integers(0, 50, SHAPE_KJI, dtype=np.int16)
    voxels[BALL.slices_kji()] += 150
    volume = Volume(voxels, Affine.from_spacing((1.0, 1.0, 3.0)), "warm-up")
    is_boxed = BoxPrompt.kind in info.prompts
    prompt = BoxPrompt(BALL.grow((2, 2, 0))) if is_boxed else PointPrompt(BALL.centre_ijk)
    try:
        volume_id = segmenter.load_volume(volume)
        for _ in segmenter.segment(SegmentRequest(volume_id, info.name, PromptSet((prompt,)))):
            pass
        segmenter.unload_volume(volume_id)
    except (UnknownModel, WeightsError):
        raise
    except Exception:  # a model may refuse such a small scan
        logger.info("%s could not be warmed up", info.name, exc_info=True)
