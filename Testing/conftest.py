"""Settings of all tests, and the lesions of a new session."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from SAMLesionLib.annotation import Annotation

# A busy machine is slow at everything: time says nothing about what is tested.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture
def annotation() -> Annotation:
    return Annotation()
