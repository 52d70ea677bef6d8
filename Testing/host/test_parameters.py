"""The reader's settings: written, read, and what other versions wrote."""

from __future__ import annotations

import json
from dataclasses import fields

import hypothesis.strategies as st
import pytest
from hypothesis import given

from SAMLesionLib.host.parameters import TOOLS, Parameters
from SAMLesionLib.lesions import Status

CHOSEN = Parameters("medsam", (-160.0, 240.0), False, "point", False, (Status.DRAFT, Status.FLAGGED), False)


def test_what_was_chosen_comes_back():
    assert Parameters.from_text(CHOSEN.to_text()) == CHOSEN
    assert Parameters.from_text(Parameters().to_text()) == Parameters()


@pytest.mark.parametrize("text", [None, "", "no json", "[1, 2]", "3", '{"model": ""}', '{"unknown": 1}'])
def test_without_settings_that_are_understood_the_defaults_hold(text):
    assert Parameters.from_text(text) == Parameters()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", 3),
        ("window", [5, 5]),
        ("window", [0, float("inf")]),
        ("window", "ab"),
        ("auto_run", 1),
        ("tool", "lasso"),
        ("status_filter", ["finished"]),
        ("status_filter", 7),
    ],
)
def test_one_value_of_another_version_leaves_the_others_as_they_were(name, value):
    read = Parameters.from_text(json.dumps(json.loads(CHOSEN.to_text()) | {name: value}))
    for field in fields(Parameters):
        source = Parameters() if field.name == name else CHOSEN
        assert getattr(read, field.name) == getattr(source, field.name)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4) | st.sampled_from(TOOLS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([f.name for f in fields(Parameters)]), json_values))
def test_whatever_stands_in_the_settings_is_read(values):
    read = Parameters.from_text(json.dumps(values))
    assert Parameters.from_text(read.to_text()) == read
