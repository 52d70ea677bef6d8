"""Lesions out of a session: a segmentation, a label map with its table, the list as CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from SAMLesionLib.errors import OutputError
from SAMLesionLib.host.controller import Controller
from SAMLesionLib.host.node_segments import segments_of_node
from SAMLesionLib.host.session import Session
from SAMLesionLib.host.volumes import own_affine
from SAMLesionLib.io import Segment, atomic_write, write_label_table, write_segmentation
from SAMLesionLib.lesions import label_values

Export = Callable[[], Path]
"""Writes a file, and returns its path."""

LABELMAP_ENDINGS = (".nii.gz", ".nii", ".nrrd")


def export_segmentation(session: Session, path: str | Path) -> Path:
    """Write the whole segmentation node as `.seg.nrrd`, segments that are no lesions too.

    Raises:
        OutputError: the ending is another, the folder is missing, or writing failed.
        ImageError: the volume is no scan any more.
    """
    return exporting_segmentation(session, path)()


def exporting_segmentation(session: Session, path: str | Path) -> Export:
    """The same in two parts: what is returned does the rest, which takes seconds, in any thread.

    The file is on the node's own grid, without its transforms, as Slicer writes it.

    Raises:
        OutputError: the ending is another.
        ImageError: the volume is no scan any more.
    """
    target, controller = Path(path), session.controller
    if not target.name.endswith(".seg.nrrd"):
        raise OutputError(f"The file's name must end in .seg.nrrd, got {target.name}. Rename it.")
    volume = replace(controller.volume, affine=own_affine(controller.segments.volume_node))
    unpack = segments_of_node(controller.segments)

    def write() -> Path:
        write_segmentation(target, unpack(), volume)
        return target

    return write


def export_labelmap(session: Session, path: str | Path) -> tuple[Path, Path]:
    """Write the lesions as a label map on the volume's grid, and what its numbers mean beside it.

    A lesion's label is the number in its id, so that it stays the same when others come and go.

    Returns:
        The label map, and the table, `NAME.labels.csv`.

    Raises:
        OutputError: the ending is another, no lesion has a voxel, or the disk refuses.
        ImageError: the volume is no scan any more.
    """
    return exporting_labelmap(session, path)(), labels_path(Path(path))


def exporting_labelmap(session: Session, path: str | Path) -> Export:
    """The same in two parts: what is returned does the rest in any thread.

    Raises:
        OutputError: the ending is another, or no lesion has a voxel.
        ImageError: the volume is no scan any more.
    """
    target = Path(path)
    table = labels_path(target)
    unpack, volume = lesion_segments(session.controller), session.controller.volume
    if all(session.controller.mask(x.lesion_id).is_empty for x in session.annotation.snapshot.lesions):
        raise OutputError("No lesion has a mask yet, so there is nothing to write. Draw one first.")

    def write() -> Path:
        segments = unpack()
        write_segmentation(target, segments, volume)
        write_label_table(table, segments)
        return target

    return write


def labels_path(target: Path) -> Path:
    """Where the table of a label map's numbers lies: beside it, as `NAME.labels.csv`.

    Raises:
        OutputError: the ending is that of no label map.
    """
    ending = next((e for e in LABELMAP_ENDINGS if target.name.endswith(e)), None)
    if ending is None or target.name.endswith(".seg.nrrd"):
        raise OutputError(f"A label map ends in {', '.join(LABELMAP_ENDINGS)}, got {target.name}. Rename it.")
    return target.with_name(f"{target.name.removesuffix(ending)}.labels.csv")


def export_table(session: Session, path: str | Path) -> Path:
    """Write the lesion list as CSV.

    Raises:
        OutputError: the file cannot be written.
    """
    return exporting_table(session, path)()


def exporting_table(session: Session, path: str | Path) -> Export:
    """The same in two parts: what is returned does the rest in any thread."""
    text = session.table.writing_csv()

    def write() -> Path:
        with atomic_write(path) as file:
            file.write(text().encode())
        return Path(path)

    return write


def lesion_segments(controller: Controller) -> Callable[[], list[Segment]]:
    """The lesions that have a mask, as files hold them; what is returned unpacks them, in any thread."""
    lesions = controller.annotation.snapshot.lesions
    labels = label_values([lesion.lesion_id for lesion in lesions])
    parts = []
    for lesion in lesions:
        mask = controller.mask(lesion.lesion_id)
        if not mask.is_empty:
            tags = {k: v for k, v in controller.segments.tags(lesion.lesion_id).items() if v is not None}
            colour, label = controller.colour(lesion.lesion_id), labels[lesion.lesion_id]
            parts.append((lesion, mask, colour, tags, label))
    return lambda: [
        Segment(lesion.name, mask.unpack(), mask.box, colour, lesion.terminology, tags, label)
        for lesion, mask, colour, tags, label in parts
    ]
