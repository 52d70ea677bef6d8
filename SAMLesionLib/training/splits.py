"""Which cases a network learns from, which choose its checkpoint, and which it is tested on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.published_folds import published_parts
from SAMLesionLib.training.samples import Part
from SAMLesionLib.training.tables import at_least, share


@dataclass(frozen=True)
class SplitSettings:
    """The table `[data.split]`: cases are dealt out at random, by name, or as published.

    Attributes:
        train: share of the cases that is learned from.
        test: share that is tested on; the rest chooses checkpoints.
        seed: of the deal.
        patient: a regular expression for what names of one patient have in common, like "sts[0-9]+"; cases
            of a patient stay together. Empty where a case is a patient.
        validation_cases: these choose checkpoints, whatever the shares; empty to deal.
        test_cases: these are tested on, whatever the shares; empty to deal, or for none where
            `validation_cases` are named.
        folds: a data set whose published folds are taken: `kits`, `lits` or `pancreas`; empty for none.
        fold: which of the five, counted from 0.
        incomplete: whether cases of the fold may be missing.
    """

    train: float = share(0.7)
    test: float = share(0.2)
    seed: int = at_least(0, 2026)
    patient: str = ""
    validation_cases: tuple[str, ...] = field(default=())
    test_cases: tuple[str, ...] = field(default=())
    folds: Literal["", "kits", "lits", "pancreas"] = ""
    fold: int = at_least(0, 0)
    incomplete: bool = False


def split(names: Sequence[str], settings: SplitSettings, part: Part) -> tuple[str, ...]:
    """The cases of a part, in the order of `names`.

    Raises:
        InputError: when a named case is not there, or the part would be empty.
    """
    absent = {*settings.validation_cases, *settings.test_cases} - set(names)
    if absent:
        raise InputError(f"data.split names {min(absent)}, which is no case with a lesion. Check its name.")
    twice = {*settings.validation_cases} & {*settings.test_cases}
    if twice:
        raise InputError(
            f"data.split names {min(twice)} in validation_cases and in test_cases. Leave it in one of them."
        )
    chosen = _parts(names, settings)[part]
    if not chosen:
        raise InputError(
            f"{len(names)} cases with lesions leave none for {part}. Add cases, or change [data.split]."
        )
    return tuple(name for name in names if name in chosen)


def _parts(names: Sequence[str], settings: SplitSettings) -> Mapping[Part, set[str]]:
    if settings.folds:
        return published_parts(names, settings.folds, settings.fold, settings.incomplete)
    return _named(names, settings) if settings.validation_cases else _dealt(names, settings)


def _named(names: Sequence[str], settings: SplitSettings) -> dict[Part, set[str]]:
    validation, test = set(settings.validation_cases), set(settings.test_cases)
    return {"train": set(names) - validation - test, "validation": validation, "test": test}


def _dealt(names: Sequence[str], settings: SplitSettings) -> dict[Part, set[str]]:
    named = set(settings.test_cases)
    cases: dict[str, list[str]] = {}
    for name in names:
        if name not in named:
            cases.setdefault(_patient(name, settings.patient), []).append(name)
    patients = list(cases)
    order = [patients[n] for n in np.random.default_rng(settings.seed).permutation(len(patients))]
    # Where the test cases are named, the others are dealt out as train stands to validation.
    test = 0.0 if named else settings.test
    train = settings.train / max(1 - settings.test, settings.train, 1e-9) if named else settings.train
    n_train, n_test = (round(share * len(order)) for share in (train, test))
    if n_train + n_test == len(order) > 2 and train + test < 1 - 1e-9:
        n_train -= 1  # of few patients too one chooses the checkpoint, where a share was left for that
    kept = len(order) - n_test
    dealt = {"train": order[:n_train], "validation": order[n_train:kept], "test": order[kept:]}
    parts: dict[Part, set[str]] = {
        part: {name for patient in dealt[part] for name in cases[patient]}
        for part in ("train", "validation", "test")
    }
    return parts | {"test": parts["test"] | named}


def _patient(name: str, pattern: str) -> str:
    try:
        found = re.search(pattern, name) if pattern else None
    except re.error as wrong:
        raise InputError(
            f"data.split.patient must be a regular expression, got {pattern!r} ({wrong})."
        ) from None
    return found.group() if found else name
