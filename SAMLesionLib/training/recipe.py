"""Recipes: a data set, how it is learned from, and the arms that are compared on it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from SAMLesionLib.datasets.layouts import LAYOUTS
from SAMLesionLib.errors import InputError
from SAMLesionLib.training.tables import Table, from_table, merge, read_toml

RECIPES = ("sgp-sam-msd-liver", "sgp-sam-msd-brain", "tags-msd-pancreas", "tags-kits", "tags-lits")
FOLDER = Path(str(files("SAMLesionLib.training") / "recipes"))


@dataclass(frozen=True)
class Recipe:
    """What stands in a recipe's file.

    Attributes:
        title: for people.
        task: the folder's name as it is published.
        published: what the paper found, for the table.
        reference: the arm that the others are compared with.
        run: what all arms share, as in a run file.
        arms_in: the file with the arms, and with what recipes share.
        arms: the changes of each, with its `name`.
        clicks: after how many clicks Dice is told; the first counts.
        points: for TAGS, how many points are given at once; the first number counts.
        layouts: the layouts that the data may have.
        origin: where the data come from, for people.
        baselines: what others published by the same protocol: `method`, `dice`, `nsd` and `trained`.
    """

    title: str
    task: str
    published: str
    reference: str
    run: Mapping[str, Any]
    arms_in: str = "arms.toml"
    arms: tuple[Mapping[str, Any], ...] = ()
    clicks: tuple[int, ...] = ()
    points: tuple[int, ...] = ()
    layouts: tuple[str, ...] = ("msd",)
    origin: str = "the Medical Segmentation Decathlon, with its dataset.json, from medicaldecathlon.com"
    baselines: tuple[Mapping[str, Any], ...] = ()

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
            raise InputError(f"There is no arm {arm_name!r}. The arms are {'; '.join(arms)}.")
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
    own = read_toml(FOLDER / f"{name}.toml")
    table = read_toml(FOLDER / own.get("arms_in", "arms.toml"))
    merge(table, own)
    return from_table(Recipe, table)


def find_data(recipe: Recipe, data: Path) -> Path:
    """The folder of the recipe's task: the one given, or in it.

    Raises:
        InputError: when it is not there.
    """
    for folder in (data, data / recipe.task):
        if any(LAYOUTS[name].is_here(folder) for name in recipe.layouts):
            return folder
    raise InputError(
        f"{data} was expected to be {recipe.task} of {recipe.origin}. Download it, unpack it and name its "
        "folder with --data."
    )
