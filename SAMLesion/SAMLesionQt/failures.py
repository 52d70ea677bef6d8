"""What went wrong and what to do about it in this panel, in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable

from slicer.i18n import tr as _

Failures = tuple[tuple[str, Callable[[], str]], ...]
"""Patterns of texts, and the sentence for each; made when it is needed, in the language of that moment."""

_INSTALL: Failures = (
    (
        r"No space left|not enough space|Errno 28",
        lambda: _("The disk is full. Free some space and install again."),
    ),
    (
        r"ProxyError|Tunnel connection failed|407 Proxy",
        lambda: _(
            "The network's proxy refused the download. Set its address in the environment variable "
            "HTTPS_PROXY before Slicer starts, or install from a folder of wheels."
        ),
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError",
        lambda: _(
            "The download's certificate was refused; a proxy that inspects traffic does that. Ask your "
            "administrator for its certificate, or install from a folder of wheels."
        ),
    ),
    (
        r"Failed to establish a new connection|Name or service not known|getaddrinfo failed|"
        r"NewConnectionError|Temporary failure in name resolution|ConnectTimeout|Read timed out",
        lambda: _(
            "The packages cannot be reached. Check the connection to the internet, or install from a folder "
            "of wheels."
        ),
    ),
    (
        r"from versions: none|No matching distribution|Could not find a version",
        lambda: _(
            "A package was not found for this Python and computer. A folder of wheels must hold every "
            "package; without one, check the connection to the internet."
        ),
    ),
    (
        r"Permission denied|WinError 5\b",
        lambda: _(
            "The folder of the engine cannot be written. Check its permissions; close other Slicer windows."
        ),
    ),
    (
        r"WinError 126|WinError 1114|vcruntime|MSVCP140",
        lambda: _(
            "PyTorch needs Microsoft's Visual C++ runtime. Install it from Microsoft's site and try again."
        ),
    ),
    (
        r"No module named '?torch",
        lambda: _(
            "Slicer's own Python has no PyTorch. Install it with the PyTorch extension, or choose to compute "
            "on the processor."
        ),
    ),
    (r"No module named '?pip", lambda: _("Slicer's Python has no pip. Install Slicer again.")),
    (
        r"MemoryError|Cannot allocate memory",
        lambda: _("The memory is used up. Close other programs and install again."),
    ),
)

_ENGINE: Failures = (
    (
        r"needs the package|samlesion\[engine\]|No module named",
        lambda: _("The engine's packages are not installed. Press Install in the section Engine."),
    ),
    (
        r"(?P<what>The engine cannot be started with [^.]*?\))\.",
        lambda: _("{what}. Choose another Python in the section Engine, or leave it empty."),
    ),
    (
        r"(?P<what>No engine answers at \S+)\.",
        lambda: _(
            "{what}. Start it there, check its address in the section Engine, and test the connection."
        ),
    ),
    (
        r"(?P<what>What answers at \S+ is no SAMLesion engine)",
        lambda: _(
            "{what}. Check the address in the section Engine; a proxy or a VPN may stand in between, too."
        ),
    ),
    (
        r"refused the token",
        lambda: _(
            "The engine refused the token. Copy the one it printed when it started to the section Engine."
        ),
    ),
    (
        r"(?P<what>This client speaks protocol [^.]*)\.",
        lambda: _("{what}. Update the extension, or install the engine again in the section Engine."),
    ),
    (
        r"(?P<what>The memory of \S+ is too small for this job)",
        lambda: _(
            "{what}. Close other programs that use it, draw a smaller box, choose a smaller model, or "
            "install the engine for the processor."
        ),
    ),
    (
        r"(?P<what>The weights of .*? are not here)",
        lambda: _("{what}. Download or import them in the section Models."),
    ),
)


def installFailure(printed: str) -> str:
    """One sentence for an installation that failed with these last lines."""
    known = _sentence(_INSTALL, printed)
    if known:
        return known
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or [_("no reason given")]
    return _("The engine could not be installed ({reason}). The log says more.").format(
        reason=errors[-1][:200]
    )


def engineFailure(message: str) -> str:
    """An engine's sentence as it reads in this panel: what to do is done here and not on a command line."""
    return _sentence(_ENGINE, message) or message.partition(" Its log ")[0]


def _sentence(failures: Failures, text: str) -> str:
    for pattern, sentence in failures:
        found = re.search(pattern, text, re.IGNORECASE | re.DOTALL)
        if found:
            return sentence().format(**found.groupdict())
    return ""
