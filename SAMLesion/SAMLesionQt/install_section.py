"""The installation in the section Engine: what is installed, and the way to install, cancel and remove it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from SAMLesionLib.errors import SAMLesionError
from SAMLesionQt.background import Background
from SAMLesionQt.commands import Commands
from SAMLesionQt.engine_choice import slicerPython
from SAMLesionQt.folders import engineRoot
from SAMLesionQt.installed import newestEngine, removeEngines
from SAMLesionQt.installer import Compute, Installer, Plan, Progress


class InstallSection:
    """Installs the engine when the reader asks for it, and never otherwise.

    Args:
        ui: the panel's widgets by name.
        requirements: the file with the engine's packages.
        commands: what runs pip.
        confirm: asks the reader a question; True for yes.
        onBeforeChange: called before packages are replaced or removed: a running engine must end.
        onChanged: called when an engine was installed or removed.
    """

    def __init__(
        self,
        ui: Any,
        requirements: Path,
        commands: Commands,
        confirm: Callable[[str], bool],
        onBeforeChange: Callable[[], None],
        onChanged: Callable[[], None],
    ) -> None:
        self._ui, self._requirements, self._confirm = ui, requirements, confirm
        self._installer = Installer(commands)
        self._onBeforeChange, self._onChanged = onBeforeChange, onChanged
        self._background = Background("installer")
        for text, compute in (
            (_("Processor (any computer)"), Compute.CPU),
            (_("NVIDIA graphics card (CUDA)"), Compute.CUDA),
            (_("PyTorch of the PyTorch extension"), Compute.SLICER),
        ):
            ui.computeSelector.addItem(text, compute.name)
        ui.installButton.connect("clicked()", self.install)
        ui.cancelInstallButton.connect("clicked()", self.cancel)
        ui.removeEngineButton.connect("clicked()", self.remove)
        ui.logButton.connect("toggled(bool)", self._showLog)
        self._showLog(False)
        self.refresh()

    def install(self) -> None:
        """Ask the reader, then install."""
        compute = Compute[self._ui.computeSelector.currentData]
        question = _(
            "The engine's packages will be installed into\n{folder}\n\nThis needs about {size} GB of disk, "
            "and downloads most of it. Slicer's own packages are not changed."
        ).format(folder=engineRoot(), size=f"{compute.sizeBytes / 1e9:.1f}")
        if not self._confirm(question):
            return
        wheels = self._ui.wheelsEdit.currentPath.strip()
        plan = Plan(
            slicerPython(), engineRoot(), self._requirements, compute, Path(wheels) if wheels else None
        )
        self._onBeforeChange()
        self._ui.installLog.clear()
        self._background.follow(
            "install", lambda: self._installer.run(plan), self._onProgress, self._onEnd, self._onFailure
        )
        self._tell(_("Starting the installation…"))
        self.refresh()

    def cancel(self) -> None:
        """Stop the installation; what was fetched so far is deleted."""
        self._background.cancel()
        self._tell(_("The installation was cancelled. Nothing was changed."))
        self.refresh()

    def remove(self) -> None:
        """Ask the reader, then delete the installed engine."""
        if not self._confirm(
            _("The installed engine will be deleted from\n{folder}").format(folder=engineRoot())
        ):
            return
        self._onBeforeChange()
        self._background.ask("remove", lambda: removeEngines(engineRoot()), self._onRemoved, self._onFailure)
        self.refresh()

    def pump(self) -> None:
        """Hand over what has come; the panel's timer calls this."""
        self._background.pump()

    def close(self) -> None:
        """Stop what is under way."""
        self._background.close()

    def refresh(self) -> None:
        """Show what is installed and what can be done."""
        ui, engine, isBusy = self._ui, newestEngine(engineRoot()), self._background.isBusy
        ui.installButton.enabled = not isBusy
        ui.installButton.text = _("Install") if engine is None else _("Install again")
        ui.cancelInstallButton.visible = isBusy
        ui.installProgress.visible = isBusy
        ui.removeEngineButton.enabled = engine is not None and not isBusy
        if not isBusy and engine is not None:
            self._tell(
                _("Installed: PyTorch {torch} ({device}), {size} GB.").format(
                    torch=engine.torch, device=engine.device, size=f"{engine.size_bytes / 1e9:.1f}"
                )
            )

    def _onProgress(self, progress: Progress) -> None:
        self._ui.installProgress.value = int(1000 * progress.fraction)
        self._tell(f"{progress.step}…" if progress.engine is None else progress.step)
        if progress.line:
            self._ui.installLog.appendPlainText(progress.line)

    def _onEnd(self) -> None:
        self.refresh()
        self._onChanged()

    def _onRemoved(self, nBytes: int) -> None:
        self.refresh()
        self._tell(_("The engine was removed; {size} GB are free again.").format(size=f"{nBytes / 1e9:.1f}"))
        self._onChanged()

    def _onFailure(self, error: SAMLesionError) -> None:
        self.refresh()
        self._tell(str(error))

    def _tell(self, sentence: str) -> None:
        self._ui.engineStatusLabel.text = sentence

    def _showLog(self, isShown: bool) -> None:
        self._ui.installLog.visible = isShown
