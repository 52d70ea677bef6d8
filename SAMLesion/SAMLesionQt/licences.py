"""The licences of weights that a reader must accept before using them, and which were accepted."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from slicer.i18n import tr as _

from SAMLesionLib import ModelInfo
from SAMLesionQt.model_commands import needsConsent


class Licences:
    """Asks once for each model and licence, and remembers the answer in Slicer's settings."""

    def areAccepted(self, model: ModelInfo, confirm: Callable[[str], bool]) -> bool:
        """Whether a model may be used; asks the reader where its licence says more than its name."""
        if not needsConsent(model) or self.isKept(model):
            return True
        question = _(
            "The weights of {title} are under the licence {licence}, which is not permissive: it may forbid "
            "commercial use, for instance.\n\n{paper}\n\nDo you accept this licence?"
        ).format(title=model.title, licence=model.licence, paper=model.paper)
        if not confirm(question):
            return False
        qt.QSettings().setValue(_key(model), True)
        return True

    def isKept(self, model: ModelInfo) -> bool:
        """Whether the reader accepted this licence of this model earlier."""
        return bool(slicer.util.settingsValue(_key(model), False, converter=slicer.util.toBool))


def _key(model: ModelInfo) -> str:
    return f"SAMLesion/acceptedLicences/{model.name}/{model.licence.replace('/', '-')}"
