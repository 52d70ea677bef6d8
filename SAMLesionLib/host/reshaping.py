"""One lesion of several, several of one: what needs their masks and not the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.errors import PromptError
from SAMLesionLib.host.shown import ShownLesions
from SAMLesionLib.imaging import connected_parts
from SAMLesionLib.lesions import Lesion
from SAMLesionLib.packed_masks import PackedMask, union


class Reshaping:
    """Merges and splits lesions.

    Args:
        annotation: the lesions.
        shown: their masks.
        catch_up: makes the masks those of the annotation.
    """

    def __init__(self, annotation: Annotation, shown: ShownLesions, catch_up: Callable[[], None]) -> None:
        self._annotation, self._shown, self._catch_up = annotation, shown, catch_up

    def merge(self, lesion_ids: Sequence[str]) -> Lesion:
        """Make one lesion of several, none of them accepted; the first keeps its name.

        Raises:
            InputError: there are fewer than two, or one is accepted or gone.
            PromptError: none of them has a voxel.
        """
        self._catch_up()
        mask = union(self._shown.mask(self._annotation.lesion(x).lesion_id) for x in lesion_ids)
        if mask.is_empty:
            raise PromptError(
                "These lesions have no voxel yet, so there is nothing to merge. Draw them first."
            )
        tags = [self._shown.tags(x) for x in lesion_ids]
        merged = self._annotation.merge(lesion_ids, mask)
        self._catch_up()
        # A model had its part in it if it had in one of them.
        self._shown.set_tags(merged.lesion_id, next((t for t in tags if any(t.values())), {}))
        return merged

    def split(self, lesion_id: str) -> tuple[Lesion, ...]:
        """Make a lesion of each 26-connected part; the largest stays, the others stand behind it.

        Raises:
            PromptError: the lesion is in one piece, or has no voxel.
            InputError: it is accepted or gone.
        """
        self._catch_up()
        lesion = self._annotation.lesion(lesion_id)
        whole, tags = self._shown.mask(lesion_id), self._shown.tags(lesion_id)
        parts = [
            PackedMask.of(mask, block.shift(whole.box.start_ijk).start_ijk)
            for block, mask in connected_parts(whole.unpack())
        ]
        if len(parts) < 2:
            how = "is in one piece" if parts else "has no voxel"
            raise PromptError(f"{lesion.name} {how}. Erase where it shall come apart, then split it.")
        lesions = self._annotation.split(lesion_id, parts, self._shown.segment_ids)
        self._catch_up()
        for part in lesions:
            self._shown.set_tags(part.lesion_id, tags)
        return lesions
