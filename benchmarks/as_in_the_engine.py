"""Imported before torch, lets OpenMP's threads wait as the engine lets them: its package says how."""

import SAMLesionLib.engine  # noqa: F401
