"""The brain tumour that comes with the program: scan, expert's mask, and the boxes a reader drew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from SAMLesionLib.volume import Volume

if TYPE_CHECKING:
    from SAMLesionLib.io import LesionPrompts

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "pyradiomics_brain1"
"""A contrast-enhanced T1 MR with an expert's mask and two boxes; its README names source and licence."""


@dataclass(frozen=True, eq=False)
class Case:
    """The sample.

    Attributes:
        volume: the scan.
        expert: the expert's mask, (k, j, i).
        lesions: what a reader drew: one 3D box a lesion.
    """

    volume: Volume
    expert: npt.NDArray[np.bool_]
    lesions: tuple[LesionPrompts, ...]


def read_case() -> Case:
    """The sample from the installed package."""
    from SAMLesionLib.io import read_mask, read_prompts, read_volume

    volume = replace(read_volume(SAMPLE / "image.nrrd", "MR"), name="brain1")
    expert = read_mask(SAMPLE / "label.nrrd", volume)
    return Case(volume, expert, read_prompts(SAMPLE / "prompts.json", volume.affine))
