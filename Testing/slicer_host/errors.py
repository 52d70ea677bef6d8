"""Exceptions that Qt or VTK would print and forget, kept so that a test fails by them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

caught: list[BaseException] = []
"""What was raised in slots, overridden events and observers since the last `take`."""


def guarded(function: Callable[..., Any], otherwise: Callable[[], Any] = lambda: None) -> Callable[..., Any]:
    """The function for use where an exception has nowhere to go: it is kept, and `otherwise` answers."""

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except BaseException as error:  # what pytest raises to fail or skip a test is no Exception
            caught.append(error)
            return otherwise()

    return call


def take() -> list[BaseException]:
    """What was caught, once."""
    errors, caught[:] = list(caught), []
    return errors


def told(errors: list[BaseException]) -> str:
    """The errors with their tracebacks, as one text."""
    return "\n".join("".join(traceback.format_exception(error)) for error in errors)
