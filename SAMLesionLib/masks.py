"""What comes back: blocks of mask voxels that replace one another until the mask is whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from SAMLesionLib.geometry import IndexBox, Triple


@dataclass(frozen=True)
class RunReport:
    """How a mask was made: enough to repeat it and to account for the time.

    Attributes:
        model: name of the model.
        weights_sha256: hash of the weights file.
        device: "cpu", "cuda:0", "mps"; "cpu, OpenVINO" where that runtime computed.
        precision: arithmetic of the image encoder, "float32" or "bfloat16".
        version: version of this library.
        encode_s: seconds spent on image embeddings (0 when all were cached).
        decode_s: seconds spent on everything after them.
        n_encoded: how many embeddings had to be computed.
    """

    model: str
    weights_sha256: str
    device: str
    precision: str
    version: str
    encode_s: float
    decode_s: float
    n_encoded: int


@dataclass(frozen=True, eq=False)
class MaskUpdate:
    """The newest voxels of one block; they replace what was there, the rest stays as it was.

    Attributes:
        block: the block of voxels that changed.
        mask: (k, j, i) booleans that fill the block, read-only.
        fraction: how much of the work is done, 0 to 1.
        report: how the mask was made; only on the last update.
    """

    block: IndexBox
    mask: npt.NDArray[np.bool_]
    fraction: float = 1.0
    report: RunReport | None = None

    def __post_init__(self) -> None:
        if self.mask.shape != self.block.shape_kji:
            raise ValueError(f"mask {self.mask.shape} must fill the block {self.block.shape_kji} (k, j, i)")
        view = np.asarray(self.mask, dtype=bool).view()
        view.setflags(write=False)
        object.__setattr__(self, "mask", view)

    @property
    def is_last(self) -> bool:
        """Whether this update completes the answer."""
        return self.report is not None

    def paste(self, target_kji: npt.NDArray[np.bool_]) -> None:
        """Write the block into a whole-grid mask, in place."""
        target_kji[self.block.slices_kji()] = self.mask


def pack_bits(mask_kji: npt.NDArray[np.bool_]) -> bytes:
    """The mask as deflated bits in C order; `prompts.unpack_bits` reads it back."""
    # Level 1: masks are almost all zeros or ones, so a higher level costs time and wins nothing.
    return zlib.compress(np.packbits(mask_kji).tobytes(), level=1)


def collect(
    updates: Iterable[MaskUpdate], shape_ijk: Triple
) -> tuple[npt.NDArray[np.bool_], RunReport | None]:
    """Follow a stream to its end.

    Args:
        updates: the answer of a `Segmenter`.
        shape_ijk: size of the volume.

    Returns:
        The whole-grid mask (k, j, i) and the report of the last update.
    """
    mask = np.zeros(shape_ijk[::-1], dtype=bool)
    report = None
    for update in updates:
        update.paste(mask)
        report = update.report
    return mask, report
