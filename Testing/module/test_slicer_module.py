"""The module file as Slicer reads it, on real MRML nodes; Slicer's own base classes are stood in for."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="needs the slicer-core package")

from vtkmodules.util.numpy_support import numpy_to_vtk  # noqa: E402
from vtkmodules.vtkCommonDataModel import vtkImageData  # noqa: E402

from SAMLesionLib import BoxPrompt, IndexBox, PromptSet  # noqa: E402
from SAMLesionLib.errors import PromptError  # noqa: E402
from SAMLesionLib.host.headless import HeadlessHost  # noqa: E402
from SAMLesionLib.host.segments import LesionSegments  # noqa: E402

pytestmark = pytest.mark.mrml
MODULE_FILE = Path(__file__).resolve().parents[2] / "SAMLesion" / "SAMLesion.py"
PROMPTS = PromptSet((BoxPrompt(IndexBox((3, 3, 1), (12, 11, 6))),))


class Base:
    def __init__(self, parent: object = None) -> None:
        self.parent = parent


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    scripted = types.ModuleType("slicer.ScriptedLoadableModule")
    for name in ("", "Logic", "Test"):
        setattr(scripted, f"ScriptedLoadableModule{name}", type(f"Base{name}", (Base,), {}))
    i18n = types.ModuleType("slicer.i18n")
    i18n.tr = lambda text: text
    i18n.translate = lambda context, text: text
    monkeypatch.setitem(sys.modules, "slicer.ScriptedLoadableModule", scripted)
    monkeypatch.setitem(sys.modules, "slicer.i18n", i18n)
    spec = importlib.util.spec_from_file_location("SAMLesionModuleUnderTest", MODULE_FILE)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def a_volume_node():
    with HeadlessHost() as host:
        node = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "scan")
        voxels = np.zeros((8, 16, 16), np.int16)
        voxels[2:5, 4:9, 5:10] = 100
        image = vtkImageData()
        image.SetDimensions(16, 16, 8)
        image.GetPointData().SetScalars(numpy_to_vtk(voxels.ravel(), deep=True))
        node.SetAndObserveImageData(image)
        yield node


def test_a_box_becomes_a_segment_with_its_provenance(module, a_volume_node) -> None:
    node, segment_id = module.SAMLesionLogic(module._Threshold()).segment(
        a_volume_node, PROMPTS, name="Tumour"
    )
    segments = LesionSegments(node, a_volume_node)
    mask = segments.read(segment_id)
    assert mask.sum() == 75
    assert mask[2:5, 4:9, 5:10].all()
    assert segments.segment(segment_id).GetName() == "Tumour"
    assert segments.tags(segment_id)["DICOM.SegmentAlgorithmType"] == "SEMIAUTOMATIC"


def test_a_second_lesion_goes_into_the_same_segmentation(module, a_volume_node) -> None:
    logic = module.SAMLesionLogic(module._Threshold())
    node, first = logic.segment(a_volume_node, PROMPTS)
    again, second = logic.segment(a_volume_node, PROMPTS, segmentationNode=node)
    assert again is node
    assert LesionSegments(node, a_volume_node).segment_ids == (first, second)


def test_a_refused_prompt_leaves_the_scene_as_it_was(module, a_volume_node) -> None:
    class Refusing(module._Threshold):
        def segment(self, request):
            raise PromptError("This box lies outside scan. Draw it on the image.")
            yield

    scene = a_volume_node.GetScene()
    with pytest.raises(PromptError):
        module.SAMLesionLogic(Refusing()).segment(a_volume_node, PROMPTS)
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_cleanup_ends_the_engine_that_was_handed_in(module) -> None:
    ended = []
    engine = types.SimpleNamespace(close=lambda: ended.append(True))
    module.SAMLesionLogic(engine).cleanup()
    assert ended == [True]


def test_another_python_for_the_engine_gets_slicers_startup_environment(module, monkeypatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/slicer/lib")
    util = types.SimpleNamespace(
        settingsValue=lambda key, default: "/opt/engine/bin/python",
        startupEnvironment=lambda: {"HOME": "/home/me"},
    )
    monkeypatch.setattr(module.slicer, "util", util)
    settings = module.engineSettings()
    assert settings.command[0] == "/opt/engine/bin/python"
    assert settings.environment["LD_LIBRARY_PATH"] is None
    assert settings.environment["HOME"] == "/home/me"


def test_the_engine_of_slicers_own_python_finds_the_library(module, monkeypatch) -> None:
    monkeypatch.setattr(
        module.slicer, "util", types.SimpleNamespace(settingsValue=lambda key, default: default)
    )
    folders = module.engineSettings().environment["PYTHONPATH"].split(os.pathsep)
    assert (Path(folders[0]) / "SAMLesionLib" / "__init__.py").is_file()


def test_the_module_file_imports_nothing_heavy() -> None:
    """Slicer imports every module at start-up."""
    code = (
        "import sys, types\n"
        "s = types.ModuleType('slicer'); i = types.ModuleType('slicer.i18n'); m = types.ModuleType('m')\n"
        "i.tr = i.translate = None\n"
        "m.ScriptedLoadableModule = m.ScriptedLoadableModuleLogic = m.ScriptedLoadableModuleTest = object\n"
        "sys.modules |= {'slicer': s, 'slicer.i18n': i, 'slicer.ScriptedLoadableModule': m}\n"
        "import runpy\n"
        f"runpy.run_path({str(MODULE_FILE)!r})\n"
        "print([n for n in ('torch', 'scipy', 'SAMLesionLib') if n in sys.modules])\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
