"""The door of the Slicer module: what Slicer looks for by name, and the scriptable `segment`.

The work lives in SAMLesionQt and SAMLesionLib, which are imported when they are needed: Slicer imports this
file at start-up.
"""

from __future__ import annotations

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
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

if TYPE_CHECKING:
    from SAMLesionLib import PromptSet, Segmenter

DOCUMENTATION = "https://github.com/SAMLesion/SlicerSAMLesion/blob/main/docs/user-guide.md"
_HERE = Path(__file__).resolve().parent
LIBRARY_FOLDER = _HERE if (_HERE / "SAMLesionLib").is_dir() else _HERE.parent
"""Where SAMLesionLib lies: beside this file when installed, one folder up in a source checkout."""
if str(LIBRARY_FOLDER) not in sys.path:
    sys.path.append(str(LIBRARY_FOLDER))


class SAMLesion(ScriptedLoadableModule):
    """Tells Slicer what this module is."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.parent.title = "SAMLesion"
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["Markups", "Segmentations", "SegmentEditor"]
        self.parent.contributors = ["SAMLesion maintainers"]
        self.parent.helpText = _(
            "Mark lesions in CT, MR or PET with boxes, points or lines; each becomes an editable segment."
        )
        self.parent.helpText += f'<p><a href="{DOCUMENTATION}">{_("User guide")}</a></p>'
        self.parent.acknowledgementText = _(
            "Uses MedSAM (Ma et al., Nature Communications 15:654, 2024) and Segment Anything "
            "(Kirillov et al., ICCV 2023)."
        )
        slicer.app.connect("startupCompleted()", self._registerSampleData)

    def _registerSampleData(self) -> None:
        if not slicer.app.commandOptions().noMainWindow:
            from SAMLesionQt.sample_data import registerSampleData

            registerSampleData(Path(self.resourcePath("Icons")))


class SAMLesionWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Tells the panel what happens to the module and to the scene.

    Attributes:
        services: what the panel is handed; None for the real things.
    """

    services: Any = None

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: SAMLesionLogic | None = None
        self.panel: Any = None

    def setup(self) -> None:
        from SAMLesionQt.services import Services
        from SAMLesionQt.widget import Panel

        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/SAMLesion.ui"))
        self.layout.addWidget(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        ui = slicer.util.childWidgetVariables(uiWidget)
        resources = Path(self.resourcePath("UI")).parent
        self.panel = Panel(ui, resources, self.services or Services())
        self.logic = SAMLesionLogic(self.panel.engine)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self._onSceneReady)
        self.addObserver(scene, scene.EndImportEvent, self._onSceneReady)

    def enter(self) -> None:
        self.panel.enter(self.logic.getParameterNode())

    def exit(self) -> None:
        self.panel.exit()

    def cleanup(self) -> None:
        self.removeObservers()
        if self.panel is not None:
            self.panel.close()

    def _onSceneStartClose(self, _caller: Any, _event: str) -> None:
        self.panel.sceneClosing()

    def _onSceneReady(self, _caller: Any, _event: str) -> None:
        if self.parent.isEntered:
            self.enter()


class SAMLesionLogic(ScriptedLoadableModuleLogic):
    """Segments lesions of volume nodes.

    Args:
        segmenter: what makes the masks; None starts the engine that the settings name with the first
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
            from SAMLesionQt.engine_choice import makeSegmenter, savedChoice

            self._segmenter = makeSegmenter(savedChoice())
        return self._segmenter

    def getParameterNode(self) -> Any:
        """What the panel saves with the scene."""
        from SAMLesionQt.parameters import PanelParameters

        return PanelParameters(super().getParameterNode())

    def cleanup(self) -> None:
        """End the engine that was started here."""
        close = getattr(self._segmenter, "close", None)
        if close is not None:
            close()
        self._segmenter = None


class SAMLesionTest(ScriptedLoadableModuleTest):
    """Run by "Reload and Test" and by ctest; needs no engine, no GPU and no network."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        self.setUp()
        self.test_aBoxBecomesASegment()
        self.setUp()
        self.test_aReaderMarksAcceptsAndUndoes()

    def test_aBoxBecomesASegment(self) -> None:
        """A bright block in a box becomes a segment of the same voxels, with its provenance."""
        from SAMLesionLib import BoxPrompt, IndexBox, PromptSet
        from SAMLesionLib.host.segments import LesionSegments

        voxels, volumeNode = _brightBlock()
        prompts = PromptSet((BoxPrompt(IndexBox((3, 3, 1), (12, 11, 6))),))
        node, segmentId = SAMLesionLogic(_Threshold()).segment(volumeNode, prompts)
        segments = LesionSegments(node, volumeNode)
        assert np.array_equal(segments.read(segmentId), voxels > 50)
        assert segments.tags(segmentId)["SAMLesion.Model"] == "lite-medsam"

    def test_aReaderMarksAcceptsAndUndoes(self) -> None:
        """A prompt becomes a lesion in a session; acceptance protects it, undo takes that back."""
        from SAMLesionLib import BoxPrompt, IndexBox
        from SAMLesionLib.host.session import Session

        voxels, volumeNode = _brightBlock()
        session = Session.open(_Threshold(), volumeNode)
        controller = session.controller
        lesionId = controller.add_lesion()
        session.annotation.add_prompt(lesionId, BoxPrompt(IndexBox((3, 3, 1), (12, 11, 6))))
        session.pump()
        while controller.is_busy:
            slicer.app.processEvents()
            session.pump()
        assert np.array_equal(controller.segments.read(lesionId), voxels > 50)
        controller.accept(lesionId)
        assert controller.segments.is_accepted(lesionId)
        controller.undo()
        assert not controller.segments.is_accepted(lesionId)
        session.close()


def _brightBlock() -> tuple[Any, Any]:
    voxels = np.zeros((8, 16, 16), np.int16)
    voxels[2:5, 4:9, 5:10] = 100
    return voxels, slicer.util.addVolumeFromArray(voxels)


class _Threshold:
    """A segmenter for the test: everything brighter than 50 within the box."""

    _volume: Any = None

    def load_volume(self, volume: Any) -> str:
        self._volume = volume
        return str(volume.volume_id)

    def segment(self, request: Any) -> Any:
        from SAMLesionLib import MaskUpdate, RunReport
        from SAMLesionLib.errors import VolumeNotLoaded

        if self._volume is None:
            raise VolumeNotLoaded("Send the volume first.")
        box = request.prompts.prompts[0].box
        report = RunReport(request.model, "", "cpu", "float32", "test", 0.0, 0.0, 0)
        yield MaskUpdate(box, self._volume.voxels[box.slices_kji()] > 50, report=report)
