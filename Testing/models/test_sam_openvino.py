from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from sam_reference import randomise, relative_error
from torch import Tensor

from SAMLesionLib.errors import EngineError
from SAMLesionLib.models.sam import Sam, build_tiny_lite_medsam, build_tiny_sam
from SAMLesionLib.models.sam import openvino_backend as backend
from SAMLesionLib.models.sam import openvino_graphs as graphs

pytest.importorskip("openvino")

BOX = torch.tensor([[4.0, 5, 20, 28]])
CLICKS = {"points_xy": torch.tensor([[[9.0, 9], [3, 20]]]), "point_labels": torch.tensor([[1, 0]])}
MASK = {"mask_input": torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))}
PROMPTS = {
    "a box": {"boxes_xy": BOX},
    "clicks": CLICKS,
    "a mask": MASK,
    "everything": {"boxes_xy": BOX} | CLICKS | MASK,
    "nothing": {},
}


@pytest.fixture(scope="module", params=[build_tiny_sam, build_tiny_lite_medsam], ids=["vit", "tiny_vit"])
def plain(request: pytest.FixtureRequest) -> Sam:
    network = request.param()
    randomise(network)
    return network.eval()


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("openvino")


@pytest.fixture(scope="module")
def fast(plain: Sam, cache_dir: Path) -> backend.OpenVinoSam:
    return backend.OpenVinoSam(plain, cache_dir, precision="f32", num_threads=1)


@torch.inference_mode()
def test_openvino_encodes_like_the_network(plain: Sam, fast: backend.OpenVinoSam) -> None:
    images = torch.rand(2, 1, plain.image_size, plain.image_size)
    assert fast.image_size == plain.image_size
    assert relative_error(fast.encode(images), plain.encode(images)) < 1e-4


@pytest.mark.parametrize("multimask", [False, True], ids=["one mask", "three masks"])
@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS)
@torch.inference_mode()
def test_openvino_decodes_every_prompt_like_the_network(
    plain: Sam, fast: backend.OpenVinoSam, prompts: dict[str, Tensor], multimask: bool
) -> None:
    embedding = torch.randn(1, 16, 8, 8)
    ours = fast.decode(embedding, **prompts, multimask=multimask)
    theirs = plain.decode(embedding, **prompts, multimask=multimask)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert relative_error(a, b) < 1e-4


@torch.inference_mode()
def test_openvino_takes_any_number_of_objects_on_one_image_or_on_their_own(
    plain: Sam, fast: backend.OpenVinoSam
) -> None:
    boxes = BOX + torch.arange(5.0)[:, None]
    for count in (1, 5):
        embedding = torch.randn(count, 16, 8, 8)
        logits, iou = fast.decode(embedding, boxes_xy=boxes)
        expected, expected_iou = plain.decode(embedding, boxes_xy=boxes)
        assert relative_error(logits, expected) < 1e-4
        assert relative_error(iou, expected_iou) < 1e-4


@torch.inference_mode()
def test_an_image_in_halves_is_exact_in_bfloat16() -> None:
    image = torch.rand(1, 3, 8, 8)
    conv = torch.nn.Conv2d(3, 4, 2, 2)
    rounded = graphs.halves(image).bfloat16().float()
    assert relative_error(rounded[:, :3] + rounded[:, 3:6], image) < 1e-4
    assert relative_error(graphs.take_halves(conv)(rounded), conv(image)) < 1e-4


@torch.inference_mode()
def test_an_answer_stays_when_the_next_one_comes(plain: Sam, fast: backend.OpenVinoSam) -> None:
    images = torch.rand(2, 1, 3, plain.image_size, plain.image_size)
    first = fast.encode(images[0])
    kept = first.clone()
    fast.encode(images[1])
    assert torch.equal(first, kept)


def test_the_second_start_converts_nothing(
    plain: Sam, fast: backend.OpenVinoSam, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs, "_convert", lambda *_: pytest.fail("converted again"))
    again = backend.OpenVinoSam(plain, cache_dir, precision="f32", num_threads=1)
    image = torch.rand(1, 3, plain.image_size, plain.image_size)
    torch.testing.assert_close(again.encode(image), fast.encode(image))


def test_other_weights_have_another_place_in_the_cache(plain: Sam) -> None:
    before = graphs._key(plain, "2026.1")
    assert graphs._key(plain, "2026.2") != before
    bias = plain.mask_decoder.iou_prediction_head.layers[0].bias
    with torch.no_grad():
        bias[0] += 1
        after = graphs._key(plain, "2026.1")
        bias[0] -= 1
    assert after != before


def test_a_damaged_cache_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.joinpath("model.xml").write_text("no model")
    linear = torch.nn.Linear(2, 2)
    model = graphs._cached(
        tmp_path / "model.xml", lambda: graphs._convert(linear, (torch.zeros(3, 2),), None)
    )
    assert len(model.inputs) == 1
    assert "damaged" in caplog.text
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["model.bin", "model.xml"]


@pytest.mark.parametrize(
    ("capabilities", "wanted", "given"),
    [
        (["FP32", "BF16"], None, "bf16"),
        (["FP32", "BF16"], "f32", "f32"),
        (["FP32"], None, "f32"),
        (["FP32"], "bf16", "f32"),
    ],
)
def test_precision_is_what_the_processor_has(
    monkeypatch: pytest.MonkeyPatch, capabilities: list[str], wanted: backend.Precision, given: str
) -> None:
    core = SimpleNamespace(get_property=lambda *_: capabilities)
    monkeypatch.setattr(backend, "import_openvino", lambda: SimpleNamespace(Core=lambda: core))
    assert backend.available_precision(wanted) == given


def test_a_missing_package_is_named_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(EngineError, match=r"pip install 'samlesion\[fast-cpu\]'"):
        graphs.import_openvino()


def test_openvino_does_not_report_its_use() -> None:
    ask = """
from SAMLesionLib.models.sam.openvino_graphs import import_openvino
import_openvino()
from openvino.tools.ovc import telemetry_utils
print(telemetry_utils.tm.__name__)
"""
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert answer.stdout.strip().endswith("telemetry_stub")
