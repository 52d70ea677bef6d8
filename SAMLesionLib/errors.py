"""The failures a reader can meet, each a class whose message is one sentence for people.

Every message says what was expected, what came, and what to do. An error crosses the wire as its
kind (the class name) and its message, and comes back as the same class.
"""

from __future__ import annotations


class SAMLesionError(Exception):
    """Base of every failure this project raises on purpose."""

    @property
    def kind(self) -> str:
        """The name under which this error crosses the wire."""
        return type(self).__name__


class InputError(SAMLesionError):
    """Something a person gave cannot be used: the command line answers with exit code 2."""


class ImageError(InputError):
    """An image is missing, unreadable, or of a kind that cannot be segmented."""


class PromptError(InputError):
    """A prompt is empty, inverted, outside the image, or not understood by the model."""


class UnknownModel(InputError):
    """No model has this name."""


class WeightsError(InputError):
    """A model's weights are missing, damaged, hostile, or made for another architecture."""


class OutputError(InputError):
    """A result cannot be written where it was asked for; what was there before is untouched."""


class RequestTooLarge(InputError):
    """A request exceeds a limit of the engine (size, time or count)."""


class VolumeNotLoaded(SAMLesionError):
    """The engine does not hold this volume: send it, then ask again."""


class EngineError(SAMLesionError):
    """The engine failed in a way that is nobody's input."""


class EngineUnavailable(EngineError):
    """No engine answers: it is not running, was killed, or refused the connection."""


class Unauthorized(EngineError):
    """The engine refused the token."""


class VersionMismatch(EngineError):
    """Client and engine speak different versions of the protocol."""


class OutOfMemory(EngineError):
    """The device has too little memory for this job."""


class TrainingFailed(SAMLesionError):
    """A training run cannot go on: its loss is no number, or one of its processes was ended."""


class Cancelled(EngineError):
    """The work was stopped because nobody waits for it any more."""


def error_from_kind(kind: str, message: str) -> SAMLesionError:
    """The error that a peer described as `kind`; unknown kinds become `EngineError`."""
    known = {cls.__name__: cls for cls in _family(SAMLesionError)}
    return known.get(kind, EngineError)(message)


def _family(cls: type[SAMLesionError]) -> list[type[SAMLesionError]]:
    return [cls, *(d for sub in cls.__subclasses__() for d in _family(sub))]
