"""Runs that take seconds: spheres in noise, and the architecture of SGP-SAM in few parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from SAMLesionLib.models.cards import ModelCard
from SAMLesionLib.training.config import TrainingConfig, read_config
from SAMLesionLib.training.samples import Origin, Part, Sample
from SAMLesionLib.training.tables import merge

SPHERES = "tiny_runs:Spheres"


@dataclass(frozen=True)
class Spheres:
    """Spheres brighter than the noise around them.

    Attributes:
        broken_from: from this sample on, images hold no numbers.
    """

    broken_from: int | None = None

    def open(self, card: ModelCard, part: Part) -> SphereSource:
        """See `SourceSettings.open`."""
        return SphereSource(card.image_size, self.broken_from)


@dataclass(frozen=True)
class SphereSource:
    """See `SampleSource`."""

    size: int
    broken_from: int | None
    provenance: tuple[Origin, ...] = (Origin("spheres", "CC0-1.0"),)

    def sample(self, index: int, epoch_seed: int) -> Sample:
        """See `SampleSource.sample`."""
        draw = np.random.default_rng((epoch_seed, index))
        middle, radius = draw.uniform(0.3, 0.7, 3), draw.uniform(0.1, 0.2)
        places = np.indices((self.size,) * 3) / self.size - middle[:, None, None, None]
        label = (places**2).sum(axis=0) < radius**2
        image = draw.standard_normal(label.shape, np.float32) + 2 * label.astype(np.float32)
        if self.broken_from is not None and index >= self.broken_from:
            image[:] = np.nan
        return Sample(image, label, f"sphere {index}")


def a_config(**changes: Any) -> TrainingConfig:
    """A run of a few steps; tables are merged with what is there."""
    table: dict[str, Any] = {
        "architecture": "SAMLesionLib.models.sgp_sam:build_tiny_sgp_sam",
        "steps": 6,
        "log_every": 2,
        "save_every": 2,
        "device": "cpu",
        "precision": "float32",
        "threads": 1,
        "data": {"source": SPHERES},
        "prompts": {"most": 2},
        "optimizer": {"lr": 2e-3},
        "batch": {"samples": 2, "workers": 0},
        "validation": {"every": 3, "samples": 2, "prompts": {"least": 2, "most": 2}},
    }
    merge(table, changes)
    return read_config(table)


def lines_of(path: Path) -> list[str]:
    """The lines of a table, without the speed, which no two runs share."""
    return [line.rpartition(",")[0] for line in path.read_text().splitlines()]
