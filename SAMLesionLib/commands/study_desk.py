"""`samlesion study next` and `read`: a reader's work list, and a stopwatch beside any program."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SAMLesionLib.commands import console
from SAMLesionLib.errors import SAMLesionError

if TYPE_CHECKING:
    from SAMLesionLib.study.reading_session import ReadingSession
    from SAMLesionLib.study.worklist import Next, Task, WorkList

HELP = """Type a word and Enter:
  pause, resume   stop the clock and let it run on
  done FILE       finish with a mask (.seg.nrrd, .nrrd, .nii.gz); done alone: there is no lesion
  skip WORD       leave it undone: quality, wrong_case, time or other
  quit            get up; the reading goes on next time
"""


def add_parsers(actions: Any) -> None:
    """Describe both actions to argparse."""
    for name, text, run in (
        ("next", "what a reader does next", _next),
        ("read", "do the next reading, with the clock running beside the program of your choice", _read),
    ):
        parser = actions.add_parser(name, help=text, description=f"{text}.\n\n{HELP if run is _read else ''}")
        parser.add_argument("study", type=Path, metavar="STUDY", help="folder of the study")
        parser.add_argument("--reader", required=True, metavar="ID", help="who reads")
        parser.set_defaults(run=run)


def _next(args: argparse.Namespace) -> int:
    from SAMLesionLib.study.worklist import next_task, read_progress, read_worklist

    folder = _folder(args)
    worklist = read_worklist(folder)
    progress = read_progress(folder, worklist)
    states = Counter(progress.state(task) for task in worklist.tasks)
    print(f"{worklist.title}: {states['finished']} of {len(worklist.tasks)} readings finished.")
    told = next_task(worklist, progress, datetime.now(timezone.utc))
    print(_sentence(told) if told.task is None else _described(worklist, told.task, folder))
    return 0


def _read(args: argparse.Namespace) -> int:
    from SAMLesionLib.study.reading_session import ReadingSession

    with ReadingSession(_folder(args), {"recorder": "stopwatch"}) as session:
        told = session.next()
        if told.task is None:
            print(_sentence(told))
            return 0
        print(_described(session.worklist, told.task, session.folder))
        start = session.start(told.task)
        if start is not None:
            print(f"Begin with: {start}")
        print(f"{HELP}The clock runs.", flush=True)
        _follow(session)
    return 0


def _follow(session: ReadingSession) -> None:
    """Do what is typed until the reading ends or the reader gets up."""
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        try:
            if word == "quit" or not _obey(session, word, rest.strip()):
                return
        except SAMLesionError as refused:  # the reading stays at hand
            console.say(f"samlesion: {refused}")


def _obey(session: ReadingSession, word: str, rest: str) -> bool:
    """Whether the reading is still at hand."""
    if word == "pause":
        session.pause()
        print("Paused.", flush=True)
    elif word == "resume":
        session.resume()
        print("The clock runs.", flush=True)
    elif word == "done":
        _finish(session, rest)
    elif word == "skip":
        session.skip(rest)
        print("Skipped.")
    elif word:
        print(HELP, flush=True)
    return session.task is not None


def _finish(session: ReadingSession, file: str) -> None:
    from SAMLesionLib.io import Segment, read_mask, read_segmentation, read_volume

    assert session.task is not None
    session.pause()  # reading files is no reader's time
    volume = read_volume(session.path(session.task.image), session.task.modality)
    segments = []
    if file:
        mask, found = read_mask(file, volume), read_segmentation(file)
        is_whole = found.shape_ijk == volume.shape_ijk
        segments = [s for s in found.segments if s.mask.any()] if is_whole else [Segment("lesions", mask)]
    session.finish(segments, volume)
    print(f"Finished with {len(segments)} {'segment' if len(segments) == 1 else 'segments'}.")


def _folder(args: argparse.Namespace) -> Path:
    from SAMLesionLib.study.design_file import DESIGN
    from SAMLesionLib.study.study_folder import READERS, read_study

    folder: Path = args.study / READERS / args.reader
    if not (args.study / DESIGN).exists() and folder.is_dir():  # packed: a reader's part without the design
        return folder
    return read_study(args.study).reader_folder(args.reader)


def _sentence(told: Next) -> str:
    if told.wait_until is None:
        return "All readings are done. Thank you."
    when = told.wait_until.astimezone().strftime("%A %d %B, %H:%M")
    return f"The cases rest now. The next reading may begin on {when}."


def _described(worklist: WorkList, task: Task, folder: Path) -> str:
    arm = worklist.arms[task.arm]
    model = f" ({arm.model})" if arm.model else ""
    lines = [
        f"Case {task.case}, {arm.title}{model}",
        f"Scan: {folder.parent.parent / task.image}",
        worklist.instructions,
        arm.instructions,
    ]
    return "\n".join(filter(None, lines))
