"""Recipes: a data set, how it is learned from, and the arms that are compared on it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from SAMLesionLib.errors import InputError
from SAMLesionLib.training.tables import Table, from_table, merge, read_toml

RECIPES = ("sgp-sam-msd-liver", "sgp-sam-msd-brain")


@dataclass(frozen=True)
class Recipe:
    """What stands in a recipe's file.

    Attributes:
        title: for people.
        task: the Decathlon's folder.
        published: what the paper found, for the table.
        reference: the arm that the others are compared with.
        clicks: after how many clicks Dice is told; the first counts.
        run: what all arms share, as in a run file.
        arms: the changes of each, with its `name`.
    """

    title: str
    task: str
    published: str
    reference: str
    clicks: tuple[int, ...]
    run: Mapping[str, Any]
    arms: tuple[Mapping[str, Any], ...] = ()

    def arm_names(self) -> tuple[str, ...]:
        """The names of all arms."""
        return tuple(arm["name"] for arm in self.arms)

    def run_table(self, arm_name: str, data: Path, changes: Mapping[str, Any]) -> Table:
        """The run file of an arm.

        Raises:
            InputError: when there is no such arm.
        """
        arms = {arm["name"]: arm for arm in self.arms}
        if arm_name not in arms:
            raise InputError(f"There is no arm {arm_name!r}. The arms are {', '.join(arms)}.")
        table: Table = {}
        for part in (self.run, arms[arm_name], {"data": {"path": str(data)}}, changes):
            merge(table, part)
        del table["name"]
        return table


def read_recipe(name: str) -> Recipe:
    """A recipe that comes with the package.

    Raises:
        InputError: when there is none of this name.
    """
    if name not in RECIPES:
        closest = difflib.get_close_matches(name, RECIPES, n=1, cutoff=0.0)[0]
        raise InputError(
            f"There is no recipe {name}. Did you mean {closest}? The recipes are {', '.join(RECIPES)}."
        )
    folder = Path(str(files("SAMLesionLib.training") / "recipes"))
    return from_table(Recipe, {**read_toml(folder / f"{name}.toml"), **read_toml(folder / "arms.toml")})


def find_data(recipe: Recipe, data: Path) -> Path:
    """The folder of the recipe's task: the one given, or in it.

    Raises:
        InputError: when it is not there.
    """
    for folder in (data, data / recipe.task):
        if (folder / "dataset.json").is_file():
            return folder
    raise InputError(
        f"{data} was expected to be {recipe.task} of the Medical Segmentation Decathlon, with its "
        "dataset.json. Download it from medicaldecathlon.com, unpack it and name its folder with --data."
    )
