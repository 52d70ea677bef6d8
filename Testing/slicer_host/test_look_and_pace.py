"""The host shows both styles, and measures how long its thread was busy."""

from __future__ import annotations

import time
from typing import Any

from PySide6.QtGui import QImage

from slicer_host.heartbeat import Heartbeat


def brightness(image: QImage) -> float:
    """The mean lightness of a grid of its pixels."""
    places = [(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)]
    return sum(image.pixelColor(*place).lightness() for place in places) / len(places)


def test_the_dark_style_is_dark_and_the_light_one_light(a_slicer: Any, screenshot: Any) -> None:
    import qt

    box = qt.QGroupBox("Options")
    box.resize(200, 100)
    light = brightness(QImage(str(screenshot("light", box))))
    a_slicer.set_dark()
    dark = brightness(QImage(str(screenshot("dark", box))))
    assert dark < 100 < 200 < light


def test_a_slot_that_keeps_the_thread_busy_is_seen(a_slicer: Any) -> None:
    import qt

    def work() -> None:
        until_s = time.perf_counter() + 0.05
        while time.perf_counter() < until_s:
            pass

    with Heartbeat() as heart:
        for _ in range(20):
            a_slicer.app.processEvents()
        qt.QTimer.singleShot(0, work)
        for _ in range(20):
            a_slicer.app.processEvents()
    assert heart.longest_gap_s >= 0.05
    assert sorted(heart.gaps_s)[len(heart.gaps_s) // 2] < 0.05
