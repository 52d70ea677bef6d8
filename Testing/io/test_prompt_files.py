from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from SAMLesionLib import (
    Affine,
    BoxPrompt,
    IndexBox,
    LinePrompt,
    MaskPrompt,
    OrganMaskPrompt,
    OrganPrompt,
    PointPrompt,
    PromptSet,
    ScribblePrompt,
)
from SAMLesionLib.errors import OutputError, PromptError
from SAMLesionLib.io import LesionPrompts, read_prompts, write_prompts

UNIT = Affine(np.eye(4))
TILTED = Affine(np.array([[-0.7, 0.2, 0.9, 10], [0.1, -0.8, 0.3, -20], [0.3, 0.1, 2.9, 30], [0, 0, 0, 1]]))


@st.composite
def affines(draw: st.DrawFn) -> Affine:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))  # flips included
    sheared = np.diag(rng.uniform(0.3, 6, 3))
    sheared[0, 2] = rng.uniform(-1, 1)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn @ sheared, rng.uniform(-500, 500, 3)
    return Affine(matrix)


def boxes() -> st.SearchStrategy[BoxPrompt]:
    starts = st.tuples(*[st.integers(-20, 400)] * 3)
    sizes = st.tuples(*[st.integers(1, 60)] * 3)
    return st.builds(lambda a, n: BoxPrompt(IndexBox(a, tuple(np.add(a, n)))), starts, sizes)


def flat_boxes() -> st.SearchStrategy[BoxPrompt]:
    return st.builds(
        lambda a, axis: BoxPrompt(
            IndexBox(a, tuple(np.add(a, [1 if n == axis else 9 for n in range(3)]))), axis
        ),
        st.tuples(*[st.integers(0, 400)] * 3),
        st.integers(0, 2),
    )


def places() -> st.SearchStrategy[Any]:
    return st.tuples(*[st.floats(-10, 500)] * 3)


def prompts() -> st.SearchStrategy[Any]:
    return st.one_of(
        boxes(),
        flat_boxes(),
        st.builds(PointPrompt, places(), st.booleans()),
        st.builds(LinePrompt, places(), places()),
        st.builds(ScribblePrompt, st.lists(places(), min_size=1, max_size=4).map(tuple), st.booleans()),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(affines(), st.lists(prompts(), min_size=1, max_size=5), st.sampled_from(["ijk", "ras", "lps"]))
def test_prompts_survive_writing_and_reading_in_every_frame(
    tmp_path: Path, affine: Affine, drawn: list[Any], frame: Any
) -> None:
    lesions = [LesionPrompts("Läsion 1", PromptSet(tuple(drawn))), LesionPrompts("2", PromptSet((drawn[0],)))]

    write_prompts(tmp_path / "a.json", lesions, frame, affine)
    found = read_prompts(tmp_path / "a.json", affine)

    assert [x.name for x in found] == ["Läsion 1", "2"]
    for ours, theirs in zip(drawn, found[0].prompts, strict=True):
        if isinstance(ours, BoxPrompt):
            assert theirs == ours  # exact: corners on voxel faces
        else:
            assert (theirs.kind, getattr(theirs, "is_positive", None)) == (
                ours.kind,
                getattr(ours, "is_positive", None),
            )
            np.testing.assert_allclose(theirs.positions_ijk(), ours.positions_ijk(), atol=1e-6)


def test_masks_survive_in_voxels_and_are_refused_in_the_world(tmp_path: Path) -> None:
    mask = np.zeros((4, 5, 6), bool)
    mask[1:3, 2:4, 3:5] = True
    lesions = [LesionPrompts("a", PromptSet((MaskPrompt.of(mask),)))]

    write_prompts(tmp_path / "a.json", lesions)

    assert read_prompts(tmp_path / "a.json", UNIT) == tuple(lesions)
    with pytest.raises(PromptError, match="frame ijk"):
        write_prompts(tmp_path / "b.json", lesions, "ras", UNIT)
    with pytest.raises(OutputError, match="folder does not exist"):
        write_prompts(tmp_path / "no" / "b.json", lesions)


def test_two_corners_are_a_box_along_the_worlds_axes(tmp_path: Path) -> None:
    box = {"kind": "box", "corners_lps": [[-10, -20, 5], [-4, -12, 9]]}
    (tmp_path / "a.json").write_text(json.dumps({"frame": "lps", "lesions": [{"prompts": [box]}]}))

    (lesion,) = read_prompts(tmp_path / "a.json", Affine.from_spacing((2, 2, 2)))

    assert lesion == LesionPrompts("Lesion 1", PromptSet((BoxPrompt(IndexBox((2, 6, 3), (6, 11, 5))),)))


def test_the_caller_says_the_frame_of_a_file_that_does_not(tmp_path: Path) -> None:
    point = {"kind": "point", "point_lps": [-3, -4, 5], "is_positive": False}
    (tmp_path / "a.json").write_text(json.dumps({"lesions": [{"name": "a", "prompts": [point]}]}))

    (lesion,) = read_prompts(tmp_path / "a.json", UNIT, frame="lps")

    assert lesion.prompts.prompts == (PointPrompt((3.0, 4.0, 5.0), False),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no valid JSON"),
        ("[1, 2]", "is no prompt file"),
        ("{}", "is no prompt file"),
        ('{"lesions": []}', "holds no prompt"),
        ('{"markups": []}', "holds no prompt"),
        ('{"lesions": 5}', "list of lesions"),
        ('{"lesions": [7]}', "list of lesions"),
        ('{"markups": [7]}', "list of markups"),
        ('{"frame": "xyz", "lesions": [{}]}', "one of ijk, ras, lps; got 'xyz'"),
        ('{"frame": [], "lesions": [{}]}', "one of ijk"),
        ('{"lesions": [{"name": "Liver"}]}', "Liver of a.json has no prompts"),
        (
            '{"lesions": [{"prompts": [{"kind": "blob"}]}]}',
            "Lesion 1 of a.json: A prompt is an object with kind",
        ),
        ('{"lesions": [{"prompts": [3]}]}', "A prompt is an object with kind"),
        ('{"lesions": [{"prompts": [{"kind": "point"}]}]}', "needs the field 'point_ijk'"),
        (
            '{"lesions": [{"prompts": [{"kind": "point", "point_ijk": [1, 2], "is_positive": true}]}]}',
            "wrong value",
        ),
        (
            '{"frame": "ras", "lesions": [{"prompts": [{"kind": "box", "corners_ras": "x"}]}]}',
            "three finite numbers",
        ),
        ('{"frame": "ras", "lesions": [{"prompts": [{"kind": "point", "point_ijk": [1, 2, 3]}]}]}', "field"),
        ('{"frame": "ras", "lesions": [{"prompts": [{"kind": "mask", "bits": ""}]}]}', "frame ijk"),
    ],
)
def test_broken_files_are_refused_with_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.json").write_text(text)

    with pytest.raises(PromptError, match=words):
        read_prompts(tmp_path / "a.json", UNIT)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00" * 50)

    with pytest.raises(PromptError, match="There is no prompt file"):
        read_prompts(tmp_path / "none.json", UNIT)
    with pytest.raises(PromptError, match="no valid JSON"):
        read_prompts(tmp_path / "a.json", UNIT)


# Slicer's markups


def an_roi(box: IndexBox, affine: Affine, **others: Any) -> dict[str, Any]:
    """The ROI that covers a block of voxels, in LPS, its axes along the voxels'."""
    directions = affine.ijk_to_lps[:3, :3] / affine.spacing_mm
    centre = affine.ijk_to_lps @ [*box.centre_ijk, 1]
    return {
        "type": "ROI",
        "coordinateSystem": "LPS",
        "center": centre[:3].tolist(),
        "orientation": directions.ravel().tolist(),
        "size": np.multiply(box.shape_ijk, affine.spacing_mm).tolist(),
        **others,
    }


def a_control_point(position: Any, **others: Any) -> dict[str, Any]:
    return {
        "label": "F-1",
        "description": "",
        "position": list(position),
        "positionStatus": "defined",
        **others,
    }


def a_list(kind: str, *points: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"type": kind, "coordinateSystem": "RAS", "controlPoints": list(points), **others}


def read(folder: Path, *markups: dict[str, Any], affine: Affine = UNIT) -> tuple[LesionPrompts, ...]:
    (folder / "tumour.mrk.json").write_text(json.dumps({"@schema": "…", "markups": markups}))
    return read_prompts(folder / "tumour.mrk.json", affine)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(affines(), boxes())
def test_an_roi_along_the_voxels_is_exactly_their_block(
    tmp_path: Path, affine: Affine, prompt: BoxPrompt
) -> None:
    (lesion,) = read(tmp_path, an_roi(prompt.box, affine), affine=affine)

    assert lesion == LesionPrompts("tumour", PromptSet((BoxPrompt.from_roi(prompt.box),)))


def test_an_roi_across_the_voxels_covers_its_eight_corners(tmp_path: Path) -> None:
    turned = [0.6, -0.8, 0, 0.8, 0.6, 0, 0, 0, 1]
    roi = {
        "type": "ROI",
        "coordinateSystem": "RAS",
        "center": [50, 50, 50],
        "orientation": turned,
        "size": [10, 20, 4],
    }

    (lesion,) = read(tmp_path, roi)

    # Half sizes (5, 10, 2) turned reach 0.6 * 5 + 0.8 * 10 = 11 along i and 0.8 * 5 + 0.6 * 10 = 10 along j.
    assert lesion.prompts.prompts[0] == BoxPrompt(IndexBox((39, 40, 48), (62, 61, 53)))


def test_points_take_their_sign_from_description_label_or_list_name(tmp_path: Path) -> None:
    points = a_list(
        "Fiducial",
        a_control_point((1, 2, 3)),
        a_control_point((4, 5, 6), description="Negative"),
        a_control_point((7, 8, 9), label="neg-2"),
        a_control_point((7, 8, 9), label="-"),
        a_control_point((9, 9, 9), label="renegade"),
    )
    others = a_list("Fiducial", a_control_point((3, 3, 3)), name="background points")

    lesions = read(tmp_path, points, others)

    signs = [p.is_positive for lesion in lesions for p in lesion.prompts]  # type: ignore[union-attr]
    assert signs == [True, False, False, False, True, False]


def test_lps_and_ras_and_the_old_numbers_mean_the_same_place(tmp_path: Path) -> None:
    for system, position in {"RAS": (1, 2, 3), "LPS": (-1, -2, 3), "0": (1, 2, 3), "1": (-1, -2, 3)}.items():
        markup = a_list("Fiducial", a_control_point(position)) | {"coordinateSystem": system}
        (lesion,) = read(tmp_path, markup)
        assert lesion.prompts.prompts == (PointPrompt((1.0, 2.0, 3.0)),)


def test_a_line_is_mapped_by_both_its_ends(tmp_path: Path) -> None:
    ends = [[1.5, 2, 3], [10, 20, 3]]
    world = TILTED.to_ras(ends)

    (lesion,) = read(tmp_path, a_list("Line", *map(a_control_point, world.tolist())), affine=TILTED)

    np.testing.assert_allclose(lesion.prompts.prompts[0].positions_ijk(), ends, atol=1e-9)


def test_every_roi_is_a_lesion_and_the_rest_joins_the_nearest(tmp_path: Path) -> None:
    low, high = IndexBox((0, 0, 0), (5, 5, 5)), IndexBox((50, 50, 50), (60, 60, 60))
    points = a_list(
        "Fiducial", a_control_point((55, 55, 55)), a_control_point((7, 2, 2), description="negative")
    )
    line = a_list("Line", a_control_point((51, 51, 52)), a_control_point((57, 55, 52)))

    lesions = read(tmp_path, an_roi(low, UNIT), points, an_roi(high, UNIT), line)

    assert [x.name for x in lesions] == ["tumour 1", "tumour 2"]
    assert [[p.kind for p in x.prompts] for x in lesions] == [["box", "point"], ["box", "point", "line"]]


def test_a_name_binds_a_list_to_its_roi(tmp_path: Path) -> None:
    low, high = IndexBox((0, 0, 0), (5, 5, 5)), IndexBox((50, 50, 50), (60, 60, 60))
    points = a_list("Fiducial", a_control_point((55, 55, 55)), name="Liver_negative")

    lesions = read(tmp_path, an_roi(low, UNIT, name="Liver"), an_roi(high, UNIT, name="Lung"), points)

    assert [(x.name, len(x.prompts)) for x in lesions] == [("Liver", 2), ("Lung", 1)]


def test_without_an_roi_the_file_is_one_lesion(tmp_path: Path) -> None:
    cross = [a_list("Line", a_control_point((0, 0, 0)), a_control_point((n, 9, 0))) for n in (0, 9)]

    (lesion,) = read(tmp_path, *cross, a_list("Fiducial", a_control_point((4, 4, 0))))

    assert (lesion.name, sorted(p.kind for p in lesion.prompts)) == ("tumour", ["line", "line", "point"])


def test_points_that_were_never_placed_do_not_count(tmp_path: Path) -> None:
    points = a_list(
        "Fiducial", a_control_point((1, 2, 3)), a_control_point((0, 0, 0), positionStatus="undefined")
    )

    (lesion,) = read(tmp_path, points)

    assert len(lesion.prompts) == 1


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ({"type": "Plane"}, "type Plane; expected ROI"),
        ({"type": "ROI", "coordinateSystem": "XYZ"}, "'XYZ', not LPS or RAS"),
        ({"type": "ROI", "coordinateSystem": "LPS"}, "broken markup"),
        ({"type": "ROI", "coordinateSystem": "LPS", "center": [1, 2], "size": [1, 2, 3]}, "3 finite numbers"),
        ({"type": "Fiducial", "controlPoints": [{"position": [1, 2, None]}]}, "broken markup"),
        ({"type": "Fiducial", "controlPoints": [4]}, "broken markup"),
        ({"type": "Line", "controlPoints": [{"position": [1, 2, 3]}]}, "1 of 2 ends"),
    ],
)
def test_broken_markups_are_refused(tmp_path: Path, markup: dict[str, Any], words: str) -> None:
    with pytest.raises(PromptError, match=words):
        read(tmp_path, markup)


@pytest.mark.mrml
def test_the_files_of_slicer_itself_are_read(tmp_path: Path) -> None:
    slicer = pytest.importorskip("slicer", exc_type=ImportError)
    vtk = pytest.importorskip("vtk")
    box = IndexBox((3, 4, 5), (13, 10, 7))
    upright = Affine(np.array([[0, -2.0, 0, 10], [1.5, 0, 0, -20], [0, 0, -3.0, 30], [0, 0, 0, 1]]))
    roi = slicer.vtkMRMLMarkupsROINode()
    matrix = vtk.vtkMatrix4x4()
    axes = upright.ijk_to_ras[:3, :3] / upright.spacing_mm
    for row in range(3):
        for column in range(3):
            matrix.SetElement(row, column, axes[row, column])
        matrix.SetElement(row, 3, upright.to_ras(box.centre_ijk)[0, row])
    roi.SetSize(*np.multiply(box.shape_ijk, upright.spacing_mm))
    roi.SetAndObserveObjectToNodeMatrix(matrix)
    storage = slicer.vtkMRMLMarkupsROIJsonStorageNode()
    storage.SetFileName(str(tmp_path / "roi.mrk.json"))
    assert storage.WriteData(roi)

    (lesion,) = read_prompts(tmp_path / "roi.mrk.json", upright)

    assert lesion == LesionPrompts("roi", PromptSet((BoxPrompt(box),)))


def an_organ() -> OrganMaskPrompt:
    return OrganMaskPrompt(IndexBox((1, 1, 1), (3, 3, 3)), np.ones((2, 2, 2), bool))


def test_an_organ_goes_into_a_file_and_back(tmp_path: Path) -> None:
    lesion = LesionPrompts("Tumour", PromptSet((PointPrompt((2, 2, 2)), OrganPrompt("kidney"), an_organ())))
    write_prompts(tmp_path / "organ.json", [lesion])
    assert read_prompts(tmp_path / "organ.json", UNIT) == (lesion,)


def test_an_organs_word_belongs_to_no_frame_and_its_mask_to_the_grid(tmp_path: Path) -> None:
    word = LesionPrompts("Tumour", PromptSet((PointPrompt((2, 2, 2)), OrganPrompt("kidney"))))
    write_prompts(tmp_path / "word.json", [word], "ras", UNIT)
    assert read_prompts(tmp_path / "word.json", UNIT) == (word,)
    with pytest.raises(PromptError, match="A mask belongs to its voxel grid"):
        write_prompts(
            tmp_path / "mask.json", [LesionPrompts("Tumour", PromptSet((an_organ(),)))], "ras", UNIT
        )
