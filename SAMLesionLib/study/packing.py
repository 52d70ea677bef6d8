"""A reader's part of a study as a folder of its own, to send away: scans and work list, and nothing else.

It holds neither the design nor references nor other readers. The reader's folder that comes back takes the
place of the one in the study.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from SAMLesionLib.errors import InputError, OutputError
from SAMLesionLib.io import make_folder
from SAMLesionLib.study.log import LOG
from SAMLesionLib.study.study_folder import READERS, StudyFolder, write_json
from SAMLesionLib.study.worklist import MASKS, WORKLIST, Task, read_worklist

IMAGES, STARTS = "images", "start"


def pack(study: StudyFolder, reader: str, target: Path) -> int:
    """Write what one reader needs; returns how many scans there are.

    Args:
        study: whose work lists are dealt.
        reader: id of the reader.
        target: a new folder.

    Raises:
        InputError: when there is no such reader or work list.
        OutputError: when the folder is there already or cannot be written.
    """
    worklist = read_worklist(study.reader_folder(reader))
    if target.exists() and any(target.iterdir()):
        raise OutputError(f"{target} is not empty. Choose a new folder.")
    folder = target / READERS / reader
    make_folder(folder / MASKS)
    copied: dict[str, str] = {}
    tasks = tuple(_packed(study, task, target, copied) for task in worklist.tasks)
    write_json(folder / WORKLIST, replace(worklist, tasks=tasks).to_json())
    return len({task.image for task in tasks})


def unpack(study: StudyFolder, reader: str, source: Path) -> None:
    """Take a reader's log and masks back into the study.

    Args:
        study: where they belong.
        reader: id of the reader.
        source: the folder that was packed.

    Raises:
        InputError: when it holds no log of this reader, or of another study, or less than is here already.
        OutputError: when something cannot be written.
    """
    theirs, ours = source / READERS / reader, study.reader_folder(reader)
    worklist, here = read_worklist(theirs), read_worklist(ours)
    if (worklist.study, worklist.reader) != (here.study, here.reader):
        raise InputError(f"{source} belongs to the study {worklist.study} and its reader {worklist.reader}.")
    if not (theirs / LOG).exists():
        raise InputError(f"{theirs} holds no log: nothing was read there yet.")
    if (ours / LOG).exists() and not (theirs / LOG).read_bytes().startswith((ours / LOG).read_bytes()):
        raise InputError(
            f"{ours} holds readings that are not in {theirs}. Bring both together by hand; none is put over "
            "the other."
        )
    for path in (*theirs.glob(f"{MASKS}/*.seg.nrrd"), theirs / LOG):
        _copy(path, ours / path.relative_to(theirs))


def _packed(study: StudyFolder, task: Task, target: Path, copied: dict[str, str]) -> Task:
    image = _carried(study, task.image, f"{IMAGES}/{task.case}", target, copied)
    start = _carried(study, task.start, f"{STARTS}/{task.case}", target, copied) if task.start else ""
    return replace(task, image=image, start=start)


def _carried(study: StudyFolder, path: str, name: str, target: Path, copied: dict[str, str]) -> str:
    """The path of a copy under the case's name: the file's own name may tell the patient."""
    source = study.resolve(path)
    if path not in copied:
        ending = "" if source.is_dir() else source.name[source.name.find(".") :]
        copied[path] = f"{name}{ending}"
        _copy(source, target / copied[path])
    return copied[path]


def _copy(source: Path, target: Path) -> None:
    make_folder(target.parent)
    try:
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
    except OSError as refused:
        raise OutputError(
            f"Cannot copy {source} to {target} ({refused.strerror}). Free some space."
        ) from None
