"""A lesion from points in one cube, and the organ around it: one look, one answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from SAMLesionLib.engine.crop_predictor import CropEmbedding, CropPredictor
from SAMLesionLib.engine.crops import crop_around, crop_notices
from SAMLesionLib.engine.cubes import lesion_block, reaches_side
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.imaging import Window
from SAMLesionLib.masks import MaskUpdate
from SAMLesionLib.prompts import PointPrompt, PromptSet
from SAMLesionLib.volume import Volume


def segment_crop(
    predictor: CropPredictor, volume: Volume, prompts: PromptSet, window: Window | None, notices: list[str]
) -> Iterator[MaskUpdate]:
    """The lesion's mask: where its probability, on the scan's voxels, is more than a half.

    Args:
        predictor: the model.
        volume: the scan.
        prompts: on the image, and accepted by `check_crop_prompts`.
        window: grey values between which the model sees, None for the organ's own.
        notices: what the reader should know of the answer is added here.

    Yields:
        Updates with nothing in them while the cube is encoded, then the mask.
    """
    frame = crop_around(prompts.of(PointPrompt), volume, predictor.recipe, predictor.size)
    notices += crop_notices(prompts, volume, predictor.card, frame)
    click = IndexBox.around(prompts.of(PointPrompt)[0].point_ijk)
    nothing = np.zeros((1, 1, 1), bool)
    embedding: CropEmbedding | None = None
    for step in predictor.embed(volume, frame, prompts, window):
        if isinstance(step, float):
            yield MaskUpdate(click, nothing, 0.9 * step)
        else:
            embedding = step
    assert embedding is not None, "the last step is the embedding"
    above_half = predictor.probability(embedding, frame, prompts) - np.float32(0.5)
    if reaches_side(above_half > 0, frame, volume):
        notices.append(
            f"The lesion reaches the side of the {frame.side_mm:.0f} mm cube that {predictor.card.title} "
            "sees; what lies beyond is missing."
        )
    block = lesion_block(frame, above_half, volume)
    if block is None:
        yield MaskUpdate(click, nothing)
    else:
        yield MaskUpdate(block, frame.voxels(above_half, block) > 0)
