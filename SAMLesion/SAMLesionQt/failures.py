"""What went wrong and what to do about it, in plain words."""

from __future__ import annotations

import re

from SAMLesionLib.errors import (
    EngineUnavailable,
    OutOfMemory,
    SAMLesionError,
    Unauthorized,
    VersionMismatch,
    WeightsError,
)

_INSTALL_FAILURES = (
    (r"No space left|not enough space", "The disk is full. Free some space and install again."),
    (
        r"ProxyError|Tunnel connection failed|407 Proxy",
        "The network's proxy refused the download. Ask for the proxy's address, set it in the environment "
        "variable HTTPS_PROXY before Slicer starts, or install from a folder of wheels.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError",
        "The download's certificate was refused; a proxy that inspects traffic does that. Ask your "
        "administrator for its certificate, or install from a folder of wheels.",
    ),
    (
        r"from versions: none|No matching distribution|Could not find a version",
        "A package was not found for this Python and computer. A folder of wheels must hold every package; "
        "without one, check the connection to the internet.",
    ),
    (
        r"Failed to establish a new connection|Name or service not known|getaddrinfo failed|"
        r"NewConnectionError|Temporary failure in name resolution|ConnectTimeout|Read timed out",
        "The packages cannot be reached. Check the connection to the internet, or install from a folder of "
        "wheels.",
    ),
    (
        r"Permission denied|WinError 5",
        "The folder of the engine cannot be written. Check its permissions, and close other Slicer windows.",
    ),
    (
        r"WinError 126|WinError 1114|vcruntime|MSVCP140",
        "PyTorch needs Microsoft's Visual C++ runtime. Install it from Microsoft's site and install again.",
    ),
    (
        r"No module named '?torch",
        "Slicer's own Python has no PyTorch. Install it with the PyTorch extension, or choose to compute on "
        "the processor.",
    ),
    (r"No module named '?pip", "Slicer's Python has no pip. Install Slicer again."),
    (r"MemoryError|Cannot allocate memory", "The memory is used up. Close other programs and install again."),
)


def installFailure(printed: str) -> str:
    """One sentence for an installation that failed with these last lines."""
    for pattern, sentence in _INSTALL_FAILURES:
        if re.search(pattern, printed, re.IGNORECASE):
            return sentence
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["no reason given"]
    return f"The engine could not be installed ({errors[-1][:200]}). The log says more."


def engineFailure(error: SAMLesionError) -> str:
    """The sentence of a failure, with what to do in this panel where the sentence does not say it."""
    text = str(error)
    for kind, pattern, sentence in _ENGINE_FAILURES:
        if isinstance(error, kind) and re.search(pattern, text, re.IGNORECASE):
            return sentence.format(text=_withoutLog(text))
    return text


_ENGINE_FAILURES: tuple[tuple[type[SAMLesionError], str, str], ...] = (
    (
        EngineUnavailable,
        r"needs the package|No module named|samlesion\[engine\]",
        "The engine's packages are not installed. Press Install in the section Engine.",
    ),
    (
        EngineUnavailable,
        r"cannot be started|Check the Python",
        "{text} Choose another Python in the section Engine, or leave it empty.",
    ),
    (EngineUnavailable, r"Port \d+ .*cannot be used", "{text} Press Restart engine."),
    (
        EngineUnavailable,
        r"is no SAMLesion engine",
        "{text} If a proxy or a VPN stands in between, let it pass this address.",
    ),
    (EngineUnavailable, r"No engine answers|gave no sign", "{text} Then press Test connection."),
    (
        Unauthorized,
        r"",
        "The engine refused the token. Copy the token that the engine printed when it started.",
    ),
    (VersionMismatch, r"", "{text} In Slicer, update the extension or install the engine again."),
    (
        OutOfMemory,
        r"",
        "{text} Close other programs that use the graphics card, choose a smaller model, or draw a smaller "
        "box.",
    ),
    (WeightsError, r"", "{text} The section Models downloads and imports weights."),
)


def _withoutLog(text: str) -> str:
    return re.split(r" Its log ", text)[0]
