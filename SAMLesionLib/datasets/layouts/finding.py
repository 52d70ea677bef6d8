"""Which layout a data set has."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from SAMLesionLib.datasets.layouts import folder, kits, lits, msd, nnunet, table
from SAMLesionLib.datasets.layouts.listing import Listing
from SAMLesionLib.errors import InputError

LAYOUTS: dict[str, ModuleType] = {
    "csv": table,
    "nnunet": nnunet,
    "msd": msd,
    "kits": kits,
    "lits": lits,
    "folder": folder,
}
"""In the order in which they are tried: nnU-Net's folders may hold a `dataset.json` as the Decathlon's do."""


def find_layout(path: Path) -> str:
    """The name of the layout that fits.

    Raises:
        InputError: when there is nothing or nothing known.
    """
    if not path.exists():
        raise InputError(f"There is no data set {path}. Check the path.")
    for name, layout in LAYOUTS.items():
        if layout.is_here(path):
            return name
    raise InputError(
        f"{path} holds no case: expected NAME/image.nrrd with label.nrrd, a dataset.json, imagesTr and "
        "labelsTr, case_00000/imaging.nii.gz, volume-0.nii, or a CSV file with the columns image and label."
    )


def list_cases(path: Path, layout: str, channel: int | None) -> Listing:
    """All cases of a data set.

    Args:
        path: a folder, or a CSV file.
        layout: one of `LAYOUTS`.
        channel: which channel of multi-channel images to read, None when there is only one.

    Raises:
        InputError: when the data set cannot be read, holds no case, or a channel must be chosen.
    """
    if layout not in LAYOUTS:
        raise InputError(f"A layout is auto, {', '.join(LAYOUTS)}; got {layout!r}.")
    listing: Listing = LAYOUTS[layout].list_cases(path, channel)
    if not listing.cases:
        raise InputError(f"The data set {path} holds no case with an image and a label ({layout} layout).")
    return listing
