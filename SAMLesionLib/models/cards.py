"""What is known about a model before its network is built: its card.

Torch is imported when a network is built, so that reading cards stays fast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from SAMLesionLib.protocol import ModelInfo

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class PackageFile:
    """A file inside an installed distribution, found through its metadata and never imported.

    Attributes:
        distribution: name on the package index.
        path: place inside it, with forward slashes.
    """

    distribution: str
    path: str

    def locate(self) -> Path | None:
        """The file on this machine, None when the distribution or the file is absent."""
        try:
            path = Path(str(metadata.distribution(self.distribution).locate_file(self.path)))
        except metadata.PackageNotFoundError:
            return None
        return path if path.is_file() else None


@dataclass(frozen=True)
class OwnFile:
    """A file that comes with SAMLesion.

    Attributes:
        path: place inside the package, with forward slashes.
    """

    path: str

    def locate(self) -> Path | None:
        """The file, None where somebody left it out."""
        path = Path(__file__).resolve().parent.parent / self.path
        return path if path.is_file() else None


@dataclass(frozen=True)
class Url:
    """A file that can be downloaded.

    Attributes:
        url: where, http or https.
    """

    url: str


@dataclass(frozen=True)
class CubeRecipe:
    """How a 3D model sees a scan: in cubes of voxels of one size.

    Attributes:
        spacing_mm: voxel size of the first look.
        finest_mm: smallest voxels it may be shown, for small lesions.
        coarsest_mm: largest voxels it may be shown, for lesions larger than its cube.
        keeps_clicks: whether it is given all clicks so far, or the newest and the earlier answer alone.
        first_steps_mm: voxel sizes in which it looks at a first click, of which the best answer is kept.
            Empty for a model that looks once, and again where the lesion does not fit.
        caution: what each logit of an answer to n clicks and nothing else loses, times n: for a model that
            claims too much where it has been told little.
    """

    spacing_mm: float
    finest_mm: float
    coarsest_mm: float
    keeps_clicks: bool = True
    first_steps_mm: tuple[float, ...] = ()
    caution: float = 0.0


@dataclass(frozen=True)
class CropRecipe:
    """How a model sees a scan that looks once, at one cube around all points.

    Attributes:
        spacing_mm: voxel size.
        steady_mm: a new point no farther than this from the cube's middle, along each axis, leaves the cube
            where it is; with 0 the cube follows every point, as in the published test.
        most_points: as many points as it was trained with.
        organs: the organs that it was trained for; empty for any.
    """

    spacing_mm: float
    steady_mm: float
    most_points: int
    organs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelCard:
    """One model: the single recipe that the engine, the viewers' menus and training read.

    Attributes:
        name: the name used on the command line and the wire.
        title: the name shown to people.
        summary: one sentence saying what the model is for.
        paper: citation.
        licence: SPDX identifier of the weights' licence.
        architecture: where the network is built, as `module:function`.
        image_size: side of the square or cubic input in pixels.
        keeps_aspect: whether a slice keeps its proportions (longest side scaled, the rest padded).
        intensity: name of the recipe that turns grey values into the network's input.
        prompts: the kinds of prompt it understands.
        n_parameters: size of the network.
        sources: where the weights come from, best first.
        cube: how a 3D model sees a scan that zooms; None for another kind of model.
        crop: how a 3D model sees a scan that looks once; None for another kind of model.
        size_bytes: size of the published file, 0 when unknown.
        sha256: hash of the published file, empty when unknown.
        takes_negative: whether it can be told where the lesion is not.
    """

    name: str
    title: str
    summary: str
    paper: str
    licence: str
    architecture: str
    image_size: int
    keeps_aspect: bool
    intensity: str
    prompts: frozenset[str]
    n_parameters: int
    sources: tuple[OwnFile | PackageFile | Url, ...]
    cube: CubeRecipe | None = None
    crop: CropRecipe | None = None
    size_bytes: int = 0
    sha256: str = ""
    takes_negative: bool = True

    @property
    def dimensions(self) -> int:
        """2 when the model sees slices, 3 when it sees volumes."""
        return 2 if self.cube is None and self.crop is None else 3

    @property
    def url(self) -> str:
        """Where the weights can be downloaded, empty when nowhere."""
        return next((source.url for source in self.sources if isinstance(source, Url)), "")

    def build(self) -> nn.Module:
        """The network with random weights, on torch's default device."""
        return builder(self.architecture)()

    def info(self, is_available: bool) -> ModelInfo:
        """What a reader needs to know, for menus and the wire."""
        return ModelInfo(
            name=self.name,
            title=self.title,
            summary=self.summary,
            paper=self.paper,
            licence=self.licence,
            dimensions=self.dimensions,
            prompts=self.prompts,
            n_parameters=self.n_parameters,
            size_bytes=self.size_bytes,
            sha256=self.sha256,
            is_available=is_available,
            takes_negative=self.takes_negative,
        )


def builder(architecture: str) -> Callable[[], nn.Module]:
    """The function that `module:function` names."""
    module, _, function = architecture.partition(":")
    build: Callable[[], nn.Module] = getattr(import_module(module), function)
    return build
