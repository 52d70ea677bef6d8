"""Loading and saving by `slicer.util`, through Slicer's own storage nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Property, QObject, Signal

SCENE, VOLUME, SEGMENTATION, MARKUPS = "SceneFile", "VolumeFile", "SegmentationFile", "MarkupsFile"
_TYPE_OF_ENDING = {
    ".mrb": SCENE,
    ".mrml": SCENE,
    ".seg.nrrd": SEGMENTATION,
    ".seg.nhdr": SEGMENTATION,
    ".mrk.json": MARKUPS,
    ".fcsv": MARKUPS,
    ".nrrd": VOLUME,
    ".nhdr": VOLUME,
    ".nii": VOLUME,
    ".nii.gz": VOLUME,
    ".mha": VOLUME,
    ".mhd": VOLUME,
    ".dcm": VOLUME,
}
_TYPE_OF_CLASS = {
    "vtkMRMLSegmentationNode": SEGMENTATION,
    "vtkMRMLMarkupsNode": MARKUPS,
    "vtkMRMLVolumeNode": VOLUME,
}


class qSlicerCoreIOManager(QObject):
    """Knows how the usual kinds of files become nodes, and nodes files."""

    newFileLoaded = Signal(object)
    fileSaved = Signal(object)

    def __init__(self, host: Any) -> None:
        super().__init__()
        self._host = host

    defaultSceneFileType = Property(str, lambda self: "Medical Reality Bundle (.mrb)")

    def fileType(self, file: str) -> str:
        return next((t for ending, t in _TYPE_OF_ENDING.items() if str(file).lower().endswith(ending)), "")

    def fileWriterFileType(self, node: Any, extension: str = "") -> str:
        return next((t for name, t in _TYPE_OF_CLASS.items() if node.IsA(name)), "")

    def extractKnownExtension(self, file: str, node: Any) -> str:
        return next((ending for ending in _TYPE_OF_ENDING if str(file).lower().endswith(ending)), "")

    def loadNodes(
        self, file_type: str, properties: dict[str, Any], loaded: Any = None, messages: Any = None
    ) -> bool:
        path = Path(properties["fileName"])
        readers = {
            VOLUME: self._load_volume,
            SEGMENTATION: self._load_segmentation,
            MARKUPS: self._load_markups,
            SCENE: self._load_scene,
        }
        if file_type not in readers:
            raise NotImplementedError(f"The test host does not load files of the type {file_type!r}: {path}.")
        try:
            nodes = readers[file_type](path, properties)
        except Exception as error:  # as in Slicer: what a reader cannot read is told by the messages
            if messages is not None:
                messages.AddMessage(0, str(error))
            return False
        for node in nodes if loaded is not None else ():
            loaded.AddItem(node)
        self.newFileLoaded.emit(properties)
        return bool(nodes) or file_type == SCENE

    def loadScene(self, file: str, clear: bool = True, messages: Any = None) -> bool:
        return self.loadNodes(SCENE, {"fileName": file, "clear": clear}, None, messages)

    def saveNodes(
        self, file_type: str, properties: dict[str, Any], messages: Any = None, scene: Any = None
    ) -> bool:
        path = str(properties["fileName"])
        if file_type == SCENE:
            saved = self._save_scene(path)
        else:
            saved = _write_node(self._host.scene.GetNodeByID(properties["nodeID"]), path)
        if saved:
            self.fileSaved.emit(properties)
        return saved

    def addDefaultStorageNodes(self) -> None:
        scene = self._host.scene
        for index in range(scene.GetNumberOfNodesByClass("vtkMRMLStorableNode")):
            node = scene.GetNthNodeByClass(index, "vtkMRMLStorableNode")
            if node.GetStorageNode() is None:
                node.AddDefaultStorageNode()

    def _load_volume(self, path: Path, properties: dict[str, Any]) -> list[Any]:
        is_labelmap = bool(properties.get("labelmap", False))
        node = self._host.load_volume(path, properties.get("name"), is_labelmap)
        node.CreateDefaultDisplayNodes()
        if properties.get("show", True):
            selection = self._host.application_logic.GetSelectionNode()
            setter = selection.SetActiveLabelVolumeID if is_labelmap else selection.SetActiveVolumeID
            setter(node.GetID())
            self._host.application_logic.PropagateVolumeSelection()
        return [node]

    def _load_segmentation(self, path: Path, properties: dict[str, Any]) -> list[Any]:
        logic = self._host.application_logic.GetModuleLogic("Segmentations")
        node = logic.LoadSegmentationFromFile(
            str(path), True, properties.get("name") or path.name.split(".")[0]
        )
        return [node] if node is not None else []

    def _load_markups(self, path: Path, properties: dict[str, Any]) -> list[Any]:
        logic = self._host.application_logic.GetModuleLogic("Markups")
        node_id = logic.LoadMarkups(str(path), properties.get("name") or path.name.split(".")[0])
        return [self._host.scene.GetNodeByID(node_id)] if node_id else []

    def _load_scene(self, path: Path, properties: dict[str, Any]) -> list[Any]:
        scene, clear = self._host.scene, bool(properties.get("clear", False))
        if path.suffix == ".mrb":
            is_read = scene.ReadFromMRB(str(path), clear)
        else:
            scene.SetURL(str(path))
            is_read = bool(scene.Connect() if clear else scene.Import())
        if not is_read:
            raise RuntimeError(f"{path} cannot be read as a scene.")
        return []

    def _save_scene(self, path: str) -> bool:
        scene = self._host.scene
        if path.endswith(".mrb"):
            return bool(scene.WriteToMRB(path))
        if path.endswith(".mrml"):
            scene.SetURL(path)
            return bool(scene.Commit(path))
        raise NotImplementedError(f"The test host saves scenes as .mrb and .mrml, not as {path}.")


def _write_node(node: Any, path: str) -> bool:
    node.AddDefaultStorageNode(path)
    storage = node.GetStorageNode()
    storage.SetFileName(path)
    return bool(storage.WriteData(node))
