"""TAGS in the training loop: what it learns from, what it is told, and what may be left out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_loop import kill_in_step
from tiny_organs import WIDTH, Organs, OrganSource, a_tags_config, a_words_file, build_tinier_tags
from tiny_runs import lines_of
from tumour_sets import a_kidney_set

from SAMLesionLib import cli
from SAMLesionLib.errors import InputError, WeightsError
from SAMLesionLib.models.tags import build_3dsam_adapter
from SAMLesionLib.training.alignment import Alignment, WordSettings
from SAMLesionLib.training.asking import ask
from SAMLesionLib.training.batches import batch_of
from SAMLesionLib.training.checkpoints import read_about
from SAMLesionLib.training.config import OptimizerSettings
from SAMLesionLib.training.loop import train
from SAMLesionLib.training.optimizer import clip_gradients, make_optimizer, set_learning_rate
from SAMLesionLib.training.tags_losses import alignment_loss


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_words_file(tmp_path_factory.mktemp("words"), "kidney", "liver")


def columns(path: Path) -> dict[str, list[float]]:
    head, *rows = (line.split(",") for line in path.read_text().splitlines())
    return {name: [float(row[n]) for row in rows] for n, name in enumerate(head)}


def test_mask_and_alignment_are_learned(words: Path, tmp_path: Path) -> None:
    config = a_tags_config(words, steps=16, log_every=8, validation={"every": 16})

    best = train(config, tmp_path)

    judged = columns(tmp_path / "validation.csv")
    assert judged["loss"][-1] < judged["loss"][0] - 0.2
    assert best == pytest.approx(-min(judged["loss"]), rel=1e-5)
    losses = columns(tmp_path / "log.csv")["loss"]
    assert losses[-1] < losses[0] - 0.1
    about = read_about(tmp_path / "best.safetensors")
    assert about["config"]["words"]["said"] == "organ"
    build_tinier_tags().load_state_dict(load_file(tmp_path / "best.safetensors"))


def test_a_run_that_was_killed_goes_on_bit_by_bit(
    words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    config = a_tags_config(words)
    train(config, whole)
    with monkeypatch.context() as patch:
        kill_in_step(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            train(config, broken)

    train(config, broken, resume=True)

    for name in ("last.safetensors", "best.safetensors"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()
    assert lines_of(broken / "log.csv") == lines_of(whole / "log.csv")


def test_it_begins_with_a_sam_and_what_is_sams_stays(words: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    sam = {f"image_encoder.{k}": v for k, v in build_tinier_tags().image_encoder.state_dict().items()}
    sam = {k: v.clone() for k, v in sam.items() if "slice_embed" not in k}
    save_file(sam, tmp_path / "sam.safetensors")
    config = a_tags_config(words, start=str(tmp_path / "sam.safetensors"), steps=2, tune={"method": "tags"})

    train(config, tmp_path / "run")

    after = load_file(tmp_path / "run" / "last.safetensors")
    for kept in (
        "patch_embed.proj.weight",
        "blocks.0.attn.qkv.weight",
        "blocks.1.mlp.lin1.bias",
        "pos_embed",
    ):
        assert torch.equal(after[f"image_encoder.{kept}"], sam[f"image_encoder.{kept}"])
    changed = "image_encoder.blocks.0.norm1.weight"
    assert not torch.equal(after[changed], sam[changed])


def test_the_loss_is_that_of_each_samples_own_words(words: Path) -> None:
    torch.manual_seed(0)
    network, config = build_tinier_tags(), a_tags_config(words, words={"weight": 0.5})
    samples = [OrganSource(Organs(word=word), 16).sample(n, 1) for n, word in enumerate(("kidney", "liver"))]
    batch, alignment = batch_of(samples, 0), Alignment(config.words, network)
    with torch.no_grad():
        rounds = ask(network, batch, batch.generator(1), config)
    kept = load_file(words)

    each = [
        alignment_loss([f[n : n + 1] for f in rounds.aligned], kept[word], batch.labels[n : n + 1])
        for n, word in enumerate(batch.words)
    ]
    torch.testing.assert_close(alignment.loss(rounds, batch), 0.5 * torch.stack(each).mean())


def test_what_is_switched_off_costs_nothing(tmp_path: Path) -> None:
    train(
        a_tags_config(
            tmp_path / "none",
            steps=1,
            words={"weight": 0.0},
            points={"inside": 0, "anywhere": 0, "organ": 0.0},
            data={"has_organ": False, "word": ""},
        ),
        tmp_path / "run",
    )
    assert (tmp_path / "run" / "last.safetensors").exists()


def test_random_directions_need_no_words_and_are_the_same_each_time(tmp_path: Path) -> None:
    settings, network = WordSettings(said="random", file=tmp_path / "none"), build_tinier_tags()

    first, second = (Alignment(settings, network).directions(["kidney"]) for _ in range(2))

    assert first.shape == (1, WIDTH, 2)
    assert torch.equal(first, second)
    torch.testing.assert_close(first.norm(dim=1), torch.ones(1, 2))


def test_a_network_without_alignment_needs_no_words(tmp_path: Path) -> None:
    with torch.device("meta"):
        network = build_3dsam_adapter()
    assert Alignment(WordSettings(file=tmp_path / "none"), network).directions([""]).shape == (1, 0, 2)


@pytest.mark.parametrize(
    ("settings", "data", "said"),
    [
        ({"file": "none.safetensors"}, {}, "Name one of them by words.clip or words.file"),
        ({}, {"word": ""}, "Name it by data.organ"),
        ({}, {"word": "spleen"}, "no text encoder is here"),
    ],
)
def test_missing_words_are_told_before_the_first_step(
    settings: dict[str, str], data: dict[str, str], said: str, words: Path, tmp_path: Path
) -> None:
    with pytest.raises((InputError, WeightsError), match=said):
        train(a_tags_config(words, words=settings, data=data), tmp_path / "run")
    assert not (tmp_path / "run" / "log.csv").exists()


def test_an_organ_that_nobody_knows_is_refused_before_its_scans_are_prepared(
    words: Path, tmp_path: Path
) -> None:
    data = {
        "source": "organs",
        "path": str(a_kidney_set(tmp_path / "set", (0, 1, 2, 3))),
        "organ": "spleen",
        "prepared": str(tmp_path / "prepared"),
    }
    with pytest.raises(WeightsError, match="no text encoder is here"):
        train(a_tags_config(words, data=data), tmp_path / "run")
    assert not (tmp_path / "prepared").exists()
    assert not (tmp_path / "run").exists()


def test_words_of_another_width_are_refused(tmp_path: Path) -> None:
    save_file({"kidney": torch.randn(384, 2)}, tmp_path / "words.safetensors")
    with pytest.raises(InputError, match="384 channels, this network's tokens 24"):
        train(a_tags_config(tmp_path / "words.safetensors"), tmp_path / "run")


# -- the optimizer -------------------------------------------------------------------------------------


def test_the_learning_rate_falls_in_a_line_and_everything_decays() -> None:
    network = build_tinier_tags()
    settings = OptimizerSettings(
        lr=1e-4, final_share=0.604, warmup_share=0, fall="linear", weight_decay=1e-5, decay_all=True
    )
    optimizer = make_optimizer(network, settings)

    assert [group["weight_decay"] for group in optimizer.param_groups] == [1e-5]
    for done, share in ((0.0, 1.0), (0.5, 0.802), (1.0, 0.604)):
        set_learning_rate(optimizer, settings, done)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-4 * share)


def test_a_learning_rate_is_held_for_an_epoch(words: Path, tmp_path: Path) -> None:
    optimizer = {"lr": 1e-3, "hold": 2, "fall": "linear", "final_share": 0.0, "warmup_share": 0.0}
    train(a_tags_config(words, steps=4, log_every=1, optimizer=optimizer), tmp_path)

    assert columns(tmp_path / "log.csv")["lr"] == pytest.approx([7.5e-4, 7.5e-4, 2.5e-4, 2.5e-4])


def test_the_parts_of_a_network_are_clipped_each_for_itself() -> None:
    network = build_tinier_tags()
    parts = (network.image_encoder, network.prompt_encoder, network.mask_decoder)
    for part, length in zip(parts, (10.0, 0.5, 3.0), strict=True):
        learning = [p for p in part.parameters() if p.requires_grad]
        n = sum(p.numel() for p in learning)
        for parameter in learning:
            parameter.grad = torch.full_like(parameter, length / n**0.5)

    longest = clip_gradients(network, OptimizerSettings(clip=1.0, clip_parts=True))

    assert longest.item() == pytest.approx(10.0, rel=1e-4)
    for part, length in zip(parts, (1.0, 0.5, 1.0), strict=True):
        squares = sum(p.grad.square().sum() for p in part.parameters() if p.grad is not None)
        assert squares.sqrt().item() == pytest.approx(length, rel=1e-4)


# -- the command ---------------------------------------------------------------------------------------


def test_a_run_file_of_a_data_set_is_trained(
    words: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = a_kidney_set(tmp_path / "kits", (0, 1, 2, 3))
    (tmp_path / "run.toml").write_text(f"""
        model = "tags"
        architecture = "tiny_organs:build_tinier_tags"
        steps = 2
        device = "cpu"
        threads = 1
        [data]
        source = "organs"
        path = {json.dumps(str(data))}
        organ = "kidney"
        prepared = {json.dumps(str(tmp_path / "prepared"))}
        split = {{ train = 0.5, test = 0.25 }}
        [loss]
        name = "tags"
        [words]
        file = {json.dumps(str(words))}
        [batch]
        samples = 2
        workers = 1
        [validation]
        samples = 1
        best_at = "loss"
    """)

    assert cli.main(["train", str(tmp_path / "run.toml"), "-o", str(tmp_path / "out")]) == 0

    told = capsys.readouterr().out
    assert re.fullmatch(r"best validation loss \d+\.\d{4}, in .*out\n", told)
    (origin,) = read_about(tmp_path / "out" / "last.safetensors")["provenance"]
    assert origin["note"] == "2 cases, label any, 2 organs from files, the others from labels"
