"""Scans to click in when settings of the engine are fitted: none of them is a test case.

They look as the scans do that readers open: voxels of about a millimetre with a scanner's noise, slices that
may be thick, and bodies that are real.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from SAMLesionLib.geometry import Affine
from SAMLesionLib.io.toml_tables import read_toml
from SAMLesionLib.training.config import read_config
from SAMLesionLib.training.samples import Sample
from SAMLesionLib.training.synthetic import SyntheticSettings
from SAMLesionLib.training.synthetic.appearance import grey_around, paint_lesion, thick_slices
from SAMLesionLib.training.synthetic.arrays import RealArrays
from SAMLesionLib.training.synthetic.fields import Draw, blur, cells, log_uniform, look_up, normals
from SAMLesionLib.training.synthetic.scans import LEAST_VISIBLE, visibility
from SAMLesionLib.training.synthetic.shapes import ShapeLibrary, place_shape
from SAMLesionLib.volume import Volume

RECIPE = Path("SAMLesionLib/training/recipes/sgp-sam-small.toml")
SIZE = 128
"""Voxels along each side of a scan with a lesion put into it."""

FINER = (1.3, 2.5)
"""Voxels of a scene in one of the arrays, along each axis: these are coarser than a scanner's."""

SEED = 77


class Scene(NamedTuple):
    """A scan with one meant lesion.

    Attributes:
        volume: the scan.
        lesion: (k, j, i), one connected region.
    """

    volume: Volume
    lesion: npt.NDArray[np.bool_]


def scenes(count: int, is_unseen: bool = False) -> Iterator[Scene]:
    """Random scans, always the same ones: large real lesions and small ones put into real bodies, in turn.

    Args:
        count: how many.
        is_unseen: of patients who chose the model's checkpoint, in place of those whom it learned from.
    """
    settings = read_config(read_toml(RECIPE, "the recipe is expected in the repository")).data
    assert isinstance(settings, SyntheticSettings), "the small model learns from synthetic scans"
    assert settings.arrays is not None, "and from real lesions"
    library = ShapeLibrary.read(settings.shapes, settings.leave_out)
    only, kept = settings.validation if is_unseen else (), () if is_unseen else settings.validation
    arrays = RealArrays.read(settings.arrays, SIZE, only, leave_out=(*settings.leave_out, *kept))
    for number in range(count):
        draw = np.random.default_rng((SEED, number))
        yield small_lesion(draw, arrays, library) if number % 2 else large_lesion(draw, arrays)


def large_lesion(draw: Draw, arrays: RealArrays) -> Scene:
    """A sarcoma, 30 to 220 mm long."""
    number = int(draw.integers(len(arrays.names)))
    finer = draw.uniform(*FINER)
    size = [round(finer * n) for n in arrays.images[number].shape]
    image, label = (
        F.interpolate(torch.from_numpy(a).float()[None, None], size=size, mode="trilinear")[0, 0]
        for a in (arrays.images[number] / np.float32(255), arrays.labels[number] > 0)
    )
    lesion = (label > 0.5).numpy()
    longest = np.ptp(np.argwhere(lesion), axis=0).max() + 1
    return _scene(_scanned(draw, image), lesion, log_uniform(draw, 30, 220) / longest)


def small_lesion(draw: Draw, arrays: RealArrays, library: ShapeLibrary) -> Scene:
    """A lesion of 5 to 70 mm that can be seen in a body in which it never was."""
    while True:
        number, finer, spacing_mm = (
            int(draw.integers(len(arrays.names))),
            draw.uniform(*FINER),
            draw.uniform(0.8, 1.4),
        )
        voxels, tumour = arrays.images[number], arrays.labels[number] > 0
        body = np.argwhere((voxels > np.median(voxels)) & ~tumour)
        middle = torch.from_numpy(body[draw.integers(len(body))].astype(np.float32))
        places = cells(SIZE) / finer + middle
        share = log_uniform(draw, 5, 70) / (SIZE * spacing_mm)
        centre = draw.uniform(-0.1, 0.1, 3) * SIZE
        lesion = place_shape(draw, library.masks[library.pick(draw)], SIZE, share, centre)
        beside = look_up(torch.from_numpy(tumour.astype(np.uint8)), places) < 0.5
        if not bool((lesion > 0.5).any()) or not bool(beside[lesion > 0].all()):
            continue
        image = look_up(torch.from_numpy(voxels), places) / 255
        around, spread = grey_around(image, lesion)
        contrast = log_uniform(draw, max(0.1, 0.4 * spread), max(0.5, 2 * spread)) * draw.choice((-1, 1))
        image = _scanned(draw, paint_lesion(draw, image, lesion, around, float(contrast)))
        sample = Sample(image.numpy(), (lesion > 0.5).numpy(), "")
        if visibility(sample) >= LEAST_VISIBLE:
            return _scene(image, sample.label, spacing_mm)


def _scanned(draw: Draw, image: Tensor) -> Tensor:
    """With the noise of a scanner, in thick slices more often than not, mostly along the first axis."""
    noise = normals(draw, *image.shape)
    if draw.random() < 0.5:
        noise = 1.5 * blur(noise, draw.uniform(0.3, 1.0))
    image = image + log_uniform(draw, 0.01, 0.1) * noise
    if draw.random() < 0.6:
        axis = int(draw.integers(3)) if draw.random() < 0.3 else 0
        image = thick_slices(image, axis, int(draw.integers(2, 5)))
    return image


def _scene(image: Tensor, label: npt.NDArray[np.bool_], spacing_mm: float) -> Scene:
    regions, _ = ndimage.label(label, np.ones((3, 3, 3)))
    largest = 1 + int(np.bincount(regions.ravel())[1:].argmax())
    return Scene(Volume((255 * image).numpy(), Affine.from_spacing((spacing_mm,) * 3)), regions == largest)
