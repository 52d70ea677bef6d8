"""An MRML scene in plain Python, for tests and scripts that run without the application.

The application prepares a scene with dozens of module logics. Volumes, markups, segmentations and
their files need the few that are made here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import slicer
import vtk

from SAMLesionLib.errors import ImageError


class HeadlessHost:
    """A scene and the logics it needs; close it, or use it in a `with` statement.

    Attributes:
        scene: the `vtkMRMLScene`.
    """

    def __init__(self) -> None:
        self.scene = slicer.vtkMRMLScene()
        self._cache = tempfile.TemporaryDirectory(prefix="samlesion-scene-")
        known_rules = _conversion_rules()
        self._application = self._start_application()
        # The application logic does not keep them, so they are kept here.
        self._logics = [
            self._add_logic("Colors", slicer.vtkMRMLColorLogic()),
            self._add_logic("Volumes", slicer.vtkSlicerVolumesLogic()),
            self._add_logic("Markups", slicer.vtkSlicerMarkupsLogic()),
            # Registers the converters without which a segment can hold no labelmap.
            self._add_logic("Segmentations", slicer.vtkSlicerSegmentationsModuleLogic()),
        ]
        # Every logic registers its rules anew in the process, and all segmentations pass over all of them:
        # after a hundred hosts a copy of one took seconds.
        self._own_rules = [rule for rule in _conversion_rules() if rule not in known_rules]
        self._remote = self._start_remote_io()

    def __enter__(self) -> HeadlessHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Empty the scene and delete its temporary files."""
        self.scene.Clear(True)
        for rule in self._own_rules:
            slicer.vtkSegmentationConverterFactory.GetInstance().UnregisterConverterRule(rule)
        self._own_rules = []
        self._cache.cleanup()

    def load_volume(self, path: str | Path, name: str | None = None, is_labelmap: bool = False) -> Any:
        """The node of an image file, or of a DICOM series given as the folder of its files.

        Raises:
            ImageError: there is no such file, or it cannot be read as a scalar image.
        """
        path = Path(path)
        files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        if not files or not files[0].exists():
            raise ImageError(f"There is no image at {path}. Check the path.")
        # Not the volumes logic's AddArchetypeVolume: it tries every kind of volume and prints the failures.
        storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
        storage.SetFileName(str(files[0]))
        for file in files if len(files) > 1 else ():
            storage.AddFileName(str(file))
        kind = "vtkMRMLLabelMapVolumeNode" if is_labelmap else "vtkMRMLScalarVolumeNode"
        node = self.scene.AddNewNodeByClass(kind, name or path.name.split(".")[0])
        if not storage.ReadData(node):
            self.scene.RemoveNode(node)
            raise ImageError(f"{path} cannot be read as a scalar image. Give NIfTI, NRRD, MHA or DICOM.")
        return node

    def _start_application(self) -> Any:
        application = slicer.vtkSlicerApplicationLogic()
        application.SetMRMLScene(self.scene)
        application.SetSliceLogics(vtk.vtkCollection())
        application.SetViewLogics(vtk.vtkCollection())
        application.GetColorLogic().SetMRMLScene(self.scene)
        application.GetColorLogic().AddDefaultColorNodes()
        return application

    def _add_logic(self, name: str, logic: Any) -> Any:
        logic.SetMRMLScene(self.scene)
        logic.SetMRMLApplicationLogic(self._application)
        self._application.SetModuleLogic(name, logic)
        return logic

    def _start_remote_io(self) -> tuple[Any, Any]:
        # Reading an .mrb goes through the manager of remote files, though nothing is remote.
        remote = slicer.vtkMRMLRemoteIOLogic()
        data_io = slicer.vtkDataIOManagerLogic()
        for logic in (remote, data_io):
            logic.SetMRMLScene(self.scene)
            logic.SetMRMLApplicationLogic(self._application)
        remote.GetCacheManager().SetRemoteCacheDirectory(self._cache.name)
        data_io.SetAndObserveDataIOManager(remote.GetDataIOManager())
        remote.AddDataIOToScene()
        return remote, data_io


def _conversion_rules() -> list[Any]:
    """What turns one representation of a segment into another, in this process."""
    return list(slicer.vtkSegmentationConverterFactory.GetInstance().GetConverterRules())
