"""The wire between those who ask for masks and an engine in another process.

Loads numpy and the standard library only. The side that serves, `transport.server`, needs starlette
and uvicorn and is imported where an engine runs.
"""

from SAMLesionLib.transport.client import EngineClient, Health
from SAMLesionLib.transport.connection import Body, Connection, NetworkConnection, Reply
from SAMLesionLib.transport.launch import LaunchSettings, LocalEngine

__all__ = [
    "Body",
    "Connection",
    "EngineClient",
    "Health",
    "LaunchSettings",
    "LocalEngine",
    "NetworkConnection",
    "Reply",
]
