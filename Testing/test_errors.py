from __future__ import annotations

import inspect

import pytest

from SAMLesionLib import errors
from SAMLesionLib.errors import EngineError, InputError, SAMLesionError, error_from_kind

FAMILY = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]


@pytest.mark.parametrize("cls", FAMILY, ids=lambda c: c.__name__)
def test_an_error_crosses_the_wire_by_its_kind(cls: type[SAMLesionError]) -> None:
    sent = cls("Draw a box on the image.")

    received = error_from_kind(sent.kind, str(sent))

    assert type(received) is cls
    assert str(received) == "Draw a box on the image."


def test_an_unknown_kind_is_the_engines_failure() -> None:
    for kind in ("FromTheFuture", "Exception", "SystemExit", "", "__init__"):
        assert type(error_from_kind(kind, "no")) is EngineError


def test_every_error_is_one_of_ours_and_says_what_it_is_for() -> None:
    assert len(FAMILY) > 10
    assert all(issubclass(cls, SAMLesionError) and cls.__doc__ for cls in FAMILY)


def test_what_a_person_gave_is_told_from_what_the_engine_did() -> None:
    for name in (
        "ImageError",
        "PromptError",
        "UnknownModel",
        "WeightsError",
        "OutputError",
        "RequestTooLarge",
    ):
        assert issubclass(getattr(errors, name), InputError)
    for name in ("EngineUnavailable", "OutOfMemory", "Cancelled", "VersionMismatch", "Unauthorized"):
        assert not issubclass(getattr(errors, name), InputError)
