"""Dialogs never wait: the test says what the user answers, and a question without an answer fails."""

from __future__ import annotations

from typing import Any

import pytest

from slicer_host import dialogs


def test_a_confirmation_is_answered_by_the_text_of_its_button(a_slicer: Any, a_user: Any) -> None:
    import slicer

    a_user.will_answer("OK", "Cancel", "Yes", "No")
    answers = [
        slicer.util.confirmOkCancelDisplay("Delete?"),
        slicer.util.confirmOkCancelDisplay("Really?"),
        slicer.util.confirmYesNoDisplay("Save?"),
        slicer.util.confirmYesNoDisplay("Now?"),
    ]
    assert answers == [True, False, True, False]
    assert [question.text for question in a_user.asked] == ["Delete?", "Really?", "Save?", "Now?"]


def test_a_question_nobody_answers_fails_with_its_text(a_slicer: Any) -> None:
    import slicer

    with pytest.raises(AssertionError, match=r'asks "Delete 40 lesions\?" and nobody answers. It offers OK'):
        slicer.util.confirmOkCancelDisplay("Delete 40 lesions?")


def test_an_answer_that_the_dialog_does_not_offer_fails(a_slicer: Any, a_user: Any) -> None:
    import slicer

    a_user.will_answer("Maybe")
    with pytest.raises(AssertionError, match=r"has no button 'Maybe'\. It offers OK, Cancel"):
        slicer.util.confirmOkCancelDisplay("Delete?")


def test_error_and_information_are_shown_and_answered(
    a_slicer: Any, a_user: Any, caplog: pytest.LogCaptureFixture
) -> None:
    import slicer

    a_user.will_answer("OK", "OK")
    slicer.util.errorDisplay("The engine does not answer.")
    slicer.util.infoDisplay("Done.")
    assert [question.kind for question in a_user.asked] == ["ctkMessageBox", "ctkMessageBox"]
    assert "The engine does not answer." in caplog.text


def test_files_folders_and_texts_are_given_as_pythonqt_gives_them(a_slicer: Any, a_user: Any) -> None:
    import qt

    a_user.will_answer("/data/scan.nrrd", None, "/data", "Lesion 7")
    assert qt.QFileDialog.getOpenFileName(None, "Open", "", "*.nrrd") == "/data/scan.nrrd"
    assert qt.QFileDialog.getSaveFileName(None, "Save") == ""
    assert qt.QFileDialog.getExistingDirectory(None, "Folder") == "/data"
    assert qt.QInputDialog.getText(None, "Rename", "Name") == "Lesion 7"


def test_an_own_dialog_is_handed_to_the_answer(a_slicer: Any, a_user: Any) -> None:
    import qt

    dialog = qt.QDialog()
    dialog.windowTitle = "Settings"
    field = qt.QLineEdit(dialog)

    def fill_in(shown: Any) -> None:
        shown.findChild(qt.QLineEdit).text = "address"
        shown.accept()

    a_user.will_answer(fill_in)
    assert dialog.exec_() == qt.QDialog.Accepted
    assert field.text == "address"


def test_qts_own_question_is_asked_of_the_user(a_slicer: Any, a_user: Any) -> None:
    import qt

    a_user.will_answer("No")
    assert qt.QMessageBox.question(None, "Title", "Go on?") == qt.QMessageBox.No


def test_the_user_can_ask_never_to_be_asked_again(a_slicer: Any, a_user: Any) -> None:
    import slicer

    def tick_and_accept(box: Any) -> None:
        box.dontShowAgain = True
        box.accept()

    a_user.will_answer(tick_and_accept)
    assert slicer.util.messageBox("A hint.", dontShowAgainSettingsKey="SAMLesion/DontShowHint") is not None
    assert a_slicer.settings.value("SAMLesion/DontShowHint") is not None


def test_in_testing_mode_no_dialog_is_shown(a_slicer: Any) -> None:
    import slicer

    a_slicer.is_testing = True
    slicer.util.errorDisplay("Nobody sees this.")
    assert a_slicer.user.asked == []


def test_an_unused_answer_is_told() -> None:
    user = dialogs.User()
    user.will_answer("OK")
    assert user.unused == ["OK"]
