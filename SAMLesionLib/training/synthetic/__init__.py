"""Training cubes without patients: random scans with real lesions' shapes, and real lesions seen anew.

Billot et al., "SynthSeg" (Medical Image Analysis 2023), showed that a network trained on images of random
contrast, resolution and artefacts works on real ones of every kind. Backgrounds, appearance and acquisition
here are such random images; the lesions in them have outlines that experts drew.
"""

from __future__ import annotations

from SAMLesionLib.training.synthetic.source import SyntheticSettings

__all__ = ["SyntheticSettings"]
