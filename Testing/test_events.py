"""Signals reach who listens, in order, and nobody else."""

from __future__ import annotations

from SAMLesionLib.events import Signal


def test_listeners_are_called_in_the_order_they_connected():
    signal: Signal[int] = Signal()
    heard: list[tuple[str, int]] = []
    signal.connect(lambda v: heard.append(("first", v)))
    signal.connect(lambda v: heard.append(("second", v)))
    signal.emit(7)
    assert heard == [("first", 7), ("second", 7)]


def test_a_disconnected_listener_hears_nothing_more():
    signal: Signal[int] = Signal()
    heard: list[int] = []
    stop = signal.connect(heard.append)
    signal.emit(1)
    stop()
    stop()
    signal.emit(2)
    assert heard == [1]


def test_a_listener_may_disconnect_itself_while_it_is_called():
    signal: Signal[int] = Signal()
    heard: list[int] = []

    def once(value: int) -> None:
        heard.append(value)
        stop()

    stop = signal.connect(once)
    signal.connect(lambda v: heard.append(10 * v))
    signal.emit(1)
    signal.emit(2)
    assert heard == [1, 10, 20]
