from __future__ import annotations

import pytest

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.published_folds import published_parts

COUNTS = {"kits": (300, 209, 30, 61), "pancreas": (281, 196, 28, 57), "lits": (118, 83, 11, 24)}


@pytest.mark.parametrize("dataset", COUNTS)
def test_folds_have_as_many_cases_as_published_and_test_each_case_once(dataset: str) -> None:
    names = [f"case_{n:05}" for n in range(500)]
    n_cases, *sizes = COUNTS[dataset]
    folds = [published_parts(names, dataset, fold) for fold in range(5)]

    assert [len(folds[0][part]) for part in ("train", "validation", "test")] == sizes
    tested = [name for parts in folds for name in parts["test"]]
    assert len(tested) == len(set(tested)) == n_cases
    for parts in folds:
        assert len(parts["train"] | parts["validation"] | parts["test"]) == n_cases
        assert sum(len(names) for names in parts.values()) == n_cases


def test_a_case_is_known_by_its_number() -> None:
    lits = [f"volume-{n}" for n in range(131)]
    decathlon = [f"liver_{n:03}" for n in range(131)]

    ours, theirs = (published_parts(names, "lits", 0)["test"] for names in (lits, decathlon))

    assert "volume-1" in published_parts(lits, "lits", 0)["train"]
    assert {int(n.split("-")[1]) for n in ours} == {int(n.split("_")[1]) for n in theirs}


def test_what_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(InputError, match="liver_1 and volume-1 have the same"):
        published_parts(["liver_1", "volume-1"], "lits", 0, may_miss=True)
    with pytest.raises(InputError, match="fold must be 0 to 4, got 5"):
        published_parts(["volume-1"], "lits", 5, may_miss=True)
