"""Lesions beside each other are told apart by their colours."""

from __future__ import annotations

import numpy as np

from SAMLesionLib.palette import lesion_colour

COLOURS = np.array([lesion_colour(n) for n in range(40)])


def test_forty_colours_differ() -> None:
    distance = np.linalg.norm(COLOURS[:, None] - COLOURS[None], axis=-1) + 9 * np.eye(40)
    assert distance.min() > 0.04


def test_neighbours_differ_clearly() -> None:
    assert np.linalg.norm(np.diff(COLOURS, axis=0), axis=1).min() > 0.5


def test_each_colour_can_be_shown() -> None:
    assert ((COLOURS >= 0) & (COLOURS <= 1)).all()
