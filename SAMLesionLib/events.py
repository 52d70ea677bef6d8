"""What happens while a reader annotates, as values that listeners receive through a signal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from SAMLesionLib.masks import RunReport
from SAMLesionLib.packed_masks import PackedMask
from SAMLesionLib.prompts import Prompt

T = TypeVar("T")

Cause = Literal["edit", "undo", "redo"]
"""Why the state changed: the reader did something, took it back, or did it again."""

Stage = Literal["sending", "encoding", "segmenting"]
"""How far the work on a mask is."""


class Signal(Generic[T]):
    """A list of functions that are called, in order of connection, with every value that is emitted."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[T], None]] = []

    def connect(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Call `listener` from now on; calling the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._disconnect(listener)

    def emit(self, value: T) -> None:
        """Give `value` to every listener; one that is connected meanwhile waits for the next value."""
        for listener in tuple(self._listeners):
            listener(value)

    def _disconnect(self, listener: Callable[[T], None]) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)


@dataclass(frozen=True)
class LesionEvent:
    """Something happened to one lesion.

    Attributes:
        lesion_id: which one.
        cause: why.
    """

    lesion_id: str
    cause: Cause = "edit"


@dataclass(frozen=True)
class LesionAdded(LesionEvent):
    """There is one more lesion.

    Attributes:
        name: how people call it.
    """

    name: str = ""


@dataclass(frozen=True)
class LesionDeleted(LesionEvent):
    """The lesion is gone, its prompts and its mask with it."""


@dataclass(frozen=True)
class LesionAccepted(LesionEvent):
    """The reader declared the lesion finished; nothing changes it any more."""


@dataclass(frozen=True)
class LesionReopened(LesionEvent):
    """An accepted or flagged lesion is a plain draft again."""


@dataclass(frozen=True)
class LesionFlagged(LesionEvent):
    """The reader wants a second look at the lesion; it may still be changed."""


@dataclass(frozen=True)
class LesionRenamed(LesionEvent):
    """The lesion has another name.

    Attributes:
        name: the new one.
    """

    name: str = ""


@dataclass(frozen=True)
class TerminologyChanged(LesionEvent):
    """The reader said what the lesion is, or in which organ it lies.

    Attributes:
        terminology: in the form of Slicer's terminology tag.
    """

    terminology: str = ""


@dataclass(frozen=True)
class MaskEdited(LesionEvent):
    """The lesion's mask is what the reader made by hand, or no longer is.

    Attributes:
        edit: the whole mask; None when the mask is the model's answer again.
    """

    edit: PackedMask | None = None


@dataclass(frozen=True)
class MaskAskedAgain(LesionEvent):
    """The same prompts are asked anew, of another model perhaps.

    Attributes:
        run: how often they have been.
    """

    run: int = 0


@dataclass(frozen=True)
class PromptAdded(LesionEvent):
    """The lesion has one more prompt.

    Attributes:
        index: its place in the lesion's prompts.
        prompt: what was drawn.
    """

    index: int = 0
    prompt: Prompt | None = None


@dataclass(frozen=True)
class PromptRemoved(LesionEvent):
    """The lesion has one prompt less.

    Attributes:
        index: the place it had in the lesion's prompts.
        prompt: what was taken away.
    """

    index: int = 0
    prompt: Prompt | None = None


@dataclass(frozen=True)
class MaskShown(LesionEvent):
    """A mask for the lesion's prompts is complete and the reader sees it.

    Attributes:
        n_prompts: how many prompts it was made from.
        report: how it was made.
    """

    n_prompts: int = 0
    report: RunReport | None = None


@dataclass(frozen=True)
class WorkFailed(LesionEvent):
    """No mask came, or something was refused; the reader is told why.

    Attributes:
        message: one sentence for people.
    """

    message: str = ""


@dataclass(frozen=True)
class WorkProgressed(LesionEvent):
    """A mask is on its way.

    Attributes:
        stage: what is done now: the volume travels to the engine, the image is encoded, the mask comes.
        fraction: how much of the mask is done, 0 to 1.
    """

    stage: Stage = "encoding"
    fraction: float = 0.0
