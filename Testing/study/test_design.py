"""The design file: read as written, refused with one sentence, counter-balanced by its seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from study_cases import MANUAL, a_design, a_draft, a_folder

from SAMLesionLib.errors import InputError, OutputError
from SAMLesionLib.study.design import Arm, Order
from SAMLesionLib.study.design_checks import check_design
from SAMLesionLib.study.design_file import DESIGN, design_hash, read_design
from SAMLesionLib.study.design_templates import TEMPLATES
from SAMLesionLib.study.new_design import begin_study, write_design
from SAMLesionLib.study.schedule import schedule, williams_square
from SAMLesionLib.study.simulation.phantoms import PhantomCases


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_design_reads_back_as_it_was_asked_for(template: str, tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "my study!", template=template, model="lite-medsam", seed=3, repeat_cases=1)
    design = read_design(folder / DESIGN)
    assert design.readers == ("R1", "R2")
    assert [case.id for case in design.cases] == ["C1", "C2"]
    assert design.others[0].model == "lite-medsam"
    assert (design.seed, design.order.repeat_cases, design.order.washout_days) == (3, 1, 7.0)
    with pytest.raises(OutputError, match="there already"):
        write_design(folder, design)


def test_medsams_protocol_has_markers_refinement_and_a_week_between(tmp_path: Path) -> None:
    design = read_design(a_folder(tmp_path / "s", template="medsam-adrenal") / DESIGN)
    assert "every 3 to 10 slices" in design.arm("medsam").instructions
    assert design.arm("medsam").model == "medsam-vit-b"
    assert (design.order.scheme, design.order.washout_days) == ("sequence", 7.0)
    for readings in schedule(design).values():
        assert [r.arm for r in readings] == ["manual", "manual", "medsam", "medsam"]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("seed = 1", "seed = true", "a whole number"),
        ("seed = 1", "seed = 1\ncolour = 2", "has no key colour. Did you mean"),
        ("washout_days = 7", "washout_days = -1", "expected 0 to"),
        (
            'scheme = "latin-square"',
            'scheme = "snake"',
            "order.scheme is one of latin-square, random-blocks, sequence",
        ),
        ('baseline = "manual"', 'baseline = "nobody"', "expected one of the arms manual, assisted"),
        ('readers = ["R1", "R2"]', 'readers = ["R1", "r1"]', "occurs twice"),
        ('readers = ["R1", "R2"]', 'readers = ["../R1"]', "other signs"),
        ('readers = ["R1", "R2"]', "readers = 3", "a list of names"),
        ('model = "lite-medsam"', "", "names no model"),
        ('method = "assisted"', 'method = "correct"', "has a model"),
        ("format = 1", "format = 9", "Update SAMLesion"),
        ("[order]", "[order", "cannot be read as TOML"),
        ('title = "Manual"', "", "title is missing"),
    ],
)
def test_a_design_that_cannot_be_is_refused_with_a_sentence(
    before: str, after: str, sentence: str, tmp_path: Path
) -> None:
    path = a_folder(tmp_path / "s") / DESIGN
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(InputError, match=sentence):
        read_design(path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"arms": (MANUAL,)}, "two"),
        ({"cases": ()}, "no case"),
        ({"order": Order(repeat_cases=9)}, "0 to the number of cases"),
        ({"arms": (MANUAL, Arm("fix", "Fix", "correct"))}, "C1 has none"),
    ],
)
def test_a_design_that_contradicts_itself_is_refused(changes: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check_design(a_design(**changes), "design.toml")


def test_the_hash_is_that_of_the_content_not_of_comments(tmp_path: Path) -> None:
    path = a_folder(tmp_path / "s") / DESIGN
    before = design_hash(read_design(path))
    path.write_text("# another comment\n" + path.read_text())
    assert design_hash(read_design(path)) == before
    path.write_text(path.read_text().replace("seed = 1", "seed = 2"))
    assert design_hash(read_design(path)) != before


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_in_a_williams_square_each_arm_follows_each_other_equally_often(n: int) -> None:
    square = williams_square(n)
    followers = Counter(pair for row in square for pair in pairwise(row))
    assert len(followers) == n * (n - 1)
    assert len(set(followers.values())) == 1
    for column in zip(*square, strict=True):
        assert set(Counter(column).values()) == {len(square) // n}


@pytest.mark.parametrize("scheme", ["latin-square", "random-blocks", "sequence"])
def test_everyone_reads_each_case_once_in_each_arm_and_never_twice_in_a_period(scheme: str) -> None:
    arms = (MANUAL, Arm("x", "X", "assisted", "x"), Arm("y", "Y", "assisted", "y"))
    design = a_design(n_cases=12, n_readers=3, arms=arms, order=Order(scheme=scheme))
    for readings in schedule(design).values():
        assert len({r.key for r in readings}) == len(readings) == 36
        assert len({(r.case, r.period) for r in readings}) == 36
        assert [r.number for r in readings] == list(range(1, 37))
        assert [r.period for r in readings] == sorted(r.period for r in readings)


@pytest.mark.parametrize("scheme", ["latin-square", "random-blocks"])
def test_each_arm_comes_first_for_half_of_the_cases_of_each_reader(scheme: str) -> None:
    design = a_design(n_cases=10, n_readers=3, order=Order(scheme=scheme))
    for readings in schedule(design).values():
        assert Counter(r.arm for r in readings if r.period == 1) == {"manual": 5, "assisted": 5}


def test_in_a_latin_square_half_of_the_readers_meet_a_case_by_hand_first() -> None:
    plan = schedule(a_design(n_cases=6, n_readers=4))
    for case in ("C1", "C4"):
        firsts = [r.arm for readings in plan.values() for r in readings if r.case == case and r.period == 1]
        assert Counter(firsts) == {"manual": 2, "assisted": 2}


def test_the_seed_decides_the_order_and_nothing_else_does() -> None:
    design = a_design(n_cases=10)
    assert schedule(design) == schedule(replace(design, title="Another title"))
    assert schedule(design) != schedule(replace(design, seed=8))


def test_repeats_are_the_same_cases_and_arms_for_everyone_and_come_last() -> None:
    plan = schedule(a_design(n_cases=5, order=Order(repeat_cases=3)))
    repeats = [{(r.case, r.arm) for r in readings if r.is_repeat} for readings in plan.values()]
    assert repeats[0] == repeats[1]
    assert Counter(arm for _, arm in repeats[0]) == {"manual": 2, "assisted": 1}
    assert all([r.is_repeat for r in readings] == [False] * 10 + [True] * 3 for readings in plan.values())


def test_arms_are_named_by_what_they_do_and_by_their_models() -> None:
    plain = TEMPLATES["assisted"]
    one = plain.with_arms(["correct", "sam-med3d"])
    assert [(arm.id, arm.method, arm.model) for arm in one.arms] == [
        ("correct", "correct", ""),
        ("assisted", "assisted", "sam-med3d"),
    ]
    assert one.baseline.id == "correct"
    two = plain.with_arms(["manual", "lite-medsam", "medsam-vit-b"])
    assert [arm.id for arm in two.arms] == ["manual", "lite-medsam", "medsam-vit-b"]
    assert len({arm.title for arm in two.arms}) == 3
    with pytest.raises(InputError, match="no name"):
        plain.with_arms(["manual", ""])


def test_texts_of_any_kind_come_back_from_the_file(tmp_path: Path) -> None:
    title = 'Über "alles"\t\\ \x7f # = [x]'
    folder = a_folder(tmp_path / "s", title=title, instructions=("word " * 40 + '"""quoted"""').strip())
    design = read_design(folder / DESIGN)
    assert design.title == title
    assert design.instructions.split() == ["word"] * 40 + ['"""quoted"""']


def test_a_study_is_named_as_its_folder(tmp_path: Path) -> None:
    design = begin_study(tmp_path / "my study!", a_draft(readers=("R1", "R2")), PhantomCases(3, 1))
    assert design.name == "my-study"
    assert len(design.cases) == 3


def test_nothing_is_read_or_written_for_a_study_that_cannot_be(tmp_path: Path) -> None:
    class Cases(PhantomCases):
        def write(self, folder: Path):
            raise AssertionError("no scan may be read")

    draft = a_draft(readers=("R1", "r1"))
    with pytest.raises(InputError, match="occurs twice"):
        begin_study(tmp_path / "new", draft, Cases(3, 1))
    assert not (tmp_path / "new").exists()
