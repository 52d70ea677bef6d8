"""What would keep the viewer waiting for long, and how long a turn of it takes, done in portions.

Run `python benchmarks/host_portions.py` (needs the extra `slicer`), on a 512 x 512 x 300 scan with 40
lesions: a hand edit of a lesion of 15 million voxels, the lesions of a file in one layer, and files written.
Times are those on the clock, and those of the viewer's thread on its core. The aim is 30 ms a turn.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from host_write import OneBlock, Times, once_ms, say, scan_with_lesions

from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.budget import Budget
from SAMLesionLib.host.exports import exporting_labelmap, exporting_segmentation
from SAMLesionLib.host.files import load_segmentation, save_segmentation
from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.host.opening import open_segments, preparing
from SAMLesionLib.host.session import Session

TURN_S = 0.008
LARGE = IndexBox((100, 100, 0), (440, 400, 300))


def main() -> None:
    with HeadlessHost() as host, tempfile.TemporaryDirectory() as folder:
        node, volume = scan_with_lesions(host.scene, 40)
        session = Session.open(OneBlock(), volume, node)
        print(f"  {'the longest turn of':<44} {'clock':>11} {'thread':>11}")
        write_files(session, Path(folder))
        edit_by_hand(session)
        session.close()
        say("Slicer's own way to write .seg.nrrd", *once_ms(lambda: save(node, folder)))
        open_file(host.scene, volume, folder)


def write_files(session: Session, folder: Path) -> None:
    for ending, begin in ((".seg.nrrd", exporting_segmentation), (".nii.gz", exporting_labelmap)):
        parts: list[Callable[[], object]] = []
        path = folder / f"work{ending}"
        say(f"taking what {ending} shall hold", *once_ms(lambda: parts.append(begin(session, path))))  # noqa: B023
        say("writing it, in a thread", *once_ms(parts[0]))


def edit_by_hand(session: Session) -> None:
    lesion_id = session.controller.add_lesion()
    session.controller.segments.write(lesion_id, LARGE, a_ball(), is_whole=True)
    say("a hand edit of 15 million voxels", *longest(session, lambda: is_noticed(session, lesion_id)))
    say("undoing it", *once_ms(session.controller.undo))
    session.annotation.delete(lesion_id)
    session.pump()


def longest(session: Session, is_done: Callable[[], bool]) -> Times:
    turns: list[Times] = []
    while not is_done():
        turns.append(once_ms(lambda: session.pump(TURN_S)))
        time.sleep(0.01)  # the views' turn
    clock_ms, thread_ms = np.max(turns, axis=0)
    return float(clock_ms), float(thread_ms)


def is_noticed(session: Session, lesion_id: str) -> bool:
    return session.annotation.lesion(lesion_id).edit is not None


def a_ball() -> np.ndarray:
    k, j, i = np.ogrid[-150:150, -150:150, -170:170]
    ball: np.ndarray = (k / 150.0) ** 2 + (j / 150.0) ** 2 + (i / 170.0) ** 2 < 1
    return ball


def save(node: object, folder: str) -> object:
    return save_segmentation(node, Path(folder) / "forty.seg.nrrd")


def open_file(scene: object, volume: object, folder: str) -> None:
    segments = open_segments(volume, load_segmentation(scene, Path(folder) / "forty.seg.nrrd"))
    steps, turns, is_read = preparing(segments), [], threading.Event()

    def read() -> None:
        with segments.told_once():
            if Budget(TURN_S).spend(steps):
                is_read.set()

    while not is_read.is_set():
        turns.append(once_ms(read))
    clock_ms, thread_ms = np.max(turns, axis=0)
    say(f"reading a file's lesions, {len(turns)} turns", float(clock_ms), float(thread_ms))
    say("beginning the session then", *once_ms(lambda: Session.begin(OneBlock(), segments).close()))


if __name__ == "__main__":
    main()
