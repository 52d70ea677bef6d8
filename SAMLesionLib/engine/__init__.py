"""The inference engine: a `Segmenter` that runs models in this process."""

from SAMLesionLib.engine.engine import Engine
from SAMLesionLib.engine.worker import EngineWorker

__all__ = ["Engine", "EngineWorker"]
