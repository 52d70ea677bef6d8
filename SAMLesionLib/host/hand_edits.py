"""What the reader does to lesions with the host's own tools becomes part of their history.

A stroke of the Segment Editor, another name or status in a segments table, a removed segment: each is
noticed, and becomes an action that undo takes back. An accepted lesion is put back as it was.
"""

from __future__ import annotations

from collections.abc import Callable

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.errors import SAMLesionError
from SAMLesionLib.host.shown import ShownLesions
from SAMLesionLib.lesions import Lesion, Status


class HandEdits:
    """Compares segments with lesions, and tells the annotation.

    Args:
        annotation: what shall know of it; each of its actions notices what happened before it.
        shown: the segments.
        refuse: told the lesion and a sentence when something is put back.
    """

    def __init__(
        self, annotation: Annotation, shown: ShownLesions, refuse: Callable[[str, str], None]
    ) -> None:
        self._annotation, self._shown, self._refuse = annotation, shown, refuse
        self._is_noticing = False
        self.close = annotation.before_change.connect(self._before_change)

    def notice(self, has_time: bool = False) -> bool:
        """Look at every lesion once; does nothing while it is at it.

        Args:
            has_time: look at large masks in a thread, and on with the next call.

        Returns:
            False when it must look on.
        """
        if self._is_noticing:
            return True
        self._is_noticing = True
        self._shown.pump()
        try:
            # Accepted ones first: a stroke over one also took its voxels, and those must not go to the draft.
            for lesion in sorted(self._annotation.snapshot.lesions, key=lambda x: not x.is_accepted):
                self._notice(lesion, has_time)
                if has_time and self._shown.is_looking:
                    return False
        finally:
            self._is_noticing = False
        return True

    def _before_change(self, _nothing: None) -> None:
        self.notice()

    def _notice(self, lesion: Lesion, has_time: bool) -> None:
        if self._shown.is_gone(lesion.lesion_id):
            self._notice_removal(lesion)
            return
        self._notice_facts(lesion)
        self._notice_mask(self._annotation.lesion(lesion.lesion_id), has_time)

    def _notice_removal(self, lesion: Lesion) -> None:
        if not lesion.is_accepted:
            self._annotation.delete(lesion.lesion_id)
            return
        self._shown.add(lesion)
        self._shown.describe(lesion)
        self._refuse(
            lesion.lesion_id,
            f"{lesion.name} is accepted, so its segment was brought back. Reopen it before you remove it.",
        )

    def _notice_facts(self, lesion: Lesion) -> None:
        lesion_id, segment = lesion.lesion_id, self._shown.segment(lesion.lesion_id)
        status, name, terminology = self._shown.status(lesion_id), segment.GetName(), segment.GetTerminology()
        if (status, name, terminology) == (lesion.status, lesion.name, lesion.terminology):
            return
        try:  # each is a step of its own; one that changes nothing is none
            self._set_status(lesion_id, status)
            self._annotation.rename(lesion_id, name)
            self._annotation.set_terminology(lesion_id, terminology)
        except SAMLesionError as refused:
            self._refuse(lesion_id, str(refused))
        self._shown.describe(self._annotation.lesion(lesion_id))  # what was refused goes back

    def _set_status(self, lesion_id: str, status: Status) -> None:
        if status is Status.FLAGGED:
            self._annotation.flag(lesion_id)
        elif status is Status.DRAFT:
            self._annotation.reopen(lesion_id)
        elif not self._annotation.lesion(lesion_id).is_accepted:
            self._annotation.accept(lesion_id)

    def _notice_mask(self, lesion: Lesion, has_time: bool) -> None:
        mask = self._shown.foreign_mask(lesion.lesion_id, has_time)
        if mask is None:
            return
        if not lesion.is_accepted:
            self._annotation.edit(lesion.lesion_id, self._shown.trimmed(lesion.lesion_id, mask))
            return
        self._shown.put_back(lesion.lesion_id)
        self._refuse(
            lesion.lesion_id,
            f"{lesion.name} is accepted, so it was put back as it was. Reopen it to edit it.",
        )
