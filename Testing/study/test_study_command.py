"""The command as the lead and the readers type it, from a new design to the report."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from study_cases import a_cube, a_folder, a_volume

from SAMLesionLib.cli import main
from SAMLesionLib.geometry import Affine
from SAMLesionLib.io import Segment, read_mask, read_segmentation, read_volume, write_segmentation
from SAMLesionLib.study.study_folder import read_study


def study(*words: object) -> int:
    return main(["study", *map(str, words)])


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated study with a report beside it."""
    folder = tmp_path_factory.mktemp("trial")
    assert study("new", folder / "trial", "--phantoms", 6, "--readers", "R1,R2", "--repeats", 1) == 0
    assert study("simulate", folder / "trial", "--saving", 70, "--seed", 2) == 0
    assert study("report", folder / "trial", "-o", folder / "report") == 0
    return folder


def test_the_report_finds_the_saving_that_was_planted(trial: Path) -> None:
    with (trial / "report" / "savings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["reader"] for row in rows] == ["all readers", "R1", "R2"]
    assert float(rows[0]["low"]) < 0.7 < float(rows[0]["high"])
    assert rows[0]["n_pairs"] == "12"


def test_the_page_holds_every_part_and_nothing_from_elsewhere(trial: Path) -> None:
    page = (trial / "report" / "report.html").read_text()
    for heading in (
        "Time saved", "Time per case and lesion", "Model of all times", "Quality against the reference",
        "Agreement", "Methods, ready for a paper", "Every reading", "How it was done",
    ):  # fmt: skip
        assert f"<h2>{heading}</h2>" in page
    assert page.count("<svg") == 4
    assert "These readers are simulated" in page
    assert "non-inferior" in page
    assert 'src="http' not in page
    assert 'href="http' not in page.replace('xlink:href="http://www.w3.org', "").replace("xmlns", "")


def test_tables_figures_and_the_methods_lie_beside_it(trial: Path) -> None:
    files = {path.relative_to(trial / "report").as_posix() for path in (trial / "report").rglob("*.*")}
    assert {
        f"{n}.csv" for n in ("readings", "lesions", "arms", "savings", "quality", "effects", "pairs")
    } < files
    assert {f"figures/{n}.svg" for n in ("times", "savings", "practice", "margin")} < files
    text = (trial / "report" / "methods.txt").read_text()
    assert text.startswith("Two simulated readers segmented the lesions of six cases in 2 arms")
    assert "26 of 26 planned readings" in text
    with (trial / "report" / "readings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 26
    assert all(0.8 < float(row["dice"]) < 1 for row in rows)
    assert all(float(row["compute_s"]) > 0 for row in rows if row["arm"] == "assisted")
    assert all(float(row["n_voxels_after_ai"]) > 0 for row in rows if row["arm"] == "assisted")
    with (trial / "report" / "agreement.csv").open(newline="") as file:
        manual, assisted = csv.DictReader(file)
    assert (manual["own_dice_n"], assisted["own_dice_n"]) == ("2", "0")
    assert 0.9 < float(manual["volume_icc_value"]) <= 1


def test_simulated_readings_are_never_put_over_others(trial: Path, capsys) -> None:
    assert study("simulate", trial / "trial") == 2
    assert "R1 has begun already" in capsys.readouterr().err


def test_a_reader_reads_with_a_stopwatch_and_the_report_says_so(tmp_path: Path, monkeypatch, capsys) -> None:
    folder = a_folder(tmp_path / "pilot", readers=("R1",))
    (folder / "references" / "expert-2.nrrd").unlink()
    assert study("deal", folder) == 0
    assert "No reference mask for C2:" in capsys.readouterr().out
    assert study("next", folder, "--reader", "R1") == 0
    said = capsys.readouterr().out
    assert "0 of 4 readings finished" in said
    assert "images/C" in said
    write_segmentation(tmp_path / "mine.nrrd", [Segment("a", a_cube(3, 7))], a_volume())
    typed(monkeypatch, "what", "pause", "resume", "done nowhere.nrrd", f"done {tmp_path / 'mine.nrrd'}")
    assert study("read", folder, "--reader", "R1") == 0
    told = capsys.readouterr()
    assert "Finished with 1 segment." in told.out
    assert "no file or folder nowhere.nrrd" in told.err
    typed(monkeypatch, "quit")
    assert study("read", folder, "--reader", "R1") == 0
    typed(monkeypatch, "skip quality")
    assert study("read", folder, "--reader", "R1") == 0
    assert study("read", folder, "--reader", "R1") == 0
    assert "The cases rest now" in capsys.readouterr().out
    assert study("status", folder) == 0
    assert capsys.readouterr().out.split()[-6:] == ["R1", "4", "1", "0", "1", "2"]
    assert study("report", folder, "-o", tmp_path / "report") == 0
    said = capsys.readouterr().out
    for sentence in (
        "The reference of C2 is gone",
        "R1 skipped 1 of 4 readings",
        "R1 has finished 1 of 4 readings",
        "R1 has 0 cases in both manual and assisted",
        "There is one reader",
        "R1 worked with a stopwatch",
    ):
        assert sentence in said
    page = (tmp_path / "report" / "report.html").read_text()
    assert "needs 8 finished readings" in page


def test_missing_and_foreign_references_are_said_plainly(tmp_path: Path, monkeypatch, capsys) -> None:
    folder = a_folder(tmp_path / "pilot", readers=("R1", "R2"), repeat_cases=0)
    assert study("deal", folder) == 0
    write_segmentation(tmp_path / "mine.nrrd", [Segment("a", a_cube(3, 7))], a_volume())
    for reader in ("R1", "R2"):
        for _ in range(2):
            typed(monkeypatch, f"done {tmp_path / 'mine.nrrd'}")
            assert study("read", folder, "--reader", reader) == 0
    (folder / "references" / "expert-1.nrrd").unlink()
    elsewhere = replace(a_volume(), affine=Affine.from_spacing((3.0, 3.0, 3.0)))
    write_segmentation(folder / "references" / "expert-2.nrrd", [Segment("a", a_cube())], elsewhere)
    assert study("report", folder, "-o", tmp_path / "report") == 0
    said = capsys.readouterr().out
    assert "The reference of C1 is gone" in said
    assert "The reference of C2 cannot be used" in said
    assert "lies on another grid" in said


def test_the_sample_becomes_a_study_with_its_reference_apart(tmp_path: Path) -> None:
    folder = tmp_path / "pilot"
    assert study("new", folder, "--sample", "--template", "medsam-adrenal", "--model", "lite-medsam") == 0
    assert study("deal", folder) == 0
    (case,) = read_study(folder).design.cases
    assert case.image == "images/C01.nrrd"
    mask = read_mask(folder / case.reference, read_volume(folder / case.image))
    assert mask.sum() > 1000
    assert study("new", folder, "--sample") == 2


def test_a_data_set_becomes_numbered_cases(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for name, start in (("miller", 3), ("smith", 4)):
        (data / name).mkdir(parents=True)
        write_segmentation(data / name / "image.nrrd", [Segment("x", a_cube(1, 11))], a_volume())
        write_segmentation(data / name / "label.nrrd", [Segment("x", a_cube(start))], a_volume())
    assert study("new", tmp_path / "pilot", "--data", data) == 0
    assert study("deal", tmp_path / "pilot") == 0
    design = read_study(tmp_path / "pilot").design
    assert [case.id for case in design.cases] == ["C01", "C02"]
    assert design.cases[1].image == (data / "smith" / "image.nrrd").as_posix()
    assert read_mask(tmp_path / "pilot" / design.cases[1].reference).sum() == 4**3


def test_arms_order_and_masks_to_correct_are_options(tmp_path: Path, capsys) -> None:
    data = tmp_path / "data" / "miller.2"
    data.mkdir(parents=True)
    write_segmentation(data / "image.nrrd", [Segment("x", a_cube(1, 11))], a_volume())
    write_segmentation(data / "label.nrrd", [Segment("x", a_cube(3))], a_volume())
    words = ["new", tmp_path / "pilot", "--data", data.parent, "--arms", "manual,lite-medsam,correct"]
    words += ["--scheme", "random-blocks", "--washout", 14, "--unblinded"]
    assert study(*words) == 2
    assert "the case C01 has none" in capsys.readouterr().err
    (tmp_path / "starts").mkdir()
    assert study(*words, "--starts", tmp_path / "starts") == 2
    assert "no mask of the case miller.2" in capsys.readouterr().err
    two = [Segment("by medsam", a_cube(3, 5)), Segment("b", a_cube(6, 8))]
    write_segmentation(tmp_path / "starts" / "miller.2.seg.nrrd", two, a_volume())
    assert study("new", tmp_path / "pilot", "--data", data.parent, "--starts", tmp_path / "starts") == 2
    assert "no arm corrects any. Add correct to --arms" in capsys.readouterr().err
    assert study(*words, "--starts", tmp_path / "starts") == 0
    assert study("deal", tmp_path / "pilot") == 0
    design = read_study(tmp_path / "pilot").design
    assert [arm.method for arm in design.arms] == ["manual", "assisted", "correct"]
    order = design.order
    assert (order.scheme, order.washout_days, order.is_arm_blinded) == ("random-blocks", 14, False)
    segments = read_segmentation(tmp_path / "pilot" / design.cases[0].start).segments
    assert [(s.name, int(s.mask.sum())) for s in segments] == [("Lesion 1", 8), ("Lesion 2", 8)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("new", "pilot", "--phantoms", "2", "--arms", "manual,lite-medsan"), "Did you mean lite-medsam?"),
        (("new", "pilot", "--phantoms", "2", "--arms", "manual"), "two [[arms]] or more"),
        (("new", "pilot", "--phantoms", "2", "--arms", "manual,manual"), "occurs twice"),
        (("new", "pilot", "--phantoms", "2", "--scheme", "snake"), "expected latin-square or"),
        (("new", "pilot", "--phantoms", "2", "--washout", "-1"), "expected 0 to 3660"),
        (("new", "pilot", "--phantoms", "2", "--starts", "x"), "Give that with --data"),
        (("new", "pilot", "--phantoms", "2", "--template", "x"), "Choose assisted or medsam-adrenal"),
        (("report", "nowhere", "-o", "out"), "no study design"),
        (("new", "pilot", "--phantoms", "0"), "expected 1 to 999"),
        (("new", "pilot", "--phantoms", "1", "--readers", "R 1"), "other signs"),
        (("simulate", "nowhere", "--saving", "100"), "less than 100"),
        (("size", "--saving", "120"), "expected 0.001 to 0.999"),
    ],
)
def test_what_cannot_be_used_is_refused_with_one_sentence(
    words, sentence: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert study(*words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_a_study_that_was_not_dealt_says_what_to_do(tmp_path: Path, capsys) -> None:
    folder = a_folder(tmp_path / "pilot")
    assert study("status", folder) == 2
    assert "Run `samlesion study deal" in capsys.readouterr().err


def test_the_sample_size_is_told(capsys) -> None:
    assert study("size", "--saving", "30", "--spread", "0.4") == 0
    assert capsys.readouterr().out.startswith("12 cases, each read in both arms, find a saving of 30 %")


def test_readings_that_are_not_as_their_arm_says_are_told(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "trial"
    assert study("new", folder, "--phantoms", 2, "--readers", "R1") == 0
    assert study("simulate", folder) == 0
    log = folder / "readers" / "R1" / "log.jsonl"
    reading, planned = next((n, p) for n, p in read_study(folder).plan().items() if p.arm == "manual")
    lines = log.read_text().replace('"stroke","r":"' + reading, '"prompt_added","r":"' + reading)
    shown = '"e":"mask_shown",'
    for weights in ("aa", "bb"):
        lines = lines.replace(shown, f'"weights_sha256":"{weights}","e":"mask_shown" ,', 1)
    log.write_text(lines)
    design = folder / "design.toml"
    design.write_text(design.read_text().replace("= 7 ", "= 30 ").replace("version = 1", "version = 2"))
    assert study("deal", folder) == 0
    assert study("report", folder, "-o", tmp_path / "report") == 0
    said = capsys.readouterr().out
    assert "R1 met a case again after 8.0 days; the design asks for 30 (2 times)" in said
    assert f"prompts on {planned.case} in manual, which is by hand" in said
    assert "Several weights answered in assisted (aa, bb)" in said
