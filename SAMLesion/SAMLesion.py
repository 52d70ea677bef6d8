"""The door of the Slicer module: what Slicer looks for by name, and the scriptable `segment`.

The work lives in SAMLesionLib, which is imported when it is needed: Slicer imports this file at start-up.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)

if TYPE_CHECKING:
    from SAMLesionLib import PromptSet, Segmenter

_HERE = Path(__file__).resolve().parent
LIBRARY_FOLDER = _HERE if (_HERE / "SAMLesionLib").is_dir() else _HERE.parent
"""Where SAMLesionLib lies: beside this file when installed, one folder up in a source checkout."""
if str(LIBRARY_FOLDER) not in sys.path:
    sys.path.append(str(LIBRARY_FOLDER))

ENGINE_PYTHON_SETTING = "SAMLesion/enginePython"
"""The Python that runs the engine, when it is not Slicer's own: one with `samlesion[engine]` installed."""


class SAMLesion(ScriptedLoadableModule):
    """Tells Slicer what this module is."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.parent.title = "SAMLesion"
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["Markups", "Segmentations"]
        self.parent.contributors = ["SAMLesion maintainers"]
        self.parent.helpText = _(
            "Segments lesions from prompts, in scripts: SAMLesionLogic().segment(volumeNode, prompts)."
        )
        self.parent.acknowledgementText = _(
            "Uses MedSAM (Ma et al., Nature Communications 15:654, 2024) and Segment Anything "
            "(Kirillov et al., ICCV 2023)."
        )
        # Scripts only: there is nothing to show in the module list.
        self.parent.hidden = True


class SAMLesionLogic(ScriptedLoadableModuleLogic):
    """Segments lesions of volume nodes.

    Args:
        segmenter: what makes the masks; None starts an engine in a process of its own with the first
            question, and ends it with `cleanup` or with Slicer.
    """

    def __init__(self, segmenter: Segmenter | None = None) -> None:
        super().__init__()
        self._segmenter = segmenter

    def segment(
        self,
        volumeNode: Any,
        prompts: PromptSet,
        model: str = "lite-medsam",
        segmentationNode: Any = None,
        name: str | None = None,
        window: tuple[float, float] | None = None,
    ) -> tuple[Any, str]:
        """Segment one lesion and wait for it.

        Args:
            volumeNode: a scalar volume.
            prompts: in voxels of the volume; `SAMLesionLib.host.markups` reads them from markups nodes.
            model: name of the model.
            segmentationNode: where the new segment goes; None makes a node.
            name: of the segment; None for "Lesion".
            window: grey values between which the model sees; None for the model's own recipe.

        Returns:
            The segmentation node and the id of the new segment.

        Raises:
            SAMLesionError: one sentence for people; the scene is as it was before.
        """
        from SAMLesionLib import IndexBox, SegmentRequest, collect
        from SAMLesionLib.errors import EngineError
        from SAMLesionLib.host.segments import LesionSegments, create_segmentation
        from SAMLesionLib.host.volumes import volume_from_node
        from SAMLesionLib.provenance import provenance_tags

        volume = volume_from_node(volumeNode)
        segmenter = self.segmenter()
        request = SegmentRequest(segmenter.load_volume(volume), model, prompts, window)
        mask, report = collect(segmenter.segment(request), volume.shape_ijk)
        if report is None:
            raise EngineError("The engine ended its answer too early. Try again.")
        node = segmentationNode or create_segmentation(volumeNode.GetScene(), volumeNode)
        segments = LesionSegments(node, volumeNode)
        segmentId = segments.add(name=name)
        block = IndexBox.of_mask(mask)
        if block is not None:
            segments.write(segmentId, block, mask[block.slices_kji()], is_whole=True)
        segments.set_tags(segmentId, provenance_tags(report, prompts))
        return node, segmentId

    def segmenter(self) -> Segmenter:
        """What makes the masks."""
        if self._segmenter is None:
            from SAMLesionLib.transport import LocalEngine

            self._segmenter = LocalEngine(engineSettings())
        return self._segmenter

    def cleanup(self) -> None:
        """End the engine that was started here."""
        close = getattr(self._segmenter, "close", None)
        if close is not None:
            close()
        self._segmenter = None


def engineSettings() -> Any:
    """How to start the engine: with Slicer's Python, or the one of the setting `ENGINE_PYTHON_SETTING`."""
    from SAMLesionLib.transport import LaunchSettings

    settings = LaunchSettings()
    other = slicer.util.settingsValue(ENGINE_PYTHON_SETTING, "")
    if not other:
        return LaunchSettings(
            environment={"PYTHONPATH": _joined(str(LIBRARY_FOLDER), os.environ.get("PYTHONPATH"))}
        )
    # Slicer's own library paths would make a foreign Python load Slicer's libraries.
    startup = slicer.util.startupEnvironment()
    environment: dict[str, str | None] = {key: startup.get(key) for key in {*os.environ, *startup}}
    environment["PYTHONPATH"] = str(LIBRARY_FOLDER)
    logging.getLogger(__name__).info("the engine runs with %s", other)
    return LaunchSettings(command=(other, *settings.command[1:]), environment=environment)


def _joined(*folders: str | None) -> str:
    return os.pathsep.join(folder for folder in folders if folder)


class SAMLesionTest(ScriptedLoadableModuleTest):
    """Run by "Reload and Test" and by ctest; needs no engine, no GPU and no network."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        self.setUp()
        self.test_aBoxBecomesASegment()

    def test_aBoxBecomesASegment(self) -> None:
        """A bright block in a box becomes a segment of the same voxels, with its provenance."""
        from SAMLesionLib import BoxPrompt, IndexBox, PromptSet
        from SAMLesionLib.host.segments import LesionSegments

        voxels = np.zeros((8, 16, 16), np.int16)
        voxels[2:5, 4:9, 5:10] = 100
        volumeNode = slicer.util.addVolumeFromArray(voxels)
        prompts = PromptSet((BoxPrompt(IndexBox((3, 3, 1), (12, 11, 6))),))
        node, segmentId = SAMLesionLogic(_Threshold()).segment(volumeNode, prompts)
        segments = LesionSegments(node, volumeNode)
        assert np.array_equal(segments.read(segmentId), voxels > 50)
        assert segments.tags(segmentId)["SAMLesion.Model"] == "lite-medsam"


class _Threshold:
    """A segmenter for the test: everything brighter than 50 within the box."""

    def load_volume(self, volume: Any) -> str:
        self._volume = volume
        return str(volume.volume_id)

    def segment(self, request: Any) -> Any:
        from SAMLesionLib import MaskUpdate, RunReport

        box = request.prompts.prompts[0].box
        report = RunReport(request.model, "", "cpu", "float32", "test", 0.0, 0.0, 0)
        yield MaskUpdate(box, self._volume.voxels[box.slices_kji()] > 50, report=report)
