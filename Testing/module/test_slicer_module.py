"""The module file as Slicer reads it, its scriptable `segment`, and the engine that it starts."""

from __future__ import annotations

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
from SAMLesionLib.errors import EngineUnavailable, PromptError  # noqa: E402
from SAMLesionLib.host.headless import HeadlessHost  # noqa: E402
from SAMLesionLib.host.segments import LesionSegments  # noqa: E402

pytestmark = pytest.mark.mrml
MODULE_FILE = Path(__file__).resolve().parents[2] / "SAMLesion" / "SAMLesion.py"
PROMPTS = PromptSet((BoxPrompt(IndexBox((3, 3, 1), (12, 11, 6))),))


@pytest.fixture
def module(a_slicer) -> types.ModuleType:
    a_slicer.load_module(MODULE_FILE)
    return sys.modules["SAMLesion"]


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


def test_the_modules_own_test_passes(a_slicer, module) -> None:
    module.SAMLesionTest().runTest()


def test_cleanup_ends_the_engine_that_was_handed_in(module) -> None:
    ended = []
    engine = types.SimpleNamespace(close=lambda: ended.append(True))
    module.SAMLesionLogic(engine).cleanup()
    assert ended == [True]


def test_another_python_for_the_engine_gets_slicers_startup_environment(
    a_slicer, module, monkeypatch
) -> None:
    from SAMLesionQt.engine_choice import PYTHON_SETTING, engineCommand, savedChoice

    monkeypatch.setenv("LD_LIBRARY_PATH", "/slicer/lib")
    a_slicer.startup_environment = {"HOME": "/home/me"}
    a_slicer.settings.setValue(PYTHON_SETTING, "/opt/engine/bin/python")
    command, environment = engineCommand(savedChoice(), "serve")
    assert command == ("/opt/engine/bin/python", "-m", "SAMLesionLib.cli", "serve")
    assert environment["LD_LIBRARY_PATH"] is None
    assert environment["HOME"] == "/home/me"


def test_the_engine_of_slicers_own_python_finds_the_library(a_slicer, module) -> None:
    from SAMLesionQt.engine_choice import engineCommand, savedChoice

    _, environment = engineCommand(savedChoice(), "serve")
    folders = environment["PYTHONPATH"].split(os.pathsep)
    assert (Path(folders[0]) / "SAMLesionLib" / "__init__.py").is_file()
    assert environment["PYTHONNOUSERSITE"] == "1"


def test_an_installed_engine_comes_before_slicers_own_packages(
    a_slicer, module, monkeypatch, tmp_path
) -> None:
    from SAMLesionQt import engine_choice
    from SAMLesionQt.installed import InstalledEngine, newFolder, pythonVersion

    monkeypatch.setattr(engine_choice, "engineRoot", lambda: tmp_path)
    folder = newFolder(tmp_path)
    InstalledEngine(folder, pythonVersion(), "2.9.0", "cpu", 0).save()
    _, environment = engine_choice.engineCommand(engine_choice.savedChoice(), "serve")
    assert environment["PYTHONPATH"].split(os.pathsep)[1] == str(folder)


def test_without_an_engine_the_reader_is_told_to_install_one(a_slicer, module, monkeypatch, tmp_path) -> None:
    from SAMLesionQt import engine_choice

    monkeypatch.setattr(engine_choice, "engineRoot", lambda: tmp_path)
    monkeypatch.setattr(engine_choice, "_slicerHasEngine", lambda: False)
    assert not engine_choice.isInstalled(engine_choice.savedChoice())
    with pytest.raises(EngineUnavailable, match="Press Install"):
        engine_choice.makeSegmenter(engine_choice.savedChoice())


def test_the_sample_is_offered_and_loads_without_a_download(module, monkeypatch) -> None:
    offered = []
    data = types.ModuleType("SampleData")
    data.SampleDataLogic = types.SimpleNamespace(
        registerCustomSampleDataSource=lambda **facts: offered.append(facts)
    )
    monkeypatch.setitem(sys.modules, "SampleData", data)
    from SAMLesionQt.sample_data import SAMPLE, registerSampleData

    icons = MODULE_FILE.parent / "Resources" / "Icons"
    registerSampleData(icons)
    (facts,) = offered
    assert SAMPLE.is_file()
    assert Path(facts["thumbnailFileName"]).is_file()
    assert facts["uris"] == [SAMPLE.as_uri()]


def test_the_module_file_imports_nothing_heavy() -> None:
    """Slicer imports every module at start-up."""
    code = (
        "import sys, types\n"
        "s = types.ModuleType('slicer'); i = types.ModuleType('slicer.i18n'); m = types.ModuleType('m')\n"
        "i.tr = i.translate = None\n"
        "u = types.ModuleType('slicer.util'); u.VTKObservationMixin = type('Mixin', (), {})\n"
        "for n in ('', 'Logic', 'Test', 'Widget'):\n"
        "    setattr(m, 'ScriptedLoadableModule' + n, type(n or 'M', (), {}))\n"
        "names = ('slicer', 'slicer.i18n', 'slicer.ScriptedLoadableModule', 'slicer.util')\n"
        "sys.modules |= dict(zip(names, (s, i, m, u)))\n"
        "import runpy\n"
        f"runpy.run_path({str(MODULE_FILE)!r})\n"
        "print([n for n in ('torch', 'scipy', 'qt', 'SAMLesionLib', 'SAMLesionQt') if n in sys.modules])\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
