"""NRRD and MetaImage files through SimpleITK, which keeps sheared grids in these formats."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from SAMLesionLib.errors import ImageError
from SAMLesionLib.geometry import Affine
from SAMLesionLib.io.headers import DAMAGED, ImageHeader, padded_to_3d


class _Lent:
    """An ITK buffer as numpy sees it, which keeps the ITK image alive as long as an array uses it."""

    def __init__(self, image: Any, view: npt.NDArray[Any]) -> None:
        self.image = image
        self.__array_interface__ = view.__array_interface__


def read_header(path: Path, name: str) -> ImageHeader:
    """What the file says about its image.

    Raises:
        ImageError: when it cannot be read.
    """
    reader = _reader(path)
    try:
        _quietly(reader.ReadImageInformation)
    except _Unreadable as broken:
        raise ImageError(f"{path} cannot be read as an image ({broken}). Export it again.") from broken
    sizes = padded_to_3d(tuple(reader.GetSize()))
    n_channels = reader.GetNumberOfComponents()
    return ImageHeader(name, sizes, n_channels, _dtype(reader.GetPixelID()), affine_of(reader))


def read_image(path: Path) -> Any:
    """The SimpleITK image with its voxels and header fields.

    Raises:
        ImageError: when the file is damaged.
    """
    try:
        return _quietly(_reader(path).Execute)
    except _Unreadable as broken:
        raise ImageError(f"{path} {DAMAGED} ({broken}). Copy or export it again.") from broken


def read_voxels(path: Path, channel: int | None = None) -> npt.NDArray[Any]:
    """The voxels (k, j, i), not copied from where SimpleITK put them.

    Args:
        path: the file.
        channel: the place on the fourth axis to give.

    Raises:
        ImageError: when the file is damaged.
    """
    voxels = array_of(read_image(path))
    if channel is not None and voxels.ndim == 4:
        return np.asarray(voxels[channel])
    return voxels.reshape(voxels.shape[-3:])


def array_of(image: Any) -> npt.NDArray[Any]:
    """The image's own buffer as a read-only array, channels last."""
    import SimpleITK

    array = np.asarray(_Lent(image, SimpleITK.GetArrayViewFromImage(image)))
    array.setflags(write=False)
    return array


def affine_of(image: Any) -> Affine:
    """The grid of a SimpleITK image or reader, of which the first three axes count."""
    n = image.GetDimension()
    direction = np.reshape(image.GetDirection(), (n, n))
    ijk_to_lps = np.eye(4)
    m = min(n, 3)
    ijk_to_lps[:m, :m] = direction[:m, :m] * np.asarray(image.GetSpacing())[:m]
    ijk_to_lps[:m, 3] = image.GetOrigin()[:m]
    return Affine.from_lps(ijk_to_lps)


def _reader(path: Path) -> Any:
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    return reader


def _dtype(pixel_id: int) -> np.dtype:
    import SimpleITK

    name = SimpleITK.GetPixelIDValueAsString(pixel_id)
    words = {"complex": "c", "float": "f", "unsigned": "u", "signed": "i"}
    kind = next((k for word, k in words.items() if word in name), "f")
    bits = next((b for b in (64, 32, 16, 8) if str(b) in name), 32)
    return np.dtype(f"{kind}{bits // 8 * (2 if kind == 'c' else 1)}")


class _Unreadable(Exception):
    """Why a file cannot be read, in a few words."""


def _quietly(read: Callable[[], Any]) -> Any:
    """What `read` gives, without the lines that MetaIO prints past ITK's own switch for warnings.

    Raises:
        _Unreadable: when it fails.
    """
    with tempfile.TemporaryFile() as printed:
        try:
            with _standard_error_to(printed.fileno()):
                return read()
        except RuntimeError as broken:
            printed.seek(0)
            raise _Unreadable(_reason(broken, printed.read())) from broken


@contextmanager
def _standard_error_to(file_descriptor: int) -> Iterator[None]:
    """Lead there what C++ prints to standard error; `sys.stderr` would not reach it."""
    try:
        terminal = os.dup(2)
    except OSError:  # Windows gives a program without a console no such stream
        yield
        return
    os.dup2(file_descriptor, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _reason(failure: RuntimeError, printed: bytes) -> str:
    """What is wrong, from the last telling line of ITK's report; the others are places in its source."""
    lines = [line.strip() for line in str(failure).splitlines()]
    # A MetaImage report ends with an errno that has nothing to do with the file.
    said = [line for line in lines if line and not line.startswith("Reason:")]
    reason = said[-1] if said else "for an unknown reason"
    if b"Cannot open data file" in printed:
        return "the file with its voxels is not beside it"
    if "MetaImageIO" in reason:
        return "the header is incomplete or the data end too early"
    if "Unable to determine ImageIO" in reason:
        return "its content is not what its name says"
    return reason.removeprefix("ITK ERROR: ").removeprefix("[nrrd] ").rstrip(".")[:160]
