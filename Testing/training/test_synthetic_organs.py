"""Organs with their lesions, real limbs, and the small network that they teach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from safetensors.torch import load_file

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.registry import find
from SAMLesionLib.models.tags.small import EMBED_DIM, build_small_tags
from SAMLesionLib.training.config import read_config
from SAMLesionLib.training.loop import train
from SAMLesionLib.training.samples import Sample
from SAMLesionLib.training.synthetic.fields import blur
from SAMLesionLib.training.synthetic.limbs import limb
from SAMLesionLib.training.synthetic.organ_source import SyntheticOrganSettings
from SAMLesionLib.training.synthetic.organs import KINDS, LEAST_CELLS, OrganScans, as_a_program_draws
from SAMLesionLib.training.synthetic.shapes import ShapeLibrary

SIZE = 32
CARD = replace(find("tags"), image_size=SIZE)


def a_ball(radius: float, size: int = 21) -> np.ndarray:
    along = np.arange(size) - size // 2
    d, h, w = np.meshgrid(along, along, along, indexing="ij")
    return d**2 + h**2 + w**2 <= radius**2


BALLS = ShapeLibrary(("nodule_0", "nodule_1"), (a_ball(8), a_ball(9)))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Ten shapes, and a folder with the scans of two legs."""
    folder = tmp_path_factory.mktemp("organs")
    shapes: dict[str, Any] = {f"nodule_{n}": a_ball(5 + n % 4) for n in range(10)}
    np.savez(folder / "shapes.npz", **shapes)
    (folder / "arrays").mkdir()
    leg = a_ball(15, 36)
    scan = {"image": (90 * leg).astype(np.uint8), "label": np.pad(a_ball(5), ((7, 8),) * 3).astype(np.uint8)}
    arrays: dict[str, Any] = {f"{case}_{what}": array for case in ("a", "b") for what, array in scan.items()}
    np.savez(folder / "arrays" / "mr.npz", **arrays)
    return folder / "shapes.npz", folder / "arrays"


def cubes(alike_share: float, count: int = 8) -> list[Sample]:
    scans = OrganScans(BALLS, SIZE, alike_share)
    return [scans.sample(np.random.default_rng(n)) for n in range(count)]


def test_lesions_lie_in_their_organ_and_the_organ_does_not_tell_where() -> None:
    for sample in cubes(0.5):
        assert sample.organ is not None
        assert sample.label.sum() >= LEAST_CELLS / 3
        assert (sample.label & sample.organ).sum() > 0.7 * sample.label.sum()
        assert sample.organ.sum() > 1.5 * sample.label.sum()
        assert sample.word in {kind.word for kind in KINDS}
        assert sample.name.startswith(sample.word)


def test_as_many_cubes_as_asked_for_have_lesions_of_the_same_look_outside() -> None:
    def n_outside(sample: Sample) -> int:
        return int(sample.name.split()[1])

    assert not any(n_outside(sample) for sample in cubes(0.0))
    crowded = [n_outside(sample) for sample in cubes(1.0)]
    assert max(crowded) <= 3
    assert np.mean([n > 0 for n in crowded]) > 0.5


def test_lesions_outside_are_clear_of_the_organ_and_not_asked_for() -> None:
    scans, draw = OrganScans(BALLS, SIZE, 1.0), np.random.default_rng(3)
    organ = torch.zeros(SIZE, SIZE, SIZE)
    organ[:, :, :12] = 1
    found = [lesion for _ in range(6) for lesion in scans._outside(draw, organ)]
    assert found
    assert not any(bool(((lesion > 0) & (blur(organ, 1.0) > 0.02)).any()) for lesion in found)


def test_a_drawn_organ_is_off_by_little_and_never_the_same() -> None:
    organ = torch.from_numpy(a_ball(10, SIZE).astype(np.float32))
    drawn = [as_a_program_draws(np.random.default_rng(n), organ) for n in range(4)]
    for mask in drawn:
        common = (mask & (organ > 0.5).numpy()).sum()
        assert 0.8 < 2 * common / (mask.sum() + organ.sum().item()) < 1.0
    assert (drawn[0] != drawn[1]).any()


def test_a_limb_is_all_but_air_with_its_dark_parts() -> None:
    leg = a_ball(14, 36)
    image = np.where(leg, 90, 2).astype(np.uint8)
    image[a_ball(4, 36)] = 0
    found = limb(image)
    assert (found & leg).sum() > 0.99 * leg.sum()
    assert (found & ~a_ball(16, 36)).sum() == 0
    assert not limb(np.zeros((9, 9, 9), np.uint8)).any()


def test_a_source_mixes_organs_and_limbs_and_keeps_shapes_and_patients_apart(
    files: tuple[Path, Path],
) -> None:
    settings = SyntheticOrganSettings(*files, validation=("b",))
    names = {}
    for part in ("train", "validation"):
        source = settings.open(CARD, part)
        drawn = [source.sample(n, 1) for n in range(16)]
        assert {"limb"} < {sample.word for sample in drawn}
        assert all(sample.organ is not None and sample.organ.any() for sample in drawn)
        names[part] = {sample.name.split()[-1] for sample in drawn}
        again = source.sample(7, 1)
        assert np.array_equal(again.image, drawn[7].image)
        assert again.name == drawn[7].name
    assert not names["train"] & names["validation"]
    with pytest.raises(InputError, match="no test part"):
        settings.open(CARD, "test")


def test_the_small_network_is_small_and_all_of_it_can_learn(files: tuple[Path, Path], tmp_path: Path) -> None:
    network = build_small_tags()
    assert sum(p.numel() for p in network.parameters()) < 1e6
    assert network.image_size == SIZE
    assert network.image_encoder.embed_dim == EMBED_DIM
    points = {"inside": 3, "anywhere": 0}
    run = {
        "model": "tags",
        "architecture": "SAMLesionLib.models.tags.small:build_small_tags",
        "steps": 2,
        "save_every": 2,
        "data": {"source": "synthetic-organs", "shapes": str(files[0]), "arrays": str(files[1])},
        "tune": {"method": "full"},
        "loss": {"name": "tags"},
        "words": {"said": "random"},
        "points": points,
        "batch": {"samples": 2, "workers": 0},
        "validation": {"every": 2, "samples": 2, "points": points},
    }
    train(read_config(run), tmp_path / "run")
    torch.manual_seed(read_config(run).seed)
    before, after = build_small_tags().named_parameters(), load_file(tmp_path / "run" / "last.safetensors")
    unchanged = [name for name, p in before if torch.equal(p, after[name])]
    # A bias of all keys shifts a row of a softmax as a whole: its gradient is rounding, on some processors 0.
    mute = {name for name in unchanged if name.endswith("k_proj.bias")}
    assert all("cross_attn_token_to_image" in name for name in set(unchanged) - mute)
    for name in mute:
        attention = network.get_submodule(name.removesuffix(".k_proj.bias"))
        tokens = torch.randn(3, 1, 5, attention.q_proj.in_features)
        said = attention(*tokens)
        attention.k_proj.bias.data += 1
        torch.testing.assert_close(attention(*tokens), said)
