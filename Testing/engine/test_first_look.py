from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from SAMLesionLib.engine.first_look import WEIGHTS, traits, worth

SIZE = 32


def distance_to(centre: tuple[float, float, float]) -> np.ndarray:
    return np.linalg.norm(np.moveaxis(np.indices((SIZE,) * 3), 0, -1) - centre, axis=-1)


MIDDLE = distance_to((15.5, 15.5, 15.5))


def a_bright_ball(radius: float, noise: float = 0.1) -> np.ndarray:
    draw = np.random.default_rng(1)
    return (np.where(radius > MIDDLE, 1.0, 0.0) + noise * draw.normal(size=MIDDLE.shape)).astype(np.float32)


def an_answer(radius: float, slope: float = 1.0) -> np.ndarray:
    """Logits that fall by `slope` a cell and are 0 at the radius."""
    return (slope * (radius - MIDDLE)).astype(np.float32)


def test_an_answer_that_fits_the_grey_values_is_worth_more_than_a_blob_of_any_other_size() -> None:
    image = a_bright_ball(7)
    fitting = worth(an_answer(7), image)
    for radius in (2, 3, 4, 10, 12, 14):
        assert fitting > worth(an_answer(radius), image) + 0.5


def test_a_sharp_answer_is_worth_more_than_a_vague_one_of_the_same_shape() -> None:
    image = a_bright_ball(7)
    assert worth(an_answer(7, slope=1.5), image) > worth(an_answer(7, slope=0.2), image)


def test_a_dark_lesion_is_worth_as_much_as_a_bright_one() -> None:
    image = a_bright_ball(7)
    assert worth(an_answer(7), -image) == pytest.approx(worth(an_answer(7), image), abs=0.01)


def test_nothing_found_is_worth_the_least() -> None:
    image = a_bright_ball(7)
    assert worth(np.full((SIZE,) * 3, -3, np.float32), image) == -np.inf
    assert np.isfinite(worth(an_answer(0.9), image))


def test_everything_found_is_worth_the_least_too() -> None:
    assert worth(np.full((SIZE,) * 3, 3, np.float32), a_bright_ball(7)) == -np.inf


def test_the_traits_of_a_block_by_hand() -> None:
    """A block of 4 x 4 x 4 cells of grey value 3 in 0, with logits 2 inside and -4 outside."""
    lesion = np.zeros((12, 12, 12), bool)
    lesion[4:8, 4:8, 4:8] = True
    found = traits(np.where(lesion, 2, -4).astype(np.float32), np.where(lesion, 3, 0).astype(np.float32))
    assert list(found) == list(WEIGHTS)
    assert found["stability"] == 1.0
    assert found["sharpness"] == 6.0
    assert found["separation"] == 1.0
    assert found["contrast"] == 5.0  # at most
    assert found["unevenness"] == 0.0  # the grey values within the edge are all 3


def test_stability_is_the_share_that_stays() -> None:
    logits = np.full((12, 12, 12), -4, np.float32)
    logits[4:8, 4:8, 4:8] = 0.5
    logits[5:7, 5:7, 5:7] = 2
    assert traits(logits, np.zeros_like(logits))["stability"] == pytest.approx(8 / 64)


def test_equal_grey_values_separate_nothing() -> None:
    logits = an_answer(7)
    assert traits(logits, np.full_like(logits, 5))["separation"] == 0.0
