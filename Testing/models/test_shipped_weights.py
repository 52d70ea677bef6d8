"""The weights that come with SAMLesion, on the tumour that comes with it; it was not trained on any brain."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

import numpy as np

from SAMLesionLib import BoxPrompt, PromptSet, SegmentRequest, Volume, collect
from SAMLesionLib.engine import Engine
from SAMLesionLib.geometry import Affine, IndexBox
from SAMLesionLib.io import read_volume
from SAMLesionLib.metrics import dice
from SAMLesionLib.models import weights
from SAMLesionLib.models.registry import find
from SAMLesionLib.prompts import PointPrompt
from SAMLesionLib.training.checkpoints import read_about

CARD = find("sgp-sam-small")
SAMPLE = Path(weights.__file__).resolve().parents[1] / "samples" / "pyradiomics_brain1"
BOX = IndexBox((160, 82, 12), (211, 120, 18))


@pytest.fixture(scope="module")
def volume() -> Volume:
    return read_volume(SAMPLE / "image.nrrd")


@pytest.fixture(scope="module")
def tumour() -> np.ndarray:
    """The larger of the two parts, as the expert drew it (k, j, i)."""
    label = read_volume(SAMPLE / "label.nrrd").voxels > 0
    inside = np.zeros_like(label)
    inside[BOX.slices_kji()] = label[BOX.slices_kji()]
    return inside


@pytest.fixture(scope="module")
def engine(volume: Volume) -> Engine:
    engine = Engine("cpu", threads=1)
    engine.load_volume(volume)
    return engine


def answer(engine: Engine, volume: Volume, *prompts: BoxPrompt | PointPrompt) -> np.ndarray:
    request = SegmentRequest(volume.volume_id, CARD.name, PromptSet(prompts))
    return collect(engine.segment(request), volume.shape_ijk)[0]


def test_they_are_small_and_say_where_they_come_from() -> None:
    path = weights.locate(CARD)
    assert path.stat().st_size < 25e6
    assert weights.verify(CARD).is_published
    about = read_about(path)
    assert about["model"] == CARD.name
    licences = {origin["licence"] for origin in about["provenance"]}
    assert licences <= {"CC-BY-3.0", "CC BY", "BSD-2-Clause"}
    assert "STS_003" in about["config"]["data"]["leave_out"]


def test_a_box_becomes_the_tumour(engine: Engine, volume: Volume, tumour: np.ndarray) -> None:
    assert dice(answer(engine, volume, BoxPrompt(BOX)), tumour) > 0.55


@pytest.mark.parametrize("thickness_mm", [0.5, 5.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_picture_of_the_tumour_is_answered_whatever_its_slices_thickness(
    engine: Engine, volume: Volume, tumour: np.ndarray, thickness_mm: float, axis: int
) -> None:
    """One axial slice, lying along each of the grid's axes in turn."""
    slice_ = np.argmax(tumour.sum(axis=(1, 2)))
    picture, wanted = (np.moveaxis(a[[slice_]], 0, 2 - axis) for a in (volume.voxels, tumour))
    spacing_mm = list(volume.affine.spacing_mm[:2])
    spacing_mm.insert(axis, thickness_mm)
    flat = Volume(np.ascontiguousarray(picture), Affine.from_spacing(spacing_mm), modality="MR")
    engine.load_volume(flat)
    box = IndexBox.of_mask(wanted)
    assert box is not None
    assert dice(answer(engine, flat, BoxPrompt(box)), wanted) > 0.7
    k, j, i = np.argwhere(wanted).mean(axis=0).round()
    assert dice(answer(engine, flat, PointPrompt((float(i), float(j), float(k)))), wanted) > 0.3


def test_clicks_on_what_is_missing_help(engine: Engine, volume: Volume, tumour: np.ndarray) -> None:
    one = answer(engine, volume, BoxPrompt(BOX))
    missed = np.argwhere(tumour & ~one)
    k, j, i = missed[len(missed) // 2]
    more = answer(engine, volume, BoxPrompt(BOX), PointPrompt((float(i), float(j), float(k))))
    assert more[k, j, i]
    assert dice(more, tumour) > dice(one, tumour)


def test_a_click_finds_something_around_it(engine: Engine, volume: Volume, tumour: np.ndarray) -> None:
    k, j, i = np.argwhere(tumour).mean(axis=0).round()
    found = answer(engine, volume, PointPrompt((float(i), float(j), float(k))))
    assert found[int(k), int(j), int(i)]
    assert dice(found, tumour) > 0.3
