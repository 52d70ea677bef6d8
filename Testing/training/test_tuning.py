from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from safetensors.torch import load_file
from tiny_runs import a_config
from torch import Tensor, nn

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.sam import build_tiny_sam
from SAMLesionLib.models.sam3d import Sam3D, build_sam_med3d, build_tiny_sam3d
from SAMLesionLib.models.sam3d.image_encoder import Attention
from SAMLesionLib.models.sgp_sam import build_sgp_sam, build_tiny_sgp_sam
from SAMLesionLib.models.tags import build_tags
from SAMLesionLib.training.adapters import PromptedAttention, plain_state_dict, take_plain
from SAMLesionLib.training.config import OptimizerSettings
from SAMLesionLib.training.loop import train
from SAMLesionLib.training.mask_adapter import MaskAdapter, add_mask_adapter
from SAMLesionLib.training.optimizer import make_optimizer
from SAMLesionLib.training.tuning import Method, TuneSettings, tune

ADDS = ("lora", "m-sam", "adapter", "tokens")


def n_learning(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


@pytest.mark.parametrize(
    ("method", "n"),
    [
        ("full", 100_509_232),
        ("decoder", 7_575_636),
        ("lora", 147_456),
        ("adapter", 7_220_736),
        ("bias", 102_912),
        ("zero-shot", 0),
    ],
)
def test_each_method_trains_as_many_parameters_as_its_paper_says(method: Method, n: int) -> None:
    with torch.device("meta"):
        network = build_sam_med3d()
        tune(network, TuneSettings(method, decoder=method in ("full", "decoder")))

    assert n_learning(network) == n


def test_m_sam_trains_about_a_fifth_as_its_paper_says() -> None:
    with torch.device("meta"):
        network = build_sam_med3d()
        tune(network, TuneSettings("m-sam"))

    assert n_learning(network) == 21_473_776
    assert n_learning(network) / sum(p.numel() for p in network.parameters()) == pytest.approx(0.2, abs=0.02)


def test_gates_fusion_and_decoder_learn_in_sgp_sam() -> None:
    with torch.device("meta"):
        network = build_sgp_sam()
        tune(network, TuneSettings("sgp"))

    assert n_learning(network) == 858_004 + 7_575_636


def test_what_tags_adds_to_sam_learns() -> None:
    with torch.device("meta"):
        network = build_tags()
        tune(network, TuneSettings("full"))
        tune(network, TuneSettings("tags"))

    assert n_learning(network) == 27_821_696
    with pytest.raises(InputError, match="Choose model tags"):
        tune(build_tiny_sam3d(), TuneSettings("tags"))


@pytest.mark.parametrize("method", ["lora", "m-sam", "adapter"])
@pytest.mark.parametrize("build", [build_tiny_sam3d, build_tiny_sgp_sam])
def test_what_is_added_changes_nothing_at_first(method: Method, build: type[Sam3D]) -> None:
    torch.manual_seed(0)
    network = build().eval()
    for table in (p for name, p in network.named_parameters() if "rel_pos" in name):
        nn.init.normal_(table)
    image, mask = torch.randn(2, 1, 32, 32, 32), torch.randn(2, 1, 8, 8, 8)
    before = network.encode(image)
    answers = [network.decode(before, mask_input=m)[0] for m in (None, mask)]

    tune(network, TuneSettings(method))

    torch.testing.assert_close(network.encode(image)[0], before[0], rtol=0, atol=1e-5)
    for answer, m in zip(answers, (None, mask), strict=True):
        torch.testing.assert_close(network.decode(before, mask_input=m)[0], answer, rtol=0, atol=1e-5)


def test_learned_tokens_are_more_keys_of_the_attention() -> None:
    torch.manual_seed(0)
    plain = Attention(12, 2, 2)
    for table in (plain.rel_pos_d, plain.rel_pos_h, plain.rel_pos_w):
        nn.init.normal_(table)
    prompted, x = PromptedAttention(plain, 3), torch.randn(1, 2, 2, 2, 12)
    asked = {}

    def remember(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor) -> Tensor:
        asked["shapes"] = (k.shape[2], attn_mask.shape[-1])
        return attend(q, k[:, :, :8], v[:, :, :8], attn_mask=attn_mask[..., :8])

    attend = nn.functional.scaled_dot_product_attention
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.functional, "scaled_dot_product_attention", remember)
        without = prompted(x)
    assert asked["shapes"] == (11, 11)
    torch.testing.assert_close(without, plain(x))  # the other keys are as they were
    assert not torch.allclose(prompted(x), plain(x))


@pytest.mark.parametrize("method", ADDS)
def test_what_is_added_gets_gradients(method: Method) -> None:
    torch.manual_seed(0)
    network = build_tiny_sam3d()
    tune(network, TuneSettings(method, decoder=False))
    encoded = network.encode(torch.randn(1, 1, 32, 32, 32))
    network.decode(encoded, mask_input=torch.randn(1, 1, 8, 8, 8))[0].square().mean().backward()

    gradients = [p.grad for p in network.parameters() if p.requires_grad]
    assert any(g is not None and bool(g.abs().sum() > 0) for g in gradients)
    assert all(p.grad is None for p in network.parameters() if not p.requires_grad)


def test_merged_low_rank_weights_answer_alike_in_the_plain_network() -> None:
    torch.manual_seed(0)
    network, plain = build_tiny_sam3d(), build_tiny_sam3d()
    tune(network, TuneSettings("lora"))
    for name, parameter in network.named_parameters():
        if ".up_" in name:
            nn.init.normal_(parameter, std=0.1)
    plain.load_state_dict(plain_state_dict(network))
    image = torch.randn(1, 1, 32, 32, 32)

    torch.testing.assert_close(plain.eval().encode(image), network.eval().encode(image))


@pytest.mark.parametrize("method", [method for method in get_args(Method) if method != "tags"])
def test_every_method_runs_in_the_loop(method: Method, tmp_path: Path) -> None:
    config = a_config(steps=2, tune={"method": method}, validation={"every": 2})

    train(config, tmp_path)

    if method == "zero-shot":
        assert not (tmp_path / "last.safetensors").exists()
        return
    torch.manual_seed(config.seed)
    untouched = build_tiny_sgp_sam().state_dict()
    learned = load_file(tmp_path / "best.safetensors")
    changed = {name for name in untouched if not equal(learned[name], untouched[name])}
    assert any(name.startswith("mask_decoder.") for name in changed)
    assert any(name.startswith("image_encoder.") for name in changed) == (
        method in ("full", "lora", "m-sam", "bias")
    )
    assert any(name.startswith("sgpm.") for name in changed) == (method in ("full", "sgp"))


def test_the_adapter_before_the_decoder_sees_the_mask_and_learns_faster_than_the_decoder() -> None:
    torch.manual_seed(0)
    network = build_tiny_sam3d().eval()
    tune(network, TuneSettings("m-sam"))
    adapter = network.mask_decoder.mask_adapter
    assert isinstance(adapter, MaskAdapter)
    nn.init.normal_(adapter.out.weight)
    embedding, masks = torch.randn(1, 24, 2, 2, 2), torch.randn(2, 24, 2, 2, 2)
    added = adapter(embedding, masks) - embedding - masks
    assert added.shape == masks.shape
    assert not torch.allclose(added[0], added[1])

    groups = make_optimizer(network, OptimizerSettings(lr=1.0, decoder_lr=0.1)).param_groups
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    for name, parameter in network.named_parameters():
        is_new = ".parametrizations.weight.0." in name or ".mask_adapter." in name
        is_old = name.startswith(("mask_decoder.", "prompt_encoder."))
        assert rates.get(id(parameter)) == (1.0 if is_new else 0.1 if is_old else None), name


@pytest.mark.parametrize("method", [method for method in get_args(Method) if method != "tags"])
def test_what_was_learned_answers_alike_when_it_is_taken_back(method: Method) -> None:
    torch.manual_seed(0)
    network, again = build_tiny_sgp_sam(), build_tiny_sgp_sam()
    settings = TuneSettings(method)
    tune(network, settings)
    for parameter in (p for p in network.parameters() if p.requires_grad):
        nn.init.normal_(parameter, std=0.1)
    tune(again, settings)

    again.load_state_dict(take_plain(again, plain_state_dict(network)))

    image = torch.randn(1, 1, 32, 32, 32)
    ours, theirs = (n.eval().decode(n.encode(image))[0] for n in (network, again))
    torch.testing.assert_close(ours, theirs)


def test_a_run_with_low_rank_goes_on(tmp_path: Path) -> None:
    config = a_config(steps=2, tune={"method": "lora"})
    train(config, tmp_path)

    train(replace(config, steps=3), tmp_path, resume=True)

    assert any("parametrizations" in name for name in load_file(tmp_path / "last.safetensors"))
    build_tiny_sgp_sam().load_state_dict(load_file(tmp_path / "best.safetensors"))


def test_a_method_that_the_network_cannot_have_is_refused() -> None:
    with pytest.raises(InputError, match="needs a network with gates"):
        tune(build_tiny_sam3d(), TuneSettings("sgp"))
    with pytest.raises(InputError, match="3D encoders"):
        tune(build_tiny_sam(), TuneSettings("lora"))
    with pytest.raises(InputError, match="needs a SAM-Med3D"):
        add_mask_adapter(build_tiny_sam())
    with pytest.raises(InputError, match="needs a multiple of 7 channels, the model has 24"):
        add_mask_adapter(build_tiny_sam3d(), num_heads=7)


def equal(ours: Tensor, theirs: Tensor) -> bool:
    return torch.equal(ours, theirs)
