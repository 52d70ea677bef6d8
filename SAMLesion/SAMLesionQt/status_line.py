"""The status line with its progress bar: what happens now, and what to do next."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib.events import WorkProgressed


class StatusLine:
    """One sentence at a time; a sentence that was told stays until the next thing happens.

    Args:
        ui: the panel's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._isBusy = False
        self._hint = ""
        ui.progressFrame.visible = False

    def tell(self, sentence: str) -> None:
        """Show a sentence."""
        self._ui.statusLabel.text = sentence

    def hint(self, sentence: str) -> None:
        """Show what to do next, now and whenever work has ended well."""
        self._hint = sentence
        if not self._isBusy:
            self.tell(sentence)

    def progressed(self, work: WorkProgressed) -> None:
        """Show how far a mask is."""
        self.tell(progressText(work))
        if work.stage == "segmenting":
            self._ui.progressBar.setRange(0, 1000)
            self._ui.progressBar.value = int(1000 * work.fraction)
        else:
            self._ui.progressBar.setRange(0, 0)  # nobody knows how long the engine takes to begin

    def setBusy(self, isBusy: bool) -> None:
        """Show the bar while a mask is on its way."""
        if isBusy == self._isBusy:
            return
        self._isBusy = isBusy
        self._ui.progressFrame.visible = isBusy
        if isBusy:
            self._ui.progressBar.setRange(0, 0)
            self.tell(_("Asking the engine…"))

    def finished(self, sentence: str) -> None:
        """Say that work has ended, and what comes next."""
        self.tell(" ".join(filter(None, (sentence, self._hint))))


def progressText(work: WorkProgressed) -> str:
    """What the engine does now, for people."""
    if work.stage == "sending":
        return _("Sending the scan to the engine…")
    if work.stage == "encoding":
        return _("The model looks at the scan…")
    return _("Segmenting… {percent} %").format(percent=round(100 * work.fraction))
