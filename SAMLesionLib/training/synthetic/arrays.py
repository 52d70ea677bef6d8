"""Real lesions in compact arrays, seen in ever other cubes: turned, stretched, and in other greys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from SAMLesionLib.errors import InputError
from SAMLesionLib.imaging import robust_z
from SAMLesionLib.training.samples import Bools, Sample
from SAMLesionLib.training.synthetic.appearance import thick_slices
from SAMLesionLib.training.synthetic.fields import (
    Draw,
    blur,
    cells,
    log_uniform,
    look_up,
    normals,
    random_rotation,
)
from SAMLesionLib.training.synthetic.shapes import names_in, place_inside, read_arrays


@dataclass(frozen=True, eq=False)
class RealArrays:
    """Scans and expert masks of one folder, each in its own cubic voxels.

    Attributes:
        names: in order.
        images: each (D, H, W), uint8.
        labels: each (D, H, W), uint8, 1 in the lesion.
        size: cells along each side of a cube.
        framed_share: how many cubes lie around a lesion's box, as in `SyntheticScans`.
        organs: each (D, H, W), the organ that the lesion lies in; empty where nobody drew them.
        word: the organ's name.
    """

    names: tuple[str, ...]
    images: tuple[npt.NDArray[np.uint8], ...]
    labels: tuple[npt.NDArray[np.uint8], ...]
    size: int
    framed_share: float = 0.6
    organs: tuple[Bools, ...] = ()
    word: str = ""

    @classmethod
    def read(
        cls,
        folder: Path,
        size: int,
        only: Collection[str] = (),
        leave_out: Collection[str] = (),
        framed_share: float = 0.6,
    ) -> RealArrays:
        """The arrays of all `*.npz` of a folder: `NAME_image` and `NAME_label` for each case.

        Args:
            folder: where they lie.
            size: cells along each side of a cube.
            only: names to take; empty for all.
            leave_out: names that are kept for judging.
            framed_share: how many cubes lie around a lesion's box.

        Raises:
            InputError: when there are none, or one is no scan with a lesion.
        """
        names, images, labels = [], [], []
        for path in sorted(folder.glob("*.npz")):
            keys = names_in(path)
            for key in sorted(keys):
                case = key.removesuffix("_image")
                if case == key or case in leave_out or (only and case not in only):
                    continue
                if f"{case}_label" not in keys:
                    raise InputError(f"{path} has {key} and no {case}_label. Add the lesion's mask.")
                image, label = read_arrays(path, (key, f"{case}_label")).values()
                if image.ndim != 3 or image.shape != label.shape or not label.any():
                    raise InputError(
                        f"{path} must hold scans in 3D and a lesion in each, but {key} is {image.shape} and "
                        f"{case}_label {label.shape} with {np.count_nonzero(label)} voxels. Leave it out."
                    )
                names.append(f"{path.stem} {case}")
                images.append(image)
                labels.append(label)
        if not names:
            raise InputError(f"{folder} was expected to hold NAME_image and NAME_label in .npz files.")
        return cls(tuple(names), tuple(images), tuple(labels), size, framed_share)

    def sample(self, draw: Draw, changed: bool = True) -> Sample:
        """A new cube of a random scan.

        Args:
            draw: where chance comes from.
            changed: turned, stretched and in other greys; otherwise only the place of the cube is random.
        """
        number = int(draw.integers(len(self.names)))
        mask = torch.from_numpy(self.labels[number])
        places = self._places(draw, self.labels[number], changed)
        inside = look_up(mask, places) > 0.5
        voxels = torch.from_numpy(self.images[number])
        sizes = torch.tensor(voxels.shape)
        is_on = ((places >= -0.5) & (places <= sizes - 0.5)).all(dim=-1)
        image = look_up(voxels, places, "border") / 255.0
        if changed:
            image = _other_greys(draw, image)
        seen = robust_z(image.numpy(), is_on.numpy(), None)
        organ = (
            (look_up(torch.from_numpy(self.organs[number]), places) > 0.5).numpy() if self.organs else None
        )
        return Sample(seen, inside.numpy(), self.names[number], organ, self.word)

    def background(self, draw: Draw) -> Tensor:
        """Grey values from 0 to 1, (S, S, S), of a random part of a random scan: a body for other lesions."""
        number = int(draw.integers(len(self.names)))
        voxels = torch.from_numpy(self.images[number])
        body = np.argwhere(self.images[number] > np.median(self.images[number]))
        middle = body[draw.integers(len(body))] if len(body) else np.array(voxels.shape) / 2
        step = log_uniform(draw, 0.2, 1.0) * max(voxels.shape) / self.size
        matrix = random_rotation(draw, 180.0) * draw.uniform(0.85, 1.18, (1, 3)) * step
        turned = cells(self.size) @ torch.from_numpy(matrix.astype(np.float32)).T
        seen = look_up(voxels, turned + torch.from_numpy(middle.astype(np.float32)), "border") / 255.0
        return _other_greys(draw, seen)

    def _places(self, draw: Draw, label: npt.NDArray[np.uint8], changed: bool) -> Tensor:
        """The voxel place of each cell of a cube around the lesion."""
        inside = np.argwhere(label)
        low, high = inside.min(axis=0), inside.max(axis=0) + 1
        longest = float((high - low).max())
        if draw.random() < self.framed_share:
            share = draw.uniform(0.42, 0.6)
            middle = (low + high - 1) / 2 + draw.uniform(-0.5, 0.5, 3) * (0.6 - share) / share * longest
        else:
            share = log_uniform(draw, 0.15, 1.5)
            middle = place_inside(draw, label > 0)
        step = longest / (share * self.size)
        matrix = np.eye(3)
        if changed:
            matrix = random_rotation(draw, 25.0)[draw.permutation(3)] * draw.uniform(0.85, 1.18, (1, 3))
        turned = cells(self.size) @ torch.from_numpy((step * matrix).astype(np.float32)).T
        return turned + torch.from_numpy(middle.astype(np.float32))


def _other_greys(draw: Draw, image: Tensor) -> Tensor:
    """Another scanner's image of the same: gamma, blur, noise, thick slices, rarely a negative."""
    if draw.random() < 0.1:
        image = 1 - image
    if draw.random() < 0.6:
        image = image.clamp(0, 1) ** log_uniform(draw, 0.6, 1.7)
    if draw.random() < 0.3:
        image = blur(image, draw.uniform(0.3, 1.2))
    if draw.random() < 0.25:
        image = thick_slices(image, int(draw.integers(3)), int(draw.integers(2, 6)))
    if draw.random() < 0.5:
        image = image + log_uniform(draw, 0.003, 0.06) * normals(draw, *image.shape)
    return image
