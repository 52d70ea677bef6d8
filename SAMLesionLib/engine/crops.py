"""Where a model looks that looks once: at one cube around all points, on whole cells of the scan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from SAMLesionLib.engine.cubes import is_in
from SAMLesionLib.errors import PromptError
from SAMLesionLib.imaging import PatchFrame
from SAMLesionLib.models.cards import CropRecipe, ModelCard
from SAMLesionLib.prompts import OrganMaskPrompt, OrganPrompt, PointPrompt, PromptSet
from SAMLesionLib.volume import Volume

CROP_KINDS = frozenset({OrganMaskPrompt.kind, OrganPrompt.kind, PointPrompt.kind})
"""What a question about a crop can be made of."""


def crop_around(points: Sequence[PointPrompt], volume: Volume, recipe: CropRecipe, size: int) -> PatchFrame:
    """The cube of `size` cells for some points.

    Its middle is the middle of the points' bounding box, cut down to a whole cell (TAGS, released code). A
    point that was added later and lies well inside leaves the cube where it is, so that what was computed of
    it serves again; `recipe.steady_mm` says how well. Only the points decide, never what was computed before.
    """
    cell_ijk = recipe.spacing_mm / np.array(volume.affine.spacing_mm)
    cells = np.floor((np.array([point.point_ijk for point in points]) + 0.5) / cell_ijk)
    middle = cells[0]
    for n, cell in enumerate(cells, start=1):
        if np.abs(cell - middle).max() * recipe.spacing_mm > recipe.steady_mm:
            middle = (cells[:n].min(axis=0) + cells[:n].max(axis=0)) // 2
    return PatchFrame.around(middle * cell_ijk - 0.5, volume.affine, recipe.spacing_mm, size)


def check_crop_prompts(prompts: PromptSet, volume: Volume) -> None:
    """Refuse prompts that make no lesion.

    Raises:
        PromptError: when there is no point, more than one organ, or the organ's mask lies off the image.
    """
    if not prompts.of(PointPrompt):
        raise PromptError("A lesion needs a point on it; got only the organ around it. Click on the lesion.")
    words = sorted({prompt.word for prompt in prompts.of(OrganPrompt)})
    n_masks = len(prompts.of(OrganMaskPrompt))
    if len(words) > 1 or n_masks > 1:
        got = f"the words {' and '.join(words)}" if len(words) > 1 else f"{n_masks} masks"
        raise PromptError(f"A lesion lies in one organ, got {got}. Keep one of them.")
    for organ in prompts.of(OrganMaskPrompt):
        seen = organ.box.intersect(volume.block)
        i, j, k = organ.box.start_ijk
        if not organ.mask[seen.shift((-i, -j, -k)).slices_kji()].any():
            raise PromptError(
                f"The organ's mask has no voxel on {volume.name}. Choose a segment that lies on the image."
            )


def crop_notices(prompts: PromptSet, volume: Volume, card: ModelCard, frame: PatchFrame) -> tuple[str, ...]:
    """What a reader should know before the answer; a sentence each."""
    recipe, points = card.crop, prompts.of(PointPrompt)
    assert recipe is not None, "this card looks once"
    notices = []
    if len(points) > recipe.most_points:
        notices.append(
            f"{card.title} was trained with at most {recipe.most_points} points, got {len(points)}; more may "
            "not help."
        )
    far = [point for point in points if not is_in(frame, point)]
    if far:
        notices.append(
            f"The points lie farther apart than the {frame.side_mm:.0f} mm that {card.title} sees at once, "
            f"so {len(far)} of {len(points)} were not used."
        )
    for organ in prompts.of(OrganMaskPrompt):
        beside = sum(not _is_on(organ, point) for point in points)
        if beside:
            notices.append(f"{beside} of {len(points)} points lie outside the organ's mask.")
    for prompt in prompts.of(OrganPrompt):
        if recipe.organs and prompt.word not in recipe.organs:
            notices.append(
                f"{card.title} was not trained for the organ {prompt.word}, only for "
                f"{', '.join(recipe.organs)}; expect less."
            )
    sides_mm = np.multiply(volume.shape_ijk, volume.affine.spacing_mm)
    if (sides_mm < frame.side_mm).any():
        size = " x ".join(f"{side:.0f}" for side in sides_mm)
        notices.append(
            f"{volume.name[:200]} ({size} mm) is smaller than the {frame.side_mm:.0f} mm cube that "
            f"{card.title} sees; the rest is empty."
        )
    return tuple(notices)


def organ_word(prompts: PromptSet) -> str | None:
    """The organ's word, None when nobody said."""
    words = prompts.of(OrganPrompt)
    return words[-1].word if words else None


def _is_on(organ: OrganMaskPrompt, point: PointPrompt) -> bool:
    if not organ.box.contains(point.point_ijk):
        return False
    i, j, k = np.floor(np.subtract(point.point_ijk, organ.box.start_ijk) + 0.5).astype(int)
    return bool(organ.mask[k, j, i])
