"""What the recorder of a reader study costs while a reader works.

Run `python benchmarks/study_recorder.py`. A reader who never rests is played at a fixed rate: slices scrolled
and strokes drawn, and now and then a prompt, a mask of 128 x 128 x 64 voxels, a hand edit and an acceptance,
each with its write to the disk. The processor time of the whole process is compared with that of the same
play with no recorder; each call in the viewer's thread is timed by the clock and by the thread's own
processor time, which other programs cannot make longer. The aims are 1 % of a core and 2 ms.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from SAMLesionLib import BoxPrompt, IndexBox
from SAMLesionLib.annotation import Annotation
from SAMLesionLib.events import MaskShown
from SAMLesionLib.masks import RunReport
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.study.log import LogWriter
from SAMLesionLib.study.recorder import Recorder

REPORT = RunReport("model", "ab" * 32, "cpu", "float32", "1.0", 0.1, 0.1, 1)
BOX = BoxPrompt(IndexBox((0, 0, 0), (128, 128, 64)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=30.0, help="slices and strokes a second")
    parser.add_argument("--lesion-every", type=float, default=5.0, help="seconds from lesion to lesion")
    options = parser.parse_args()
    masks = [PackedMask.of(a_lesion(radius)) for radius in (28.0, 30.0)]
    without, _ = play(None, masks, options)
    with tempfile.TemporaryDirectory() as folder:
        writer = LogWriter(Path(folder) / "log.jsonl")
        with_it, calls = play(Recorder(writer), masks, options)
        writer.close()
        size = (Path(folder) / "log.jsonl").stat().st_size
    share = (with_it - without) / options.seconds
    print(
        f"processor time: {share:.2%} of a core (aim 1 %), "
        f"{size / options.seconds * 3600 / 1e6:.1f} MB an hour"
    )
    for name, column in (("clock", 0), ("thread's processor time", 1)):
        ms = 1e3 * np.array([call[column] for call in calls])
        print(f"calls, {name}: median {np.median(ms):.3f} ms, 99 % {np.quantile(ms, 0.99):.3f} ms, "
              f"largest {ms.max():.3f} ms of {len(ms)} (aim 2 ms)")  # fmt: skip


def a_lesion(radius: float) -> np.ndarray:
    k, j, i = np.indices((64, 128, 128))
    return (k - 32) ** 2 + (j - 64) ** 2 + (i - 64) ** 2 < radius**2


def play(
    recorder: Recorder | None, masks: list[PackedMask], options: argparse.Namespace
) -> tuple[float, list[tuple[float, float]]]:
    """Processor seconds of the process, and for each call the seconds by the clock and of the thread."""
    calls: list[tuple[float, float]] = []
    annotation = Annotation()
    lesion_id = ""
    if recorder is not None:
        recorder.reading = "x"
        recorder.listen(annotation, mask_of=lambda _: masks[0])
    began, cpu_began = time.perf_counter(), time.process_time()
    n_lesions = n_ticks = 0
    while (now := time.perf_counter() - began) < options.seconds:
        before = time.perf_counter(), time.thread_time()
        if now > n_lesions * options.lesion_every:
            n_lesions += 1
            lesion_id = a_whole_lesion(annotation, masks)
        elif recorder is not None:
            recorder.note("scroll" if n_ticks % 2 else "stroke", slice=n_ticks)
        calls.append((time.perf_counter() - before[0], time.thread_time() - before[1]))
        n_ticks += 1
        time.sleep(max(0.0, n_ticks / options.rate - (time.perf_counter() - began)))
    assert lesion_id
    return time.process_time() - cpu_began, calls


def a_whole_lesion(annotation: Annotation, masks: list[PackedMask]) -> str:
    """From its first prompt to its acceptance, in one go."""
    lesion_id = annotation.add_lesion().lesion_id
    annotation.add_prompt(lesion_id, BOX)
    annotation.changed.emit(MaskShown(lesion_id, "edit", 1, REPORT))
    annotation.edit(lesion_id, masks[1])
    annotation.accept(lesion_id)
    return lesion_id


if __name__ == "__main__":
    main()
