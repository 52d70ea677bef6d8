from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from SAMLesionLib.errors import InputError
from SAMLesionLib.io.toml_tables import at_least, from_table, parse_toml, read_toml, share


@dataclass(frozen=True)
class Reader:
    name: str
    years: int = at_least(0, 1)
    speed: float | None = at_least(0.5, None)
    sick: float = share(0.0)


@dataclass(frozen=True)
class Team:
    readers: tuple[Reader, ...]
    lead: Reader
    colour: Literal["red", "blue"] = "red"
    shifts: tuple[float, ...] = (1.0,)
    folder: Path | None = None
    badge: Literal["", "star"] = ""
    rate: float = 1.0


LEAD = {"name": "Ada"}


def test_tables_lists_of_tables_and_values_become_dataclasses() -> None:
    table = parse_toml(
        'colour = "blue"\nshifts = [1, 2.5]\nfolder = "a/b"\n'
        '[lead]\nname = "Ada"\nspeed = 2\n[[readers]]\nname = "Bo"\n[[readers]]\nname = "Cy"\nyears = 3\n'
    )

    assert from_table(Team, table) == Team(
        (Reader("Bo"), Reader("Cy", 3)), Reader("Ada", speed=2.0), "blue", (1.0, 2.5), Path("a/b")
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"reader": []}, "The file has no key reader. Did you mean readers?"),
        ({"lead": {"yeers": 3}}, r"The table \[lead\] has no key yeers. Did you mean years?"),
        ({"readers": [LEAD, {"nam": "x"}]}, r"The table \[readers 2\] has no key nam. Did you mean name?"),
        ({"readers": [LEAD, {}]}, "readers 2.name is missing"),
        ({"readers": 3}, r"readers must be a list of tables \[\[readers\]\], got 3"),
        ({"readers": [3]}, "readers 1 is a table"),
        ({"lead": {"name": "x", "years": -1}}, "lead.years must be 0 or more, got -1"),
        (
            {"lead": {"name": "x", "years": 1, "speed": float("nan")}},
            "lead.speed must be 0.5 or more, got nan",
        ),
        ({"lead": {"name": "x", "sick": 1.5}}, "lead.sick must be from 0 to 1, got 1.5"),
        ({"lead": {"name": "x", "sick": -0.5}}, "lead.sick must be from 0 to 1, got -0.5"),
        ({"lead": {"name": "x", "sick": float("nan")}}, "lead.sick must be from 0 to 1, got nan"),
        ({"shifts": [1, float("nan")]}, r"shifts must be a number, got \(1.0, nan\)"),
        ({"rate": float("-inf")}, "rate must be a number, got -inf"),
        ({"lead": {"name": "x", "speed": float("inf")}}, "lead.speed must be a number, got inf"),
        ({"rate": float("nan")}, "rate must be a number, got nan"),
        ({"badge": "moon"}, "badge is one of empty, star; got 'moon'"),
        ({"lead": {"name": 3}}, "lead.name must be text in quotes, got 3"),
        ({"shifts": 3}, "shifts must be a list of numbers, got 3"),
        ({"shifts": ["x"]}, "shifts must be a number, got 'x'"),
        ({"colour": "green"}, "colour is one of red, blue; got 'green'"),
        ({"folder": 3}, "folder must be text in quotes, got 3"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(table: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        from_table(Team, {"readers": [LEAD], "lead": LEAD, **table})


def test_a_file_that_is_absent_or_no_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "team.toml").write_bytes(b"\xef\xbb\xbfcolour = 'red'\n")  # as Windows' editors begin a file
    (tmp_path / "broken.toml").write_text("colour = \n")
    (tmp_path / "odd.toml").write_bytes(b"colour = '\xff'\n")

    assert read_toml(tmp_path / "team.toml", "None.") == {"colour": "red"}
    with pytest.raises(InputError, match="None here"):
        read_toml(tmp_path / "other.toml", "None here.")
    for name in ("broken.toml", "odd.toml"):
        with pytest.raises(InputError, match=f"{name} cannot be read as TOML"):
            read_toml(tmp_path / name, "None.")
