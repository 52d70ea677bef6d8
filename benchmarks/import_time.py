"""How long `import SAMLesionLib` takes beside `import numpy`, which it needs: medians of fresh processes.

Run: python benchmarks/import_time.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 9


def seconds_to_import(name: str) -> float:
    """Inside one fresh interpreter, its own start left out."""
    code = f"import time; t = time.perf_counter(); import {name}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return float(done.stdout)


def main() -> None:
    names = ("numpy", "SAMLesionLib")
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(RUNS):
        for name in names:
            times[name].append(seconds_to_import(name))
    numpy_s, ours_s = (statistics.median(times[name]) for name in names)
    print(f"numpy {numpy_s:.3f} s, SAMLesionLib with numpy {ours_s:.3f} s, ratio {ours_s / numpy_s:.2f}")


if __name__ == "__main__":
    main()
