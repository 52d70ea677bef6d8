"""The folds of KiTS, LiTS and MSD Pancreas that 3DSAM-adapter and TAGS were measured on; `folds.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.samples import Part


def published_parts(
    names: Sequence[str], dataset: str, fold: int, may_miss: bool = False
) -> Mapping[Part, set[str]]:
    """The cases of each part, found by the number that their names end in.

    So LiTS's volume-12 is the Decathlon's liver_12 and nnU-Net's liver_012. Cases in no fold have no part.

    Args:
        names: the cases that are there.
        dataset: `kits`, `lits` or `pancreas`.
        fold: 0 to 4.
        may_miss: whether cases of the fold may be missing.

    Raises:
        InputError: when a case is missing, two have one number, or there is no such fold.
    """
    place = files("SAMLesionLib.training") / "recipes" / "folds.json"
    known = json.loads(place.read_text(encoding="utf-8"))[dataset]
    if fold >= len(known["folds"]):
        raise InputError(f"data.split.fold must be 0 to {len(known['folds']) - 1}, got {fold}.")
    numbered = _numbered(names)
    absent = sorted(set(known["cases"]) - numbered.keys())
    if absent and not may_miss:
        raise InputError(
            f"{len(absent)} of the {len(known['cases'])} cases in the folds of {dataset} are missing here, "
            f"such as number {absent[0]}. Get the whole data set, or set data.split.incomplete = true."
        )
    told: dict[Part, set[int]] = {
        "validation": set(known["folds"][fold]["validation"]),
        "test": set(known["folds"][fold]["test"]),
    }
    told["train"] = set(known["cases"]) - told["validation"] - told["test"]
    return {part: {numbered[n] for n in numbers if n in numbered} for part, numbers in told.items()}


def _numbered(names: Sequence[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for name in names:
        digits = re.search(r"(\d+)\D*$", name)
        if digits is None:
            continue
        other = found.setdefault(int(digits[1]), name)
        if other != name:
            raise InputError(
                f"Published folds tell cases by number, but {other} and {name} have the same. Remove one."
            )
    return found
