from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from SAMLesionLib.errors import InputError
from SAMLesionLib.models.registry import find
from SAMLesionLib.training.samples import Part, Sample, SampleSource
from SAMLesionLib.training.synthetic import SyntheticSettings
from SAMLesionLib.training.synthetic.arrays import RealArrays
from SAMLesionLib.training.synthetic.fields import blur, cells, look_up, random_rotation
from SAMLesionLib.training.synthetic.scans import LEAST_VISIBLE, visibility
from SAMLesionLib.training.synthetic.shapes import ShapeLibrary, place_shape

SIZE = 32
CARD = replace(find("sgp-sam-small"), image_size=SIZE)


def a_ball(radius: int) -> np.ndarray:
    along = np.arange(2 * radius + 3) - radius - 1
    d, h, w = np.meshgrid(along, along, along, indexing="ij")
    return (d**2 + h**2 + w**2 <= radius**2).astype(np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Twenty shapes of two kinds, and a folder with the scans of three cases."""
    folder = tmp_path_factory.mktemp("data")
    shapes: dict[str, Any] = {
        f"{kind}_{n:02}": a_ball(4 + n % 7) for n in range(10) for kind in ("nodule", "ms3")
    }
    np.savez(folder / "shapes.npz", **shapes)
    (folder / "arrays").mkdir()
    draw = np.random.default_rng(0)
    scans: dict[str, Any] = {}
    for case in ("a", "b", "c"):
        label = np.zeros((40, 30, 34), np.uint8)
        label[10:29, 8:23, 9:27] = a_ball(9)[1:20, 3:18, 2:20]
        scans[f"{case}_image"] = (60 * label + draw.integers(0, 40, label.shape) + 40).astype(np.uint8)
        scans[f"{case}_label"] = label
    np.savez(folder / "arrays" / "mr.npz", **scans)
    return folder / "shapes.npz", folder / "arrays"


def the_source(files: tuple[Path, Path], part: Part = "train", **settings: Any) -> SampleSource:
    return SyntheticSettings(files[0], files[1], **settings).open(CARD, part)


def samples(source: SampleSource, count: int = 8) -> list[Sample]:
    return [source.sample(n, 5) for n in range(count)]


def test_samples_are_cubes_with_a_lesion(files: tuple[Path, Path]) -> None:
    for sample in samples(the_source(files)):
        assert sample.image.shape == sample.label.shape == (SIZE,) * 3
        assert sample.image.dtype == np.float32
        assert np.isfinite(sample.image).all()
        assert sample.image.std() > 0.1
        assert 0 < sample.label.sum() < SIZE**3 / 2


def test_a_sample_is_the_same_each_time_and_unlike_the_others(files: tuple[Path, Path]) -> None:
    first, second = samples(the_source(files), 4), samples(the_source(files), 4)
    for one, two in zip(first, second, strict=True):
        assert one.name == two.name
        assert np.array_equal(one.image, two.image)
        assert np.array_equal(one.label, two.label)
    assert not np.array_equal(first[0].image, the_source(files).sample(0, 6).image)
    assert len({sample.image.tobytes() for sample in first}) == 4


def test_a_lesion_differs_from_what_is_around_it(files: tuple[Path, Path]) -> None:
    """Otherwise nothing could be learned from it."""
    apart = []
    for sample in samples(the_source(files, real_share=0.0), 20):
        label = torch.from_numpy(sample.label.astype(np.float32))
        shell = ((blur(label, 2.0) > 0.05) & (label == 0)).numpy()
        inside, around = sample.image[sample.label], sample.image[shell]
        apart.append(abs(inside.mean() - around.mean()) / max(around.std(), 1e-6))
    assert np.median(apart) > 0.4


def test_no_lesion_is_hidden(files: tuple[Path, Path]) -> None:
    seen = [visibility(sample) for sample in samples(the_source(files, real_share=0.0), 20)]
    assert np.mean([value >= LEAST_VISIBLE for value in seen]) >= 0.9


def test_a_speck_counts_as_hidden() -> None:
    label = np.zeros((16, 16, 16), bool)
    label[8, 8, 8] = True
    assert visibility(Sample(9 * label.astype(np.float32), label, "a speck")) == 0.0
    label[7:10, 7:10, 7:10] = True
    assert visibility(Sample(9 * label.astype(np.float32), label, "a block")) > 100


def test_synthetic_lesions_can_lie_in_real_bodies(files: tuple[Path, Path]) -> None:
    """The bodies of these arrays have grey values of their own: noise between two steps."""
    arrays = RealArrays.read(files[1], SIZE, only=("a",))
    body = arrays.background(np.random.default_rng(4))
    assert body.shape == (SIZE,) * 3
    assert torch.equal(body, arrays.background(np.random.default_rng(4)))
    of_body = the_source(files, real_share=0.0, background_share=1.0)
    of_none = the_source(files, real_share=0.0, background_share=0.0)
    for one, other in zip(samples(of_body, 3), samples(of_none, 3), strict=True):
        assert one.name.startswith("synthetic")
        assert not np.array_equal(one.image, other.image)


def test_what_is_left_out_is_never_seen(files: tuple[Path, Path]) -> None:
    source = the_source(files, leave_out=("b", "ms3_"), validation=("c",))
    names = {sample.name for sample in samples(source, 40)}
    assert {name for name in names if name.startswith("mr")} == {"mr a"}
    assert not any("ms3" in name for name in names)
    judged = {sample.name for sample in samples(the_source(files, "validation", validation=("c",)), 40)}
    assert {name for name in judged if name.startswith("mr")} == {"mr c"}
    assert not {name for name in judged if name.startswith("synthetic")} & names


@pytest.mark.parametrize("names", [{"leave_out": ("STS_999",)}, {"validation": ("a", "STS_999")}])
def test_a_name_that_leaves_nothing_out_is_refused(
    files: tuple[Path, Path], names: dict[str, tuple[str, ...]]
) -> None:
    with pytest.raises(InputError, match="names STS_999, which is no array's name"):
        the_source(files, **names)


def test_without_cases_to_judge_by_no_array_that_is_learned_from_judges(files: tuple[Path, Path]) -> None:
    judged = samples(the_source(files, "validation", real_share=1.0))
    assert all(sample.name.startswith("synthetic") for sample in judged)


def test_making_a_sample_leaves_the_trainers_threads(files: tuple[Path, Path]) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        samples(the_source(files), 1)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_file_that_is_no_npz_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "junk.npz").write_bytes(b"junk")
    with pytest.raises(InputError, match=r"junk.npz cannot be read as .npz"):
        SyntheticSettings(tmp_path / "junk.npz").open(CARD, "train")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"nodule_0": np.ones((3, 3))}, "nodule_0 has 2 axes"),
        ({"nodule_0": np.zeros((3, 3, 3))}, "nodule_0 is empty"),
        ({f"nodule_{n}": np.ones((3, 3, 3)) for n in range(9)}, "of 10 judges the network, but there are 9"),
    ],
)
def test_shapes_that_are_none_or_too_few_are_refused(
    tmp_path: Path, arrays: dict[str, Any], said: str
) -> None:
    np.savez(tmp_path / "shapes.npz", **arrays)
    with pytest.raises(InputError, match=said):
        SyntheticSettings(tmp_path / "shapes.npz").open(CARD, "train")


@pytest.mark.parametrize(
    ("image", "label"), [((9, 9), (9, 9)), ((9, 9, 9), (9, 9, 8)), ((9, 9, 9), (0, 9, 9))]
)
def test_arrays_that_are_no_scan_with_a_lesion_are_refused(
    files: tuple[Path, Path], tmp_path: Path, image: tuple[int, ...], label: tuple[int, ...]
) -> None:
    np.savez(tmp_path / "mr.npz", a_image=np.ones(image, np.uint8), a_label=np.ones(label, np.uint8))
    with pytest.raises(
        InputError, match=r"must hold scans in 3D and a lesion in each, but a_image is \(9, 9"
    ):
        SyntheticSettings(files[0], tmp_path).open(CARD, "train")


def test_an_array_that_is_cut_short_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    with np.load(files[0]) as shapes:
        np.savez_compressed(tmp_path / "shapes.npz", **{name: shapes[name] for name in shapes.files})
    content = bytearray((tmp_path / "shapes.npz").read_bytes())
    content[100:300] = bytes(200)
    (tmp_path / "shapes.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"shapes.npz cannot be read \(.*Write it with numpy.savez"):
        SyntheticSettings(tmp_path / "shapes.npz").open(CARD, "train")


def test_a_model_of_slices_is_sent_to_another_source(files: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match=r'LiteMedSAM sees slices. Use source = "slices"'):
        SyntheticSettings(files[0]).open(find("lite-medsam"), "train")


def test_judged_lesions_are_as_they_were_drawn(files: tuple[Path, Path]) -> None:
    source = the_source(files, "validation", validation=("c",), real_share=1.0)
    for sample in samples(source, 3):
        inside, around = sample.image[sample.label], sample.image[~sample.label]
        assert inside.mean() > around.mean()


def test_settings_without_data_are_refused(tmp_path: Path, files: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match=r"no\.npz, which is not there"):
        SyntheticSettings(tmp_path / "no.npz").open(CARD, "train")
    with pytest.raises(InputError, match="holds no lesion shape"):
        SyntheticSettings(files[0], leave_out=("nodule", "ms")).open(CARD, "train")
    with pytest.raises(InputError, match="expected to hold NAME_image"):
        SyntheticSettings(files[0], tmp_path).open(CARD, "train")
    with pytest.raises(InputError, match="no test part"):
        the_source(files, "test")
    np.savez(tmp_path / "half.npz", x_image=np.zeros((4, 4, 4), np.uint8))
    with pytest.raises(InputError, match="has x_image and no x_label"):
        SyntheticSettings(files[0], tmp_path).open(CARD, "train")


def test_origins_are_told(files: tuple[Path, Path]) -> None:
    (origin,) = the_source(files, origins=("Shapes: CC-BY-3.0: Somebody 2020, doi 10.1/2",)).provenance
    assert origin == ("Shapes", "CC-BY-3.0", "Somebody 2020, doi 10.1/2")
    assert [o.name for o in the_source(files).provenance] == ["shapes.npz", "arrays"]
    with pytest.raises(InputError, match=r"data.origins is NAME: LICENCE: NOTE .* got 'Shapes'"):
        the_source(files, origins=("Shapes",))


def test_kinds_are_equally_likely() -> None:
    library = ShapeLibrary(("ms1_a", "ms2_b", "ms3_c", "sarcoma_1"), (a_ball(3).astype(bool),) * 4)
    draw = np.random.default_rng(1)
    drawn = [library.pick(draw) for _ in range(400)]
    assert 150 < drawn.count(3) < 250


def test_a_shape_gets_the_size_that_was_asked() -> None:
    draw = np.random.default_rng(2)
    for share in (0.2, 0.6):
        lesion = place_shape(draw, a_ball(12).astype(bool), 64, share) > 0.5
        spans = [int(np.ptp(lesion.nonzero()[:, axis].numpy())) + 1 for axis in range(3)]
        assert max(spans) == pytest.approx(share * 64, rel=0.3)


def test_an_anchor_lies_in_the_middle_of_the_cube() -> None:
    mask = np.zeros((30, 30, 30), bool)
    mask[2:8, 20:28, 3:9] = True
    lesion = place_shape(np.random.default_rng(3), mask, 32, 1.0, anchor=(5, 24, 6))
    assert bool(lesion[15:17, 15:17, 15:17].max() > 0.5)


def test_looking_up_interpolates_between_voxels() -> None:
    array = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    places = torch.tensor([[[[0.0, 0, 0], [1, 2, 3], [0.5, 1, 1.5]]]])
    assert look_up(array, places).flatten().tolist() == pytest.approx([0, 23, 11.5], abs=1e-4)


def test_cells_are_counted_from_the_middle() -> None:
    assert cells(2)[0, 0, 0].tolist() == [-0.5, -0.5, -0.5]
    assert cells(4).mean(dim=(0, 1, 2)).tolist() == [0, 0, 0]


def test_blur_keeps_the_sum_within_the_cube() -> None:
    image = torch.zeros(21, 21, 21)
    image[10, 10, 10] = 1
    smooth = blur(image, 1.5)
    assert float(smooth.sum()) == pytest.approx(1, abs=1e-3)
    variance = (smooth.sum(dim=(1, 2)) * (torch.arange(21) - 10).square()).sum()
    assert float(variance) == pytest.approx(1.5**2, rel=0.06)


def test_rotations_keep_lengths() -> None:
    turn = random_rotation(np.random.default_rng(4), 180)
    assert np.allclose(turn @ turn.T, np.eye(3))
