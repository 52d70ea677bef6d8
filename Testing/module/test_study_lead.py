"""The window of study leads: from a folder of cases to a design, work lists, and the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FAKE_MODEL
from panel_cases import FakeCommands, waitUntil
from panel_fixtures import Reader, factsOf, readerWith

from SAMLesionLib.cli import main
from SAMLesionLib.geometry import Affine
from SAMLesionLib.io import Segment, read_mask, read_volume, write_segmentation
from SAMLesionLib.models.registry import MODELS
from SAMLesionLib.study.design_file import DESIGN, read_design
from SAMLesionLib.volume import Volume


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Six patients with a scan, an expert's mask, and a network's."""
    k, j, i = np.indices((8, 24, 24))
    for n, name in enumerate(("Abel", "Baker", "Clark", "Davis", "Evans", "Frank")):
        lesion = (k - 4) ** 2 * 4 + (j - 12) ** 2 + (i - 10 - n) ** 2 < 30
        volume = Volume((200 * lesion).astype(np.int16), Affine.from_spacing((1.0, 1.0, 2.0)))
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "masks").mkdir(exist_ok=True)
        write_segmentation(tmp_path / "data" / name / "image.nrrd", [Segment("x", lesion)], volume)
        write_segmentation(tmp_path / "data" / name / "label.nrrd", [Segment("x", lesion)], volume)
        write_segmentation(tmp_path / "masks" / f"{name}.nrrd", [Segment("x", lesion)], volume)
    return tmp_path / "data"


class Lead:
    """Somebody who leads a study."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        reader.ui.studySection.collapsed = False
        reader.ui.leadStudyButton.click()
        self.window, self.ui = reader.panel.studyLead.window, reader.panel.studyLead.ui

    @property
    def said(self) -> str:
        return str(self.ui.leadStatusLabel.text)

    def wait(self, condition: Any) -> None:
        waitUntil(condition, self.reader.panel.tick)

    def settle(self) -> str:
        """Let the window catch up; gives what it says."""
        design = self.reader.panel.studyLead.design
        self.wait(lambda: not (design._isDirty or design._background.isBusy))
        return self.said

    def nameCases(self, cases: Path) -> None:
        self.ui.casesEdit.currentPath = str(cases)
        self.settle()

    def write(self, folder: Path) -> None:
        self.ui.studyFolderEdit.currentPath = str(folder)
        assert self.settle().startswith("Ready")
        self.ui.writeDesignButton.click()
        self.wait(lambda: self.said.startswith("Written"))

    def cells(self, name: str) -> list[list[str]]:
        table = getattr(self.ui, name)
        items = [[table.item(r, c) for c in range(table.columnCount)] for r in range(table.rowCount)]
        return [[str(item.text()) if item is not None else "" for item in row] for row in items]


@pytest.fixture
def a_lead(a_reader: Reader) -> Any:
    return Lead(a_reader)


def test_nothing_is_made_for_those_who_lead_no_study(a_reader: Reader) -> None:
    assert a_reader.ui.studySection.collapsed
    assert a_reader.panel.studyLead.window is None


def test_the_panel_writes_the_file_that_the_command_writes(a_lead: Lead, cases: Path, tmp_path: Path) -> None:
    a_lead.nameCases(cases)
    assert "6 cases" in a_lead.ui.casesInfoLabel.text
    a_lead.ui.readersEdit.text = "R1, R2,R3"
    a_lead.ui.repeatsSpinBox.value = 2
    a_lead.ui.seedSpinBox.value = 5
    a_lead.write(tmp_path / "a" / "pilot")
    words = ["study", "new", tmp_path / "b" / "pilot", "--data", cases, "--readers", "R1,R2,R3"]
    assert main([*map(str, words), "--repeats", "2", "--seed", "5"]) == 0
    texts = [(tmp_path / x / "pilot" / DESIGN).read_text() for x in ("a", "b")]
    assert texts[0] == texts[1]
    assert "Abel" in texts[0]  # where the scan lies; no other file of the study says it
    assert read_design(tmp_path / "a" / "pilot" / DESIGN).cases[0].id == "C01"


def test_every_field_gets_into_the_design(a_lead: Lead, cases: Path, tmp_path: Path) -> None:
    ui = a_lead.ui
    ui.templateSelector.currentIndex = 1
    ui.templateSelector.pythonqt_native.activated.emit(1)
    assert ui.schemeSelector.currentData == "sequence"
    assert "adrenal" in ui.instructionsEdit.plainText
    a_lead.nameCases(cases)
    ui.secondArmCheckBox.checked = True
    ui.secondModelSelector.currentText = "sam-med3d"
    ui.correctArmCheckBox.checked = True
    ui.startsEdit.currentPath = str(cases.parent / "masks")
    ui.schemeSelector.currentIndex = 1
    ui.washoutSpinBox.value = 10.5
    ui.blindedCheckBox.checked = False
    ui.instructionsEdit.plainText = "Mark what is new."
    ui.idleSpinBox.value = 45
    ui.toleranceSpinBox.value = 1.5
    ui.marginSpinBox.value = 0.025
    a_lead.settle()
    ui.baselineSelector.currentIndex = 3
    a_lead.write(tmp_path / "pilot")
    design = read_design(tmp_path / "pilot" / DESIGN)
    assert [arm.id for arm in design.arms] == ["manual", "medsam-vit-b", "sam-med3d", "correct"]
    order, analysis = design.order, design.analysis
    assert (order.scheme, order.washout_days, order.is_arm_blinded) == ("random-blocks", 10.5, False)
    assert (analysis.baseline, analysis.idle_after_s) == ("correct", 45)
    assert (analysis.nsd_tolerance_mm, analysis.dice_margin) == (1.5, 0.025)
    assert design.instructions == "Mark what is new."
    assert design.cases[0].start == "starts/C01.seg.nrrd"


def test_who_stops_while_cases_are_read_gets_no_design(a_lead: Lead, cases: Path, tmp_path: Path) -> None:
    a_lead.nameCases(cases)
    a_lead.ui.studyFolderEdit.currentPath = str(tmp_path / "pilot")
    a_lead.settle()
    a_lead.ui.writeDesignButton.click()
    assert not a_lead.ui.designContents.enabled
    a_lead.ui.cancelDesignButton.click()
    assert a_lead.said == "Stopped. No design was written."
    assert a_lead.ui.designContents.enabled
    assert a_lead.settle() == "Stopped. No design was written."
    assert not (tmp_path / "pilot" / DESIGN).exists()
    a_lead.write(tmp_path / "again")


def test_what_nifti_files_need_is_fetched_when_the_lead_agrees(
    a_slicer: Any, cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from SAMLesionQt import nifti_package

    (volume, mask) = read_volume(cases / "Abel" / "image.nrrd"), read_mask(cases / "Abel" / "label.nrrd")
    for name in ("image", "label"):
        (cases / "Abel" / f"{name}.nrrd").unlink()
        write_segmentation(cases / "Abel" / f"{name}.nii.gz", [Segment("x", mask)], volume)
    monkeypatch.setattr(nifti_package, "isMissing", lambda: True)
    monkeypatch.setattr(nifti_package, "niftiPackages", lambda: tmp_path / "packages")
    commands = FakeCommands({"list": [factsOf(FAKE_MODEL)], "pip": ["Successfully installed nibabel"]})
    lead = Lead(readerWith(a_slicer, tmp_path, _Models(), commands))
    lead.nameCases(cases)
    lead.write(tmp_path / "pilot")
    assert f"--target|{tmp_path / 'packages'}|nibabel" in "|".join(commands.asked[-1])
    assert read_design(tmp_path / "pilot" / DESIGN).cases[0].image.endswith("Abel/image.nii.gz")


def test_the_table_shows_who_reads_what(a_lead: Lead, cases: Path) -> None:
    a_lead.nameCases(cases)
    rows = a_lead.cells("scheduleTable")
    assert len(rows) == 12 + 2  # two periods, each with its line
    assert rows[7][0] == "Period 2, each case after 7 days of rest"
    read = [cell for row in rows for cell in row if "·" in cell]
    assert len(read) == 24
    assert {cell.partition(" · ")[2] for cell in read} == {"manual", "assisted"}
    a_lead.ui.readersEdit.text = "R1"
    a_lead.settle()
    assert a_lead.ui.scheduleTable.columnCount == 1


def test_the_sample_size_is_told_while_its_numbers_are_turned(a_lead: Lead, cases: Path) -> None:
    assert "<b>12 cases</b>" in a_lead.ui.sizeAnswerLabel.text
    a_lead.nameCases(cases)
    assert "With the 6 chosen the chance is 42%" in a_lead.ui.sizeAnswerLabel.text
    a_lead.ui.savingSpinBox.value = 70
    assert "<b>4 cases</b>" in a_lead.ui.sizeAnswerLabel.text
    a_lead.ui.savingSpinBox.value, a_lead.ui.spreadSpinBox.value = 1, 5
    assert "More than 100,000 cases" in a_lead.ui.sizeAnswerLabel.text


def test_what_cannot_be_is_one_sentence(a_lead: Lead, cases: Path, tmp_path: Path) -> None:
    ui = a_lead.ui
    assert a_lead.settle() == "Choose the folder of cases: scans with the experts' masks."
    a_lead.nameCases(tmp_path / "nowhere")
    assert "nowhere" in ui.casesInfoLabel.text
    a_lead.nameCases(cases)
    assert a_lead.said == "Choose a folder for the study, then write the design."
    ui.studyFolderEdit.currentPath = str(tmp_path / "pilot")
    for act, undo, sentence in (
        (lambda: setattr(ui.readersEdit, "text", "R1, r1"), "R1", "occurs twice"),
        (lambda: setattr(ui.readersEdit, "text", ""), "R1", "a reader id is empty"),
        (lambda: setattr(ui.readersEdit, "text", "J. Doe"), "R1", "other signs"),
    ):
        act()
        assert sentence in a_lead.settle()
        ui.writeDesignButton.click()
        assert sentence in a_lead.said
        ui.readersEdit.text = undo
    ui.assistedArmCheckBox.checked = False
    assert a_lead.settle() == "Choose two arms or more: a study compares ways of working."
    ui.correctArmCheckBox.checked = True
    assert "C01 has none" in a_lead.settle()
    ui.startsEdit.currentPath = str(tmp_path)
    a_lead.settle()
    assert "holds no mask of the case Abel" in ui.casesInfoLabel.text
    ui.startsEdit.currentPath = str(tmp_path / "masks")
    assert a_lead.settle().startswith("Ready")
    assert not (tmp_path / "pilot").exists()


def test_a_running_study_is_dealt_followed_and_reported(a_slicer: Any, cases: Path, tmp_path: Path) -> None:
    lead = Lead(readerWith(a_slicer, tmp_path, _Models(), _RealStudies({"list": [factsOf(FAKE_MODEL)]})))
    lead.nameCases(cases)
    lead.write(tmp_path / "pilot")
    lead.ui.studyTabs.currentIndex = 1
    lead.wait(lambda: "not dealt yet" in lead.ui.studySummaryLabel.text)
    assert not lead.ui.makeReportButton.enabled
    lead.ui.dealButton.click()
    lead.wait(lambda: lead.said.startswith("Work lists for R1, R2 in"))
    assert [row[:5] for row in lead.cells("statusTable")] == [
        ["R1", "0 / 12", "0", "0", "12"],
        ["R2", "0 / 12", "0", "0", "12"],
    ]
    lead.ui.makeReportButton.click()
    lead.wait(lambda: lead.said.startswith("The report is in"))
    report = tmp_path / "pilot" / "report" / "report.html"
    assert lead.reader.opened == [report]
    assert "R2 has finished 0 of 12 readings" in report.read_text()
    assert lead.ui.openReportButton.enabled
    path = tmp_path / "pilot" / DESIGN
    path.write_text(path.read_text().replace("seed = 1", "seed = 2"))
    lead.ui.refreshStatusButton.click()
    lead.wait(lambda: "The design was changed (seed)" in lead.said)
    path.write_text(path.read_text().replace("version = 1", "version = 2"))
    lead.ui.dealButton.click()
    lead.wait(lambda: "version 2" in lead.ui.studySummaryLabel.text)
    lead.ui.runningFolderEdit.currentPath = str(tmp_path)
    lead.wait(lambda: "There is no study design" in lead.said)


def test_packages_of_the_report_are_installed_when_the_lead_agrees(
    a_slicer: Any, cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from SAMLesionQt import report_commands
    from SAMLesionQt.commands import CommandFailed

    monkeypatch.setattr(report_commands, "studyPackages", lambda: tmp_path / "packages")
    missing = "samlesion: This needs the package jinja2, which is not installed. Run: pip install x"
    commands = FakeCommands({"list": [factsOf(FAKE_MODEL)], "report": [CommandFailed(missing)]})
    lead = Lead(readerWith(a_slicer, tmp_path, _Models(), commands))
    lead.nameCases(cases)
    lead.write(tmp_path / "pilot")
    lead.ui.studyTabs.currentIndex = 1
    lead.wait(lambda: "not dealt yet" in lead.ui.studySummaryLabel.text)
    lead.ui.dealButton.click()
    lead.wait(lambda: lead.ui.makeReportButton.enabled)
    commands.answers["pip"] = ["Successfully installed"]
    lead.ui.makeReportButton.click()
    lead.wait(lambda: lead.said.endswith("are not found there."))  # the double's report still fails
    assert f"--target|{tmp_path / 'packages'}" in "|".join(commands.asked[-2])
    assert not lead.ui.cancelReportButton.visible


def test_the_packages_of_the_report_are_those_of_the_extra() -> None:
    from SAMLesionQt.report_commands import PACKAGES

    extras = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text()
    line = next(line for line in extras.splitlines() if line.startswith("study = "))
    assert line == f"study = {list(PACKAGES)}".replace("'", '"')


def test_every_control_of_the_window_has_a_tooltip(a_lead: Lead) -> None:
    fields = ("QAbstractSpinBox", "QCheckBox", "QComboBox", "QLineEdit", "QPlainTextEdit", "QPushButton")
    kinds = (*fields, "QTableWidget", "ctkPathLineEdit")
    named = {name: w for name, w in vars(a_lead.ui).items() if hasattr(w, "inherits")}
    found = {name: w for name, w in named.items() if any(w.inherits(kind) for kind in kinds)}
    assert len(found) > 35
    assert [name for name, widget in found.items() if not widget.toolTip and not name.startswith("qt_")] == []


def test_a_reader_takes_part_by_choosing_a_folder(a_reader: Reader, tmp_path: Path) -> None:
    assert main(["study", "new", str(tmp_path / "pilot"), "--phantoms", "1", "--readers", "R1"]) == 0
    assert main(["study", "deal", str(tmp_path / "pilot")]) == 0
    a_reader.targets.append("")
    a_reader.ui.takePartButton.click()
    assert not a_reader.panel.study.isOpen
    a_reader.targets.append(str(tmp_path / "pilot" / "readers" / "R1"))
    a_reader.ui.takePartButton.click()
    assert a_reader.panel.study.isOpen


def test_pictures_of_the_window(
    a_slicer: Any, cases: Path, tmp_path: Path, screenshot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = Lead(readerWith(a_slicer, tmp_path, _Models()))
    monkeypatch.chdir(tmp_path)
    assert main(["study", "new", "pilot", "--data", "data", "--readers", "R1,R2,R3"]) == 0
    assert main(["study", "simulate", "pilot"]) == 0
    log = Path("pilot/readers/R2/log.jsonl")
    log.write_bytes(log.read_bytes()[: log.stat().st_size * 2 // 3])  # torn in the middle of a line
    Path("pilot/readers/R3/log.jsonl").unlink()
    lead.nameCases(Path("data"))
    lead.ui.readersEdit.text = "R1, R2, R3"
    lead.ui.studyFolderEdit.currentPath = "liver"
    lead.ui.secondArmCheckBox.checked = True
    lead.settle()
    assert screenshot("slicer-study-lead", lead.window).stat().st_size > 20_000
    lead.ui.runningFolderEdit.currentPath = "pilot"
    lead.ui.studyTabs.currentIndex = 1
    lead.wait(lambda: lead.ui.makeReportButton.enabled)
    assert [row[1] for row in lead.cells("statusTable")][::2] == ["12 / 12", "0 / 12"]
    lead.window.resize(1180, 420)
    assert screenshot("slicer-study-running", lead.window).stat().st_size > 20_000
    lead.window.resize(1180, 820)
    a_slicer.set_dark()
    lead.ui.studyTabs.currentIndex = 0
    lead.settle()
    assert screenshot("study-lead-dark", lead.window).stat().st_size > 20_000


class _RealStudies(FakeCommands):
    """Runs the command line for what is about studies."""

    def lines(self, arguments: Sequence[str], environment: Any = None) -> Iterator[str | None]:
        from SAMLesionQt.commands import ChildCommands

        commands = ChildCommands() if "study" in arguments else super()
        yield from commands.lines(arguments, environment)


class _Models:
    """A double that only lists the registry's models."""

    def models(self) -> tuple[Any, ...]:
        return tuple(card.info(is_available=True) for card in MODELS.values())

    def close(self) -> None:
        pass
