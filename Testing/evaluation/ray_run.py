"""Evaluates fake models on a local Ray cluster of two workers, the way `--ray` does; run as a program."""

from __future__ import annotations

import sys
from pathlib import Path

from run_cases import FakeSegmenters, evaluate

from SAMLesionLib.evaluation import cluster
from SAMLesionLib.evaluation.settings import EvaluationSettings
from SAMLesionLib.evaluation.worker import WorkOrder

if __name__ == "__main__":
    dataset, output, dying_case = sys.argv[1:]
    settings = EvaluationSettings(dataset, ("boxes", "clicks"), "cvpr25", clicks=2)
    order = WorkOrder(settings, FakeSegmenters(((dying_case, "die"),)), 1)
    cluster.connect(cluster.LOCAL, 2)
    try:
        evaluate(settings, Path(output), [cluster.RaySlot(order, 1, 0) for _ in range(2)])
    finally:
        cluster.disconnect()
