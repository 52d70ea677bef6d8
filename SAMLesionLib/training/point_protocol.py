"""TAGS's test: a few points on a tumour, one cube around them, and the whole scan scored.

Li et al., TAGS (arXiv 2505.17096), released code: points are drawn with replacement from the tumour's cells,
the cube's middle is that of their bounding box, the rest of the scan is background, and Dice and NSD at 5 mm
are measured on the scan's own grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from SAMLesionLib.errors import InputError
from SAMLesionLib.imaging import is_ct
from SAMLesionLib.metrics import dice, nsd
from SAMLesionLib.models.tags import Tags
from SAMLesionLib.training.arithmetic import choose_arithmetic
from SAMLesionLib.training.batches import batch_of
from SAMLesionLib.training.config import TrainingConfig
from SAMLesionLib.training.organ_cases import CUT, OrganScan
from SAMLesionLib.training.organ_crops import Ints, cut_cubes, look_from
from SAMLesionLib.training.organ_source import OrganSettings
from SAMLesionLib.training.point_round import three_channels
from SAMLesionLib.training.samples import Bools, Floats, Sample
from SAMLesionLib.training.team import Team

TOLERANCE_MM = 5.0
SEED = 2
N_POINTS = 3
"""Of the published test; without any point, the cube is still the one around these."""


class PointScores(NamedTuple):
    """What was found on every test case.

    Attributes:
        names: of the cases.
        dice: for each number of points, N x numbers.
        nsd: normalised surface Dice at `TOLERANCE_MM`, N x numbers.
    """

    names: tuple[str, ...]
    dice: Tensor
    nsd: Tensor


def point_scores(network: Tags, config: TrainingConfig, counts: Sequence[int], team: Team) -> PointScores:
    """Test a network on the cases that its run kept for that.

    Args:
        network: with the weights to test; is moved to the run's device.
        config: of the run; `validation.points.organ` above 0 gives the organ's mask.
        counts: numbers of points.
        team: the processes that share the cases.

    Raises:
        InputError: when the data cannot be used.
    """
    data = config.data
    assert isinstance(data, OrganSettings), "a recipe for points learns from organs of a data set"
    arithmetic = choose_arithmetic(config, team.local_rank)
    network.to(arithmetic.device).eval()
    reader = data.reader()
    names = data.names(reader, "test")
    rows = []
    for number in range(team.rank, len(names), team.size):
        scan = reader.read(names[number])
        with torch.inference_mode(), arithmetic.autocast():
            masks = point_masks(network, scan, config, counts, number)
            found = [_measured(scan, mask) for mask in masks]
        if found:
            rows.append((number, names[number], *zip(*found, strict=True)))
    rows = sorted(team.gather(rows))
    if not rows:
        raise InputError(f"None of {len(names)} test cases has a tumour. Check data.label.")
    _, tested, dices, nsds = zip(*rows, strict=True)
    return PointScores(tested, torch.tensor(dices), torch.tensor(nsds))


def point_masks(
    network: Tags, scan: OrganScan, config: TrainingConfig, counts: Sequence[int], number: int
) -> Iterator[Bools]:
    """The answers to the first so many of a case's points, (k, j, i) on the scan's grid; none without tumour.

    Args:
        network: in eval mode, on its device.
        scan: the case.
        config: see `point_scores`.
        counts: numbers of points.
        number: of the case, for its points: they do not depend on the cases before.
    """
    data, size = config.data, network.image_size
    assert isinstance(data, OrganSettings)
    device = next(network.parameters()).device
    grid, scale = scan.grid(data.spacing_mm), data.scale(is_ct(scan.volume))
    tumour = grid.nearest(scan.tumour)
    if not tumour.any():
        return
    image, organ = grid.cells(scan.volume.voxels), grid.cells(scan.organ) > CUT
    places = drawn_places(tumour, max(*counts, N_POINTS), number)
    for count in counts:
        start = cube_start(places[: count or N_POINTS], size)
        grey, share = cut_cubes(image, (organ,), look_from(start, size), size, scale)
        batch = batch_of([Sample(grey, share > CUT, "", share > CUT)], 0).to(device)
        with_organ = float(config.validation.points.organ > 0)
        channels = three_channels(batch, torch.Generator(), with_organ)
        points = torch.from_numpy(places[:count] - start).float().to(device)
        logits = network.decode(network.encode(channels), points[None])
        probability = logits.float().softmax(dim=1)[0, 1].cpu().numpy()
        yield grid.voxels(pasted(probability, start, grid.shape)) > CUT


def drawn_places(tumour: Bools, n: int, number: int) -> Ints:
    """The points of a case: cells of the tumour, with replacement, n x 3; the first ones are always the same.

    Args:
        tumour: in cells (d, h, w).
        n: how many.
        number: of the case.
    """
    cells = np.argwhere(tumour)
    draw = np.random.default_rng((SEED, number))
    return np.array([cells[draw.integers(len(cells))] for _ in range(n)])


def cube_start(places: Ints, size: int) -> Ints:
    """The first cell of the cube in whose middle the bounding box of some cells, N x 3, has its own."""
    return (places.min(axis=0) + places.max(axis=0)) // 2 - size // 2


def pasted(cube: Floats, start: Ints, shape: Sequence[int]) -> Floats:
    """A scan of this shape (d, h, w) that is zero but for what a cube has on it."""
    whole = np.zeros(tuple(shape), np.float32)
    low = np.clip(start, 0, shape)
    high = np.clip(start + np.array(cube.shape), 0, shape)
    target = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    whole[target] = cube[tuple(slice(a, b) for a, b in zip(low - start, high - start, strict=True))]
    return whole


def _measured(scan: OrganScan, mask: npt.NDArray[np.bool_]) -> tuple[float, float]:
    affine = scan.volume.affine
    return dice(scan.tumour, mask), nsd(scan.tumour, mask, affine, TOLERANCE_MM)
