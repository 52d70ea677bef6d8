"""The section Engine: choice, test of the connection, restart and installation of an engine."""

from __future__ import annotations

import json
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from panel_cases import AnsweringSegmenter, FakeCommands, chooseItem, waitUntil

from SAMLesionLib.errors import EngineUnavailable

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "SAMLesion" / "Resources" / "engine-requirements.txt"


class Made:
    """Makes segmenters and remembers for which choices."""

    def __init__(self, segmenter: Any) -> None:
        self.segmenter, self.choices = segmenter, []

    def __call__(self, choice: Any, timeout_s: float = 0.0) -> Any:
        self.choices.append(choice)
        return self.segmenter


@pytest.fixture
def an_engine(a_slicer: Any) -> Any:
    from SAMLesionQt.engine_choice import savedChoice
    from SAMLesionQt.engine_switch import EngineSwitch

    made = Made(AnsweringSegmenter())
    engine = EngineSwitch(savedChoice(), made)
    engine.made = made
    return engine


@pytest.fixture
def a_section(a_ui: Any, an_engine: Any) -> Any:
    from SAMLesionQt.engine_section import EngineSection

    changes: list[bool] = []
    section = EngineSection(a_ui, an_engine, lambda: changes.append(True))
    section.changes = changes
    yield section
    section.close()


def test_a_test_of_the_connection_says_what_answers(a_ui: Any, a_section: Any) -> None:
    a_ui.testConnectionButton.click()
    assert not a_ui.testConnectionButton.enabled
    waitUntil(lambda: a_ui.testConnectionButton.enabled, a_section.pump)
    assert "version 9.9, computing on cpu" in a_ui.engineStatusLabel.text
    assert "no graphics card" in a_ui.engineStatusLabel.text


def test_a_failure_is_told_with_what_to_do_here(a_ui: Any, a_section: Any, an_engine: Any) -> None:
    class Silent(AnsweringSegmenter):
        def health(self) -> Any:
            raise EngineUnavailable("No engine answers at 127.0.0.1:1. Start it with: samlesion serve")

    an_engine.made.segmenter = Silent()
    a_ui.testConnectionButton.click()
    waitUntil(lambda: a_ui.testConnectionButton.enabled, a_section.pump)
    assert a_ui.engineStatusLabel.text.startswith("No engine answers at 127.0.0.1:1. Start it there")


def test_an_engine_elsewhere_is_chosen_by_address_and_token(
    a_ui: Any, a_section: Any, an_engine: Any
) -> None:
    import qt

    assert a_ui.engineAddressEdit.isHidden()
    chooseItem(a_ui.engineModeSelector, 1)
    assert not a_ui.engineAddressEdit.isHidden()
    assert a_ui.installFrame.isHidden()
    a_ui.engineAddressEdit.text = "127.0.0.1:8765"
    a_ui.engineTokenEdit.text = "a-secret-of-many-letters"
    a_ui.engineTokenEdit.pythonqt_native.editingFinished.emit()
    assert an_engine.choice.address == "127.0.0.1:8765"
    assert an_engine.choice.token == "a-secret-of-many-letters"
    assert a_section.changes
    saved = [str(qt.QSettings().value(key)) for key in qt.QSettings().allKeys()]
    assert "127.0.0.1:8765" in saved
    assert not any("secret" in text for text in saved), "the token is never saved"


def test_a_restart_ends_the_engine_and_the_next_question_starts_another(
    a_ui: Any, a_section: Any, an_engine: Any
) -> None:
    an_engine.models()
    first = an_engine.made.segmenter
    a_ui.restartEngineButton.click()
    waitUntil(lambda: first.n_closed == 1)
    assert not an_engine.isStarted
    an_engine.models()
    assert len(an_engine.made.choices) == 2


@pytest.fixture
def an_installation(a_ui: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    from SAMLesionQt import install_section

    monkeypatch.setattr(install_section, "engineRoot", lambda: tmp_path / "engines")
    checked = json.dumps({"torch": "2.9.0+cpu", "device": "cpu"})
    commands = FakeCommands(
        {
            "-c": [checked],
            "--version": ["pip 25.0 from x"],
            "install": ["Collecting torch", None, "Progress 1 of 2"],
        }
    )
    calls: list[str] = []
    section = install_section.InstallSection(
        a_ui,
        REQUIREMENTS,
        commands,
        lambda question: calls.append(question) or True,
        onBeforeChange=lambda: calls.append("before"),
        onChanged=lambda: calls.append("changed"),
    )
    section.commands, section.calls = commands, calls
    yield section
    section.close()


def test_nothing_is_installed_before_the_reader_says_so(an_installation: Any, a_ui: Any) -> None:
    assert an_installation.commands.asked == []
    an_installation._confirm = lambda question: False
    a_ui.installButton.click()
    assert an_installation.commands.asked == []


def test_an_installation_is_asked_for_shown_and_told(an_installation: Any, a_ui: Any) -> None:
    a_ui.installButton.click()
    assert "2.0 GB" in an_installation.calls[0]
    assert "not changed" in an_installation.calls[0]
    assert not a_ui.cancelInstallButton.isHidden()
    assert not a_ui.installButton.enabled
    waitUntil(lambda: "changed" in an_installation.calls, an_installation.pump)
    assert a_ui.engineStatusLabel.text == "Installed: PyTorch 2.9.0+cpu (cpu), 0.0 GB."
    assert a_ui.installButton.text == "Install again"
    assert a_ui.cancelInstallButton.isHidden()
    assert "Collecting torch" in a_ui.installLog.plainText
    assert a_ui.removeEngineButton.enabled


def test_a_cancelled_installation_leaves_nothing(an_installation: Any, a_ui: Any, tmp_path: Path) -> None:
    an_installation.commands.answers["install"] = (sleep(0.001) for _ in range(60_000))  # a minute's work
    a_ui.installButton.click()
    waitUntil(
        lambda: any("install" in asked for asked in an_installation.commands.asked), an_installation.pump
    )
    a_ui.cancelInstallButton.click()
    assert "cancelled" in a_ui.engineStatusLabel.text
    assert a_ui.installButton.enabled
    waitUntil(lambda: list((tmp_path / "engines").iterdir()) == [])


def test_an_installed_engine_is_removed_when_the_reader_says_so(an_installation: Any, a_ui: Any) -> None:
    a_ui.installButton.click()
    waitUntil(lambda: a_ui.removeEngineButton.enabled, an_installation.pump)
    a_ui.removeEngineButton.click()
    waitUntil(lambda: "removed" in a_ui.engineStatusLabel.text, an_installation.pump)
    assert a_ui.installButton.text == "Install"


def test_the_log_opens_at_its_button(an_installation: Any, a_ui: Any) -> None:
    assert a_ui.installLog.isHidden()
    a_ui.logButton.click()
    assert not a_ui.installLog.isHidden()
