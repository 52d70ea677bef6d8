"""Lesions as they were: of the scene when a session begins, of a journal after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from SAMLesionLib.annotation import Annotation
from SAMLesionLib.host.looks import Look
from SAMLesionLib.host.results import Result, Results, is_answer_to
from SAMLesionLib.host.shown import ShownLesions
from SAMLesionLib.lesions import Lesion


def lesions_of_the_scene(shown: ShownLesions, results: Results) -> list[Lesion]:
    """The lesions that the segments hold from an earlier session; what they look like is kept."""
    lesions = shown.read_lesions()
    for lesion in lesions:
        tags = shown.tags(lesion.lesion_id)
        result = Result(shown.mask(lesion.lesion_id), tags, is_answer_to(tags, lesion))
        results.keep(lesion.lesion_id, lesion.origin, result)
    return lesions


class Restoring:
    """Tells what lesions look like, and makes them look like that again."""

    def __init__(self, annotation: Annotation, shown: ShownLesions, results: Results) -> None:
        self._annotation, self._shown, self._results = annotation, shown, results
        self._looks: dict[str, Look] = {}

    def looks(self) -> tuple[Look, ...]:
        """All lesions with their masks; what did not change is the same object again."""
        self._looks = {x.lesion_id: self._look(x) for x in self._annotation.snapshot.lesions}
        return tuple(self._looks.values())

    def begin(self, looks: Sequence[Look]) -> list[Look]:
        """Make lesions part of the annotation; returns them with the ids that they have here."""
        looks = self._with_free_ids(looks)
        for look in looks:
            self._results.keep(look.lesion.lesion_id, look.lesion.origin, look.result)
        self._annotation.restore([look.lesion for look in looks])
        return looks

    def finish(self, looks: Sequence[Look]) -> None:
        """Show the masks of those that are accepted, which nothing else may write."""
        for look in looks:
            if look.lesion.is_accepted:
                lesion_id, mask = look.lesion.lesion_id, look.result.mask
                self._shown.put_back(lesion_id, self._shown.trimmed(lesion_id, mask))
                self._shown.set_tags(lesion_id, look.result.tags or {})

    def _with_free_ids(self, looks: Sequence[Look]) -> list[Look]:
        free = []
        taken = {*self._shown.segment_ids, *(look.lesion.lesion_id for look in looks)}
        for look in looks:
            if self._is_taken(look.lesion.lesion_id):
                taken.add(new_id := self._annotation.new_id(taken))
                look = replace(look, lesion=replace(look.lesion, lesion_id=new_id))
            free.append(look)
        return free

    def _is_taken(self, lesion_id: str) -> bool:
        """Whether an accepted lesion has this id, or a segment that is no lesion."""
        known = self._annotation.snapshot.find(lesion_id)
        return known.is_accepted if known is not None else not self._shown.is_gone(lesion_id)

    def _look(self, lesion: Lesion) -> Look:
        known, mask = self._looks.get(lesion.lesion_id), self._shown.mask(lesion.lesion_id)
        found = self._results.find(lesion)
        is_answer = found is not None and found.is_answer
        now = (lesion, mask, is_answer)
        if known is not None and _same(now, (known.lesion, known.result.mask, known.result.is_answer)):
            return known
        return Look(lesion, Result(mask, self._shown.tags(lesion.lesion_id), is_answer))


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether these are the same objects: equality would compare voxels, many times a second."""
    return all(a is b for a, b in zip(one, other, strict=True))
