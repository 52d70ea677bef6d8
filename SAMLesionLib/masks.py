"""What comes back: blocks of mask voxels that replace one another until the mask is whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import PromptError
from SAMLesionLib.geometry import IndexBox, Triple

MAX_MASK_VOXELS = 2**31
"""A mask may unpack to no more than this, so that a few bytes cannot fill the memory."""


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
        notices: what the reader should know of it, such as a box cut at the image's border; a sentence each.
    """

    model: str
    weights_sha256: str
    device: str
    precision: str
    version: str
    encode_s: float
    decode_s: float
    n_encoded: int
    notices: tuple[str, ...] = ()


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
    """The mask as deflated bits in C order; `unpack_bits` reads it back."""
    # Level 1: masks are almost all zeros or ones, so a higher level costs time and wins nothing.
    return zlib.compress(np.packbits(mask_kji).tobytes(), level=1)


def unpack_bits(data: bytes, shape_kji: Triple) -> npt.NDArray[np.bool_]:
    """The (k, j, i) mask whose bits were packed in C order and deflated.

    Raises:
        PromptError: when the data does not unpack to exactly this shape.
    """
    n_voxels = int(np.prod(shape_kji, dtype=np.int64))
    if not 0 < n_voxels <= MAX_MASK_VOXELS:
        raise PromptError(f"A mask block holds between 1 and {MAX_MASK_VOXELS:,} voxels, got {n_voxels:,}.")
    n_bytes = (n_voxels + 7) // 8
    inflate = zlib.decompressobj()
    try:
        bits = inflate.decompress(data, n_bytes + 1)
    except zlib.error as broken:
        raise PromptError(f"A mask's voxels are damaged ({broken}). Send the mask again.") from None
    if len(bits) != n_bytes or not inflate.eof:
        raise PromptError(
            f"A mask of {n_voxels:,} voxels needs {n_bytes:,} bytes of bits, got another count."
        )
    flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=n_voxels)
    return flat.astype(bool).reshape(shape_kji)


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
