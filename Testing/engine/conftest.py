"""An engine of tiny models, for every test of its room."""

from __future__ import annotations

import pytest
from engine_cases import VOLUME, an_engine_with

from SAMLesionLib.engine import Engine


@pytest.fixture
def engine() -> Engine:
    return an_engine_with(VOLUME)
