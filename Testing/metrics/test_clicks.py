from __future__ import annotations

import pytest

from SAMLesionLib.metrics import area_under_clicks, clicks_to_reach

CURVE = [0.5, 0.7, 0.9, 0.8]


def test_the_area_is_the_mean_height_of_the_curve() -> None:
    # Trapezoids: 0.6, 0.8, 0.85.
    assert area_under_clicks(CURVE) == pytest.approx(2.25 / 3)
    assert area_under_clicks([0.6] * 6) == pytest.approx(0.6)
    assert area_under_clicks([0.4]) == 0.4


def test_five_clicks_make_a_fourth_of_the_challenges_area() -> None:
    from scipy.integrate import cumulative_trapezoid

    clicks = [0.6, 0.7, 0.75, 0.78, 0.8]

    assert 4 * area_under_clicks(clicks) == pytest.approx(cumulative_trapezoid(clicks, range(5))[-1])


def test_a_curve_without_a_value_has_no_area() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        area_under_clicks([])


@pytest.mark.parametrize(("goal", "clicks"), [(0.5, 0), (0.6, 1), (0.7, 1), (0.85, 2), (0.95, None)])
def test_a_goal_takes_as_many_clicks_as_until_it_is_first_reached(goal: float, clicks: int | None) -> None:
    assert clicks_to_reach(CURVE, goal) == clicks
