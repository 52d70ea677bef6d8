from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from SAMLesionLib.errors import ImageError
from SAMLesionLib.io import check_fits, count_channels, estimate_bytes, read_volume

SIZE = (9, 8, 7)
SAMPLE = Path(__file__).parents[2] / "SAMLesionLib" / "samples" / "pyradiomics_brain1"


def some_voxels() -> np.ndarray:
    return np.arange(9 * 8 * 7, dtype=np.int16).reshape(7, 8, 9) - 100


def an_affine(shear: float = 0.0) -> np.ndarray:
    turn, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    sheared = np.diag([0.8, 1.5, 3.0])
    sheared[1, 2] = shear
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn @ sheared, (12.0, -34.0, 56.0)
    return matrix


def write(path: Path, voxels: np.ndarray, ijk_to_ras: np.ndarray) -> None:
    """Through the packages others write with: nibabel for NIfTI, SimpleITK for the rest."""
    if ".nii" in path.name:
        nibabel.Nifti1Image(voxels.T, ijk_to_ras).to_filename(path)
        return
    image = sitk.GetImageFromArray(voxels)
    to_lps = np.diag([-1, -1, 1, 1]) @ ijk_to_ras
    spacing = np.linalg.norm(to_lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((to_lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(to_lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path))


FORMATS = ("nii", "nii.gz", "nrrd", "nhdr", "mha", "mhd")


@pytest.mark.parametrize("shear", [0.0, 0.9])
@pytest.mark.parametrize("ending", FORMATS)
def test_voxels_type_and_place_survive(tmp_path: Path, ending: str, shear: float) -> None:
    path = tmp_path / f"CT.chest.{ending}"
    write(path, some_voxels(), an_affine(shear))

    volume = read_volume(path, modality="CT")

    np.testing.assert_array_equal(volume.voxels, some_voxels())
    assert volume.voxels.dtype == np.int16
    assert volume.shape_ijk == SIZE
    np.testing.assert_allclose(volume.affine.ijk_to_ras, an_affine(shear), atol=1e-5)
    assert (volume.name, volume.modality) == ("CT.chest", "CT")


@pytest.mark.parametrize("ending", FORMATS)
def test_the_estimate_is_what_the_voxels_take(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    write(path, some_voxels(), an_affine())

    assert estimate_bytes(path) == read_volume(path).voxels.nbytes


def test_the_voxels_outlive_the_reader(tmp_path: Path) -> None:
    write(tmp_path / "a.nrrd", some_voxels(), an_affine())

    voxels = read_volume(tmp_path / "a.nrrd").voxels
    for _ in range(20):  # would overwrite a freed buffer
        sitk.GetImageFromArray(np.full((7, 8, 9), 77, np.int16))

    np.testing.assert_array_equal(voxels, some_voxels())


def test_the_bundled_sample_is_read() -> None:
    image, label = read_volume(SAMPLE / "image.nrrd", "MR"), read_volume(SAMPLE / "label.nrrd")

    assert image.shape_ijk == label.shape_ijk == (256, 256, 25)
    assert image.affine.spacing_mm == pytest.approx((0.78125, 0.78125, 6.5), abs=1e-3)
    assert np.count_nonzero(label.voxels) == 4137


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((1, 1), "sform"),  # the standard prefers the sform
        ((0, 1), "qform"),
        ((0, 0), "as ITK"),
    ],
)
def test_nifti_grids_follow_the_codes(tmp_path: Path, codes: tuple[int, int], expected: str) -> None:
    image = nibabel.Nifti1Image(some_voxels().T, None)
    sform, qform = an_affine(0.9), np.diag([2.0, 3.0, 4.0, 1.0])
    image.header.set_qform(qform, code=codes[1])
    image.header.set_sform(sform, code=codes[0])
    nibabel.Nifti1Image(some_voxels().T, None, image.header).to_filename(tmp_path / "a.nii")

    found = read_volume(tmp_path / "a.nii").affine.ijk_to_ras

    grids = {"sform": sform, "qform": qform, "as ITK": np.diag([-2.0, -3.0, 4.0, 1.0])}
    np.testing.assert_allclose(found, grids[expected], atol=1e-5)


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"), [(1, -1024, np.int16), (2, 5, np.int16), (0.5, 3, np.float32)]
)
def test_nifti_scaling_is_applied_and_whole_numbers_stay_whole(
    tmp_path: Path, slope: float, intercept: float, dtype: type
) -> None:
    stored = some_voxels().astype(np.uint16) % 900
    image = nibabel.Nifti1Image(stored.T, np.eye(4))
    image.header.set_slope_inter(slope, intercept)
    image.to_filename(tmp_path / "a.nii.gz")

    voxels = read_volume(tmp_path / "a.nii.gz").voxels

    assert voxels.dtype == dtype
    np.testing.assert_allclose(voxels, stored.astype(float) * slope + intercept)


def test_big_endian_files_are_read_in_native_order(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    nibabel.Nifti1Image(some_voxels().T, np.eye(4), header).to_filename(tmp_path / "a.nii")

    voxels = read_volume(tmp_path / "a.nii").voxels

    assert voxels.dtype.isnative
    np.testing.assert_array_equal(voxels, some_voxels())


def test_a_fourth_axis_of_one_is_no_fourth_dimension(tmp_path: Path) -> None:
    nibabel.Nifti1Image(some_voxels().T[..., None], np.eye(4)).to_filename(tmp_path / "a.nii")

    np.testing.assert_array_equal(read_volume(tmp_path / "a.nii").voxels, some_voxels())


@pytest.mark.parametrize("ending", ["nii.gz", "nrrd"])
def test_time_series_are_refused_with_a_way_out(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"perfusion.{ending}"
    series = np.zeros((3, 4, 5, 6), np.int16)
    if ending == "nrrd":
        sitk.WriteImage(sitk.GetImageFromArray(series, isVector=False), str(path))
    else:
        nibabel.Nifti1Image(series.T, np.eye(4)).to_filename(path)

    with pytest.raises(ImageError, match=r"perfusion must be one 3D volume.*6 x 5 x 4 x 3.*Save one time"):
        read_volume(path)


def write_channels(path: Path, channels: np.ndarray) -> None:
    if path.suffix == ".nrrd":
        sitk.WriteImage(sitk.GetImageFromArray(channels, isVector=False), str(path))
        return
    image = nibabel.Nifti1Image((channels.T + 1) // 2, np.eye(4))
    image.header.set_slope_inter(2, -1)  # kept as it is in the file: numbers are stored halved
    image.to_filename(path)


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "nrrd"])
def test_one_channel_of_four_is_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"multi.{ending}"
    channels = np.arange(4 * 3 * 4 * 5, dtype=np.int16).reshape(4, 3, 4, 5) * 2 - 1
    write_channels(path, channels)

    assert count_channels(path) == 4
    np.testing.assert_array_equal(read_volume(path, channel=2).voxels, channels[2])
    with pytest.raises(ImageError, match=r"multi \(5 x 4 x 3 x 4\) has no channel 4.*and it has 4"):
        read_volume(path, channel=4)


def test_a_plain_volume_has_one_channel() -> None:
    image = SAMPLE / "image.nrrd"

    assert count_channels(image) == 1
    np.testing.assert_array_equal(read_volume(image, channel=0).voxels, read_volume(image).voxels)
    with pytest.raises(ImageError, match="no channel 1"):
        read_volume(image, channel=1)


def test_colour_complex_and_flat_images_are_refused(tmp_path: Path) -> None:
    rgb = np.zeros((3, 4, 5), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    nibabel.Nifti1Image(rgb, np.eye(4)).to_filename(tmp_path / "colour.nii")
    nibabel.Nifti1Image(np.zeros((3, 4, 5), np.complex64), np.eye(4)).to_filename(tmp_path / "complex.nii")
    for name in ("c.mha", "vectors.nii.gz"):
        sitk.WriteImage(
            sitk.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True), str(tmp_path / name)
        )
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4), np.uint8)), str(tmp_path / "flat.nrrd"))

    for name, words in {
        "colour.nii": "3 values",
        "complex.nii": "complex64",
        "c.mha": "3 values",
        "vectors.nii.gz": "3 values",
    }.items():
        with pytest.raises(ImageError, match=f"grey-value image, but has {words}.*Extract one channel"):
            read_volume(tmp_path / name)
    with pytest.raises(ImageError, match="flat picture"):
        read_volume(tmp_path / "flat.nrrd")


@pytest.mark.parametrize("ending", ["nii", "nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize("damage", ["half", "start", "junk"])
def test_damaged_files_are_refused(
    tmp_path: Path, ending: str, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"scan.{ending}"
    write(path, np.random.default_rng(0).integers(0, 2000, (20, 40, 40)).astype(np.int16), an_affine())
    content = path.read_bytes()
    path.write_bytes(
        {"half": content[: len(content) // 2], "start": content[:30], "junk": b"\x07" * 900}[damage]
    )

    with pytest.raises(ImageError, match=r"(cannot be read|is damaged).*(again)\.$") as refusal:
        read_volume(path)
    assert "\n" not in str(refusal.value)
    assert capfd.readouterr() == ("", "")


def test_a_metaimage_header_without_its_voxels_says_what_is_missing(tmp_path: Path) -> None:
    write(tmp_path / "scan.mhd", np.ones((3, 4, 5), np.int16), an_affine())
    (tmp_path / "scan.raw").rename(tmp_path / "elsewhere.raw")

    with pytest.raises(ImageError, match="the file with its voxels is not beside it"):
        read_volume(tmp_path / "scan.mhd")


def test_gzip_junk_under_a_nifti_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(b"no image" * 100))

    with pytest.raises(ImageError, match="cannot be read as NIfTI"):
        read_volume(tmp_path / "a.nii.gz")


def test_missing_empty_and_unknown_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.nii").touch()
    (tmp_path / "notes.txt").write_text("hello")

    with pytest.raises(ImageError, match="There is no file or folder"):
        read_volume(tmp_path / "nothing.nrrd")
    with pytest.raises(ImageError, match="empty"):
        read_volume(tmp_path / "empty.nii")
    with pytest.raises(ImageError, match=r"expected a name ending in \.nii, .*DICOM"):
        read_volume(tmp_path / "notes.txt")


def test_a_volume_too_large_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 100000 100000 1000\nencoding: raw\nendian: little\n\n"
    )
    (tmp_path / "huge.nrrd").write_text(header)

    assert estimate_bytes(tmp_path / "huge.nrrd") == 2 * 10**13
    with pytest.raises(ImageError, match=r"huge needs about 25000\.0 GB of memory, and .* is free"):
        read_volume(tmp_path / "huge.nrrd")


def test_memory_is_compared_with_some_headroom() -> None:
    check_fits(800, "CT", available=1000)
    with pytest.raises(ImageError, match="crop the image"):
        check_fits(801, "CT", available=1000)


@pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module")
@pytest.mark.parametrize("ending", ["nii", "nii.gz", "nrrd"])
def test_reading_takes_less_than_twice_the_volume(tmp_path: Path, ending: str) -> None:
    n_bytes = 2 * 100 * 512 * 512
    voxels = np.zeros((100, 512, 512), np.int16)
    voxels[::7, ::5, ::3] = 1000
    write(tmp_path / f"a.{ending}", voxels, an_affine())
    code = (
        "import resource, nibabel, SimpleITK, psutil\n"
        "from SAMLesionLib.io import read_volume\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"volume = read_volume({str(tmp_path / f'a.{ending}')!r})\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    root = Path(__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root, env=os.environ
    )

    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 2 * n_bytes


def test_a_grid_that_spans_no_space_is_refused_by_name(tmp_path: Path) -> None:
    content = bytearray(nibabel.Nifti1Image(some_voxels().T, np.eye(4)).to_bytes())
    content[312:328] = bytes(16)  # the sform's third row
    (tmp_path / "flat.nii").write_bytes(content)

    with pytest.raises(ImageError, match=r"flat has no usable place.*singular.*Export it again"):
        read_volume(tmp_path / "flat.nii")


def test_a_series_is_asked_of_dicom_only(tmp_path: Path) -> None:
    write(tmp_path / "scan.nrrd", some_voxels(), an_affine())

    with pytest.raises(ImageError, match="Only a DICOM folder holds several series"):
        read_volume(tmp_path / "scan.nrrd", series="1")
