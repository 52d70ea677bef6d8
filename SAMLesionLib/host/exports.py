"""Lesions out of a session: a segmentation, a label map with its table, the list as CSV."""

from __future__ import annotations

from pathlib import Path

from SAMLesionLib.errors import OutputError
from SAMLesionLib.host.controller import Controller
from SAMLesionLib.host.files import save_segmentation
from SAMLesionLib.host.session import Session
from SAMLesionLib.io import Segment, atomic_write, write_label_table, write_segmentation
from SAMLesionLib.lesions import label_values

LABELMAP_ENDINGS = (".nii.gz", ".nii", ".nrrd")


def export_segmentation(session: Session, path: str | Path) -> Path:
    """Write the whole segmentation node as `.seg.nrrd`, segments that are no lesions too.

    Raises:
        OutputError: the ending is another, the folder is missing, or writing failed.
    """
    return save_segmentation(session.controller.segments.node, path)


def export_labelmap(session: Session, path: str | Path) -> tuple[Path, Path]:
    """Write the lesions as a label map on the volume's grid, and what its numbers mean beside it.

    A lesion's label is the number in its id, so that it stays the same when others come and go.

    Returns:
        The label map, and the table, `NAME.labels.csv`.

    Raises:
        OutputError: the ending is another, no lesion has a voxel, or the disk refuses.
        ImageError: the volume is no scan any more.
    """
    target = Path(path)
    ending = next((e for e in LABELMAP_ENDINGS if target.name.endswith(e)), None)
    if ending is None or target.name.endswith(".seg.nrrd"):
        raise OutputError(f"A label map ends in {', '.join(LABELMAP_ENDINGS)}, got {target.name}. Rename it.")
    segments = lesion_segments(session.controller)
    if not segments:
        raise OutputError("No lesion has a mask yet, so there is nothing to write. Draw one first.")
    table = target.with_name(f"{target.name.removesuffix(ending)}.labels.csv")
    write_segmentation(target, segments, session.controller.volume)
    write_label_table(table, segments)
    return target, table


def export_table(session: Session, path: str | Path) -> Path:
    """Write the lesion list as CSV.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_write(path) as file:
        file.write(session.table.to_csv().encode())
    return Path(path)


def lesion_segments(controller: Controller) -> list[Segment]:
    """The lesions that have a mask, as files hold them."""
    lesions = controller.annotation.snapshot.lesions
    labels = label_values([lesion.lesion_id for lesion in lesions])
    segments = []
    for lesion in lesions:
        mask = controller.mask(lesion.lesion_id)
        if not mask.is_empty:
            tags = {k: v for k, v in controller.segments.tags(lesion.lesion_id).items() if v is not None}
            colour, label = controller.colour(lesion.lesion_id), labels[lesion.lesion_id]
            segments.append(
                Segment(lesion.name, mask.unpack(), mask.box, colour, lesion.terminology, tags, label)
            )
    return segments
