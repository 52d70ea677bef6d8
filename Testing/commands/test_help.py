"""The command explains itself: examples, units and ranges."""

from __future__ import annotations

import re

import pytest
from samlesion_command import samlesion

from SAMLesionLib.cli import _with_minus_signs
from SAMLesionLib.version import __version__


def test_the_help_names_every_command_and_the_unit_of_coordinates() -> None:
    said = samlesion("--help")
    assert said.returncode == 0
    for word in ("segment", "models", "serve", "demo", "millimetres", "voxels"):
        assert word in said.stdout


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("segment",), ("mm", "HU", "voxels", "half-open", "1 or more", "exit codes", "examples:")),
        (("serve",), ("1 to 65535", "127.0.0.1", "16 characters", "examples:")),
        (("demo",), ("2 mm", "seconds", "MB", "ml", "0 to 1")),
        (("models",), ("list", "info", "download", "verify", "import", "remove", "examples:")),
    ],
)
def test_each_command_tells_units_ranges_and_examples(
    words: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    said = re.sub(r"\s+", " ", samlesion(*words, "--help").stdout)
    assert [word for word in wanted if word not in said] == []


def test_every_option_of_segment_is_explained() -> None:
    text = samlesion("segment", "--help").stdout
    options = set(re.findall(r"^  (?:-o OUT, )?(--[a-z0-9-]+)", text, re.MULTILINE))
    assert {"--box", "--box-2d", "--point", "--line", "--prompts", "--frame", "--output", "--json"} <= options
    assert re.findall(r"^  (--[a-z0-9-]+(?: \S+)?)\n(?!\s{20})", text, re.MULTILINE) == []


def test_the_version_is_told() -> None:
    assert samlesion("--version").stdout == f"samlesion {__version__}\n"


def test_a_value_may_begin_with_a_minus_sign() -> None:
    typed = ["segment", "--box", "-1,2,3,4,5,6", "--window", "-160,240", "--json", "-o", "out"]
    joined = ["segment", "--box=-1,2,3,4,5,6", "--window=-160,240", "--json", "-o", "out"]
    assert _with_minus_signs(typed) == joined


def test_models_are_listed_for_people_and_for_programs() -> None:
    import json

    people, programs = samlesion("models", "list"), samlesion("models", "list", "--json")
    names = [model["name"] for model in json.loads(programs.stdout)["models"]]
    assert names[:2] == ["lite-medsam", "medsam-vit-b"]
    assert [line.split()[0] for line in people.stdout.splitlines()] == ["NAME", *names]


def test_the_bundled_weights_are_verified() -> None:
    said = samlesion("models", "verify", "lite-medsam")
    assert said.returncode == 0, said.stderr
    assert "79d8c9dca6db4d69d3f905579e5250af05e859fff9c1f543e89a513c3028ce76" in said.stdout
