"""The inference engine: a `Segmenter` that runs models in this process."""

import os

# Before torch is loaded: OpenMP threads that wait by spinning starve one another when other programs use
# the cores. Encoding a slice in torch on two busy cores took 13 s spinning and 0.9 s asleep; on quiet ones
# sleeping costs a fifth (290 against 244 ms). OpenVINO has threads of its own. A thread that sleeps at once
# must be woken for each of a small network's thousands of parallel parts, so it looks a thousand times first,
# some microseconds: as many times as GNU's OpenMP does by itself where threads outnumber cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

from SAMLesionLib.engine.engine import Engine
from SAMLesionLib.engine.worker import EngineWorker

__all__ = ["Engine", "EngineWorker"]
