"""Segmentations and scenes to files and back; an old file stays until the new one is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import slicer
import vtk

from SAMLesionLib.errors import ImageError, OutputError
from SAMLesionLib.host.layers import ground_if_empty
from SAMLesionLib.host.messages import vtk_errors


def save_segmentation(node: Any, path: str | Path) -> Path:
    """Write a segmentation node as `.seg.nrrd`, which 3D Slicer, SimpleITK and slicerio open.

    The file gets as few layers as the overlaps of its segments allow; the node keeps its own.

    Raises:
        OutputError: the ending is another, the folder is missing, or writing failed.
    """
    target = _checked(path, ".seg.nrrd")
    storage = slicer.vtkMRMLSegmentationStorageNode()

    def write(temporary: str) -> bool:
        storage.SetFileName(temporary)
        return bool(storage.WriteData(_compact_copy(node)))

    return _replace(target, write)


def load_segmentation(scene: Any, path: str | Path) -> Any:
    """Read a `.seg.nrrd` into a new segmentation node.

    Raises:
        ImageError: there is no such file, or it holds no segmentation.
    """
    _existing(path)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", Path(path).name.removesuffix(".seg.nrrd"))
    node.CreateDefaultDisplayNodes()
    node.AddDefaultStorageNode(str(path))
    with vtk_errors() as errors:
        is_read = node.GetStorageNode().ReadData(node)
    if not is_read:
        scene.RemoveNode(node)
        raise ImageError(f"{path} cannot be read as a segmentation ({_first(errors)}). Save it again.")
    return node


def save_scene(scene: Any, path: str | Path) -> Path:
    """Write a whole scene, its images included, as `.mrb`.

    Raises:
        OutputError: the ending is another, the folder is missing, or writing failed.
    """
    return _replace(_checked(path, ".mrb"), lambda temporary: bool(scene.WriteToMRB(temporary)))


def load_scene(scene: Any, path: str | Path) -> None:
    """Replace a scene's content by that of an `.mrb`.

    Raises:
        ImageError: there is no such file, or it holds no scene.
    """
    _existing(path)
    with vtk_errors() as errors, _working_folder_kept():
        is_read = scene.ReadFromMRB(str(Path(path).absolute()), True)
    if not is_read:
        raise ImageError(f"{path} cannot be read as a scene ({_first(errors)}). Save it again.")


@contextmanager
def _working_folder_kept() -> Iterator[None]:
    """VTK's archive reader works in a temporary folder, and stays there when the archive is broken."""
    folder = os.getcwd()
    try:
        yield
    finally:
        os.chdir(folder)


def _compact_copy(node: Any) -> Any:
    # A copy, so that saving changes nothing in the scene: with a layer for each of forty lesions the
    # file took 24 s to write (512 x 512 x 300), with one for all of them 7 s.
    copy = slicer.vtkMRMLSegmentationNode()
    copy.GetSegmentation().DeepCopy(node.GetSegmentation())
    copy.SetName(node.GetName())
    _ground_empty_segments(copy.GetSegmentation())
    copy.GetSegmentation().CollapseBinaryLabelmaps(False)
    return copy


def _ground_empty_segments(segmentation: Any) -> None:
    reference, grid = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
    converter = slicer.vtkSegmentationConverter
    geometry = segmentation.GetConversionParameter(converter.GetReferenceImageGeometryParameterName())
    if converter.DeserializeImageGeometry(geometry, reference, False):
        reference.GetImageToWorldMatrix(grid)
        for segment_id in segmentation.GetSegmentIDs():
            ground_if_empty(segmentation.GetSegment(segment_id), grid)


def _checked(path: str | Path, ending: str) -> Path:
    target = Path(path)
    if not target.name.endswith(ending):
        raise OutputError(f"The file's name must end in {ending}, got {target.name}. Rename it.")
    if not target.parent.is_dir():
        raise OutputError(f"There is no folder {target.parent}. Create it, or choose another.")
    return target


def _replace(target: Path, write: Callable[[str], bool]) -> Path:
    try:
        with tempfile.TemporaryDirectory(prefix=".samlesion-", dir=target.parent) as folder:
            temporary = Path(folder) / target.name
            with vtk_errors() as errors:
                is_written = write(str(temporary))
            if not is_written or errors or not temporary.exists():
                raise OutputError(f"{target} could not be written ({_first(errors)}). Is the disk full?")
            os.replace(temporary, target)
    except OSError as refused:
        raise OutputError(f"{target} could not be written ({refused}). Choose another folder.") from refused
    return target


def _existing(path: str | Path) -> None:
    if not Path(path).is_file():
        raise ImageError(f"There is no file {path}. Check the path.")


def _first(errors: list[str]) -> str:
    return errors[0].splitlines()[-1] if errors else "no reason given"
