"""`qt` behaves as PythonQt does, and refuses what PythonQt refuses."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from slicer_host import errors
from slicer_host.hands import Mouse


@pytest.fixture
def qt(a_slicer: Any) -> Any:
    import qt

    return qt


@pytest.fixture
def a_button(qt: Any) -> Any:
    return qt.QPushButton("Segment")


def test_properties_are_attributes(a_button: Any) -> None:
    a_button.text = "Cancel"
    a_button.enabled = False
    a_button.toolTip = 3
    a_button.visible = []
    assert (a_button.text, a_button.enabled, a_button.toolTip) == ("Cancel", False, "3")
    assert not a_button.visible
    assert a_button.name == a_button.objectName


def test_a_getter_that_is_a_property_cannot_be_called(a_button: Any) -> None:
    with pytest.raises(TypeError, match="not callable"):
        a_button.text()


def test_a_setter_can_be_called(a_button: Any) -> None:
    a_button.setText("Undo")
    assert a_button.text == "Undo"


def test_numbers_become_whole_by_rounding_down(qt: Any) -> None:
    spin = qt.QSpinBox()
    spin.value = 3.9
    assert spin.value == 3


def test_lists_of_qt_are_tuples(qt: Any) -> None:
    frame, layout = qt.QWidget(), qt.QVBoxLayout()
    frame.setLayout(layout)
    label = qt.QLabel("a")
    layout.addWidget(label)
    assert frame.children() == (layout, label)
    assert label.parent() == frame


def test_enums_are_flat_numbers(qt: Any) -> None:
    assert qt.Qt.Checked == 2
    label = qt.QLabel()
    label.setAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    assert label.alignment == 0x2 | 0x80
    label.setAlignment(4)
    assert label.alignment == qt.Qt.AlignHCenter


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (lambda qt, b: b.txt, "QPushButton has no attribute named 'txt'"),
        (lambda qt, b: setattr(b, "txt", 1), "'txt' does not exist on QPushButton"),
        (lambda qt, b: setattr(b, "click", 1), "Slot 'click' can not be overwritten on QPushButton"),
        (lambda qt, b: setattr(b, "clicked", 1), "Signal 'clicked' can not be overwritten on QPushButton"),
        (
            lambda qt, b: setattr(b, "sizeHint", 1),
            "Property 'sizeHint' of QPushButton object is not writable",
        ),
        (lambda qt, b: setattr(b, "maximumWidth", "wide"), "does not accept an object of type str"),
        (lambda qt, b: qt.QPushButton.Nowhere, "QPushButton has no attribute named 'Nowhere'"),
        (lambda qt, b: qt.Qt.CheckState.Checked, "flat: write qt.Qt.Checked"),
        (lambda qt, b: qt.QPushBotton, "has no attribute 'QPushBotton'"),
        (lambda qt, b: b.connect("clickd()", print), "QPushButton has no signal 'clickd\\(\\)'"),
        (lambda qt, b: b.connect("clicked(int)", print), "It has clicked\\(bool\\), clicked\\(\\)"),
        (lambda qt, b: b.disconnect("clickd()", print), "no signal 'clickd\\(\\)'"),
        (lambda qt, b: b.connect("clicked()", b, "clack()"), "QPushButton has no slot 'clack\\(\\)'"),
        (lambda qt, b: qt.QCheckBox().checkStateChanged, "Qt 6 has it, Slicer's Qt 5.15 has not"),
        (lambda qt, b: qt.QKeyCombination, "Qt 6 has it, Slicer's Qt 5.15 has not"),
    ],
)
def test_what_the_class_does_not_have_is_refused_by_name(
    qt: Any, a_button: Any, action: Callable[[Any, Any], Any], sentence: str
) -> None:
    with pytest.raises(AttributeError, match=sentence):
        action(qt, a_button)


def test_a_position_that_only_qt_6_calls_so_is_refused(qt: Any) -> None:
    seen = []

    class Pad(qt.QWidget):
        def mousePressEvent(self, event: Any) -> None:
            seen.append((event.x(), event.pos().y(), hasattr(event, "position")))

    Mouse(Pad()).click((7, 9))
    assert seen == [(7, 9, False)]


def test_keyword_arguments_are_refused(qt: Any) -> None:
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        qt.QPushButton(text="a")


def test_a_signal_is_connected_by_signature_or_by_name(a_button: Any) -> None:
    said: list[Any] = []
    a_button.checkable = True
    a_button.connect("clicked(bool)", said.append)
    a_button.connect("clicked( bool )", lambda checked: said.append(checked))
    a_button.clicked.connect(lambda: said.append("no argument"))
    a_button.connect("toggled(bool)", a_button, "setDisabled(bool)")
    a_button.click()
    assert said == [True, True, "no argument"]
    assert not a_button.enabled


def test_a_receiver_gets_no_more_arguments_than_it_names_but_defaults_are_filled(a_button: Any) -> None:
    """PythonQt's trap: the signal overwrites what a lambda has kept in a default."""
    said: list[Any] = []
    a_button.connect("clicked(bool)", lambda row=5: said.append(row))
    a_button.connect("clicked()", lambda row=5: said.append(row))
    a_button.click()
    assert said == [False, 5]


def test_a_disconnected_receiver_is_silent(a_button: Any) -> None:
    said: list[Any] = []

    def say() -> None:
        said.append(1)

    a_button.connect("clicked()", say)
    assert a_button.disconnect("clicked()", say)
    assert not a_button.disconnect("clicked()", say)
    a_button.click()
    assert said == []


def test_a_python_subclass_overrides_events_and_has_attributes(qt: Any) -> None:
    class Pad(qt.QWidget):
        def __init__(self) -> None:
            super().__init__()
            self.pressed = 0

        def mousePressEvent(self, event: Any) -> None:
            self.pressed += event.button() == qt.Qt.LeftButton
            super().mousePressEvent(event)

    pad = Pad()
    Mouse(pad).click((5, 5))
    assert pad.pressed == 1


def test_an_event_filter_sees_events_and_can_stop_them(qt: Any) -> None:
    class Wheel(qt.QObject):
        def eventFilter(self, watched: Any, event: Any) -> bool:
            seen.append(watched)
            return event.type() == qt.QEvent.MouseButtonPress

    seen: list[Any] = []
    button, wheel = qt.QPushButton(), Wheel()
    clicked: list[int] = []
    button.connect("clicked()", lambda: clicked.append(1))
    button.installEventFilter(wheel)
    Mouse(button).click((5, 5))
    assert button in seen
    assert clicked == []


def test_what_a_slot_raises_is_kept(a_button: Any) -> None:
    a_button.connect("clicked()", lambda: 1 / 0)
    a_button.click()
    (error,) = errors.take()
    assert isinstance(error, ZeroDivisionError)


def test_what_an_observer_raises_is_kept(a_slicer: Any) -> None:
    def fail(caller: Any, event: str) -> None:
        raise ValueError("seen by nobody in Slicer")

    a_slicer.scene.AddObserver(a_slicer.scene.NodeAddedEvent, fail)
    a_slicer.scene.AddNewNodeByClass("vtkMRMLTextNode")
    assert [str(error) for error in errors.take()] == ["seen by nobody in Slicer"]


def test_an_object_without_parent_ends_with_the_last_reference(qt: Any, a_slicer: Any) -> None:
    """A timer in a local variable never fires in Slicer either."""
    fired: list[int] = []

    def start() -> None:
        timer = qt.QTimer()
        timer.connect("timeout()", lambda: fired.append(1))
        timer.start(0)

    start()
    gc.collect()
    a_slicer.app.processEvents()
    assert fired == []


def test_single_shot_is_a_property_of_the_object_and_a_function_of_the_class(qt: Any, a_slicer: Any) -> None:
    fired: list[int] = []
    timer = qt.QTimer()
    timer.singleShot = True
    assert timer.singleShot
    qt.QTimer.singleShot(0, lambda: fired.append(1))
    a_slicer.app.processEvents()
    assert fired == [1]


def test_a_process_runs_and_tells_its_output(qt: Any) -> None:
    codes: list[Any] = []
    process = qt.QProcess()
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: codes.append((code, status)))
    process.start("/bin/echo", ["hello"])
    assert process.waitForFinished(10_000)
    assert process.readAllStandardOutput().data() == b"hello\n"
    assert codes == [(0, qt.QProcess.NormalExit)]


def test_settings_start_empty_and_stay_inside_the_host(qt: Any, a_slicer: Any) -> None:
    import slicer

    assert slicer.util.settingsValue("SAMLesion/address", "nowhere") == "nowhere"
    qt.QSettings().setValue("SAMLesion/address", "there")
    assert slicer.util.settingsValue("SAMLesion/address", "nowhere") == "there"
    assert slicer.app.userSettings().fileName().startswith(str(a_slicer.folder))


def test_a_child_is_found_by_class_and_name(qt: Any) -> None:
    frame = qt.QFrame()
    label = qt.QLabel("a", frame)
    label.name = "title"
    assert frame.findChild(qt.QLabel, "title") == label
    assert frame.findChildren("QWidget") == (label,)
    assert frame.title == label
