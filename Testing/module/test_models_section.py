"""The section Models: what the reader sees of each model, and what is done with weights."""

from __future__ import annotations

import json
from time import sleep
from typing import Any

import pytest
from fakes import FAKE_MODEL
from panel_cases import POINTS_MODEL, AnsweringSegmenter, FakeCommands, waitUntil
from panel_fixtures import factsOf

from SAMLesionLib.errors import EngineUnavailable

BOXES, POINTS = 0, 1


@pytest.fixture
def a_section(a_ui: Any) -> Any:
    from SAMLesionQt.engine_choice import EngineChoice
    from SAMLesionQt.engine_switch import EngineSwitch
    from SAMLesionQt.licences import Licences
    from SAMLesionQt.model_commands import ModelCommands
    from SAMLesionQt.models_section import ModelsSection

    commands = FakeCommands({"list": [factsOf(FAKE_MODEL, POINTS_MODEL)]})
    engine = EngineSwitch(EngineChoice(), lambda choice, *_: AnsweringSegmenter())
    seen: dict[str, Any] = {"models": (), "answer": True, "questions": [], "file": ""}

    def confirm(question: str) -> bool:
        seen["questions"].append(question)
        return seen["answer"]

    section = ModelsSection(
        a_ui,
        engine,
        ModelCommands(commands),
        Licences(),
        lambda: seen["file"],
        confirm,
        lambda models: seen.update(models=models),
    )
    section.commands, section.seen, section.engine = commands, seen, engine
    yield section
    section.close()


@pytest.fixture
def a_read_section(a_section: Any) -> Any:
    a_section.read()
    waitUntil(lambda: a_section.seen["models"], a_section.pump)
    return a_section


def test_the_models_are_read_without_starting_an_engine(a_read_section: Any, a_ui: Any) -> None:
    assert a_read_section.seen["models"] == (FAKE_MODEL, POINTS_MODEL)
    assert not a_read_section.engine.isStarted
    words = [[a_ui.modelTable.item(row, column).text() for column in range(4)] for row in (0, 1)]
    assert words == [
        ["Threshold", "here", "–", "Apache-2.0"],
        ["Points only", "not here", "5 MB", "CC-BY-NC-4.0"],
    ]


def test_what_a_model_is_for_is_told(a_read_section: Any, a_ui: Any) -> None:
    a_ui.modelTable.selectRow(POINTS)
    assert "Understands: point." in a_ui.modelDetails.text
    assert "Sees volumes." in a_ui.modelDetails.text
    assert "Nobody et al." in a_ui.modelDetails.text


def test_only_what_is_here_can_be_deleted(a_read_section: Any, a_ui: Any) -> None:
    a_ui.modelTable.selectRow(BOXES)
    assert (a_ui.deleteModelButton.enabled, a_ui.downloadModelButton.enabled) == (True, False)
    a_ui.modelTable.selectRow(POINTS)
    assert (a_ui.deleteModelButton.enabled, a_ui.downloadModelButton.enabled) == (False, True)


def test_a_non_commercial_licence_is_shown_before_the_download_and_asked_once(
    a_read_section: Any, a_ui: Any
) -> None:
    section = a_read_section
    section.commands.answers["download"] = ["points: /weights/points.pth (CC-BY-NC-4.0)"]
    a_ui.modelTable.selectRow(POINTS)
    section.seen["answer"] = False
    a_ui.downloadModelButton.click()
    assert "CC-BY-NC-4.0" in section.seen["questions"][0]
    assert not any("download" in asked for asked in section.commands.asked), "the reader said no"
    section.seen["answer"] = True
    for _ in range(2):
        a_ui.downloadModelButton.click()
        waitUntil(lambda: a_ui.downloadModelButton.enabled, section.pump)
    assert len(section.seen["questions"]) == 2
    assert sum("download" in asked for asked in section.commands.asked) == 2


def test_a_download_shows_how_far_it_is_and_reads_the_models_anew(a_read_section: Any, a_ui: Any) -> None:
    section = a_read_section
    moved = [json.dumps({"done_bytes": n, "total_bytes": 4}) for n in range(5)]
    section.commands.answers = {"download": [*moved, None, "points: here"], "list": [factsOf(FAKE_MODEL)]}
    a_ui.modelTable.selectRow(POINTS)
    a_ui.downloadModelButton.click()
    assert not a_ui.cancelModelButton.isHidden()
    waitUntil(lambda: a_ui.modelProgress.value == 1000, section.pump)
    waitUntil(lambda: len(section.seen["models"]) == 1, section.pump)
    assert a_ui.modelStatusLabel.text == "points: here"


def test_a_download_is_stopped_at_once(a_read_section: Any, a_ui: Any) -> None:
    section = a_read_section
    section.commands.answers["download"] = (sleep(0.001) for _ in range(60_000))  # a minute's work
    a_ui.modelTable.selectRow(POINTS)
    a_ui.downloadModelButton.click()
    waitUntil(lambda: any("download" in asked for asked in section.commands.asked), section.pump)
    n_closed = section.commands.n_closed
    a_ui.cancelModelButton.click()
    assert a_ui.downloadModelButton.enabled
    waitUntil(lambda: section.commands.n_closed == n_closed + 1)


def test_a_file_is_imported(a_read_section: Any, a_ui: Any) -> None:
    section = a_read_section
    section.commands.answers["import"] = ["points: taken"]
    section.seen["file"] = "/tmp/points.pth"
    a_ui.modelTable.selectRow(POINTS)
    a_ui.importModelButton.click()
    waitUntil(lambda: a_ui.modelStatusLabel.text == "points: taken", section.pump)
    asked = next(asked for asked in section.commands.asked if "import" in asked)
    assert asked[-3:] == ("import", "points", "/tmp/points.pth")


@pytest.mark.parametrize(
    ("button", "word"), [("verifyModelButton", "verify"), ("deleteModelButton", "remove")]
)
def test_weights_are_verified_and_deleted(a_read_section: Any, a_ui: Any, button: str, word: str) -> None:
    a_read_section.commands.answers[word] = [f"fake: {word} done"]
    a_ui.modelTable.selectRow(BOXES)
    getattr(a_ui, button).click()
    waitUntil(lambda: a_ui.modelStatusLabel.text == f"fake: {word} done", a_read_section.pump)


def test_a_refusal_is_told_in_one_sentence(a_read_section: Any, a_ui: Any) -> None:
    from SAMLesionQt.commands import CommandFailed

    a_read_section.commands.answers["verify"] = [CommandFailed("a bar\nsamlesion: The file is damaged.")]
    a_ui.modelTable.selectRow(BOXES)
    a_ui.verifyModelButton.click()
    waitUntil(lambda: a_ui.modelStatusLabel.text == "The file is damaged.", a_read_section.pump)
    assert a_ui.verifyModelButton.enabled


def test_the_models_of_an_engine_elsewhere_are_shown_and_left_alone(a_section: Any, a_ui: Any) -> None:
    from SAMLesionQt.engine_choice import EngineChoice

    a_section.engine.use(EngineChoice(address="127.0.0.1:8765"))
    a_section.read()
    waitUntil(lambda: a_section.seen["models"], a_section.pump)
    assert a_section.commands.asked == []
    a_ui.modelTable.selectRow(POINTS)
    assert not a_ui.downloadModelButton.enabled


def test_a_missing_engine_is_told(a_section: Any, a_ui: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from SAMLesionQt import model_commands

    def missing(*_: Any) -> Any:
        raise EngineUnavailable("The engine is not installed. Press Install in the section Engine.")

    monkeypatch.setattr(model_commands, "engineCommand", missing)
    a_section.read()
    waitUntil(lambda: "Press Install" in a_ui.modelStatusLabel.text, a_section.pump)
