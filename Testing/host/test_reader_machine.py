"""A reader who does anything, with an engine that crashes: nothing accepted changes, undo and redo are exact,
no prompt is lost."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from fakes import FakeSegmenter
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from mrml_cases import SHAPE_KJI, any_box
from reader_cases import Reader, WithoutThread, a_noisy_volume

from SAMLesionLib.errors import EngineUnavailable, InputError
from SAMLesionLib.geometry import IndexBox
from SAMLesionLib.host.files import load_segmentation, save_segmentation
from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.lesions import Snapshot
from SAMLesionLib.prompts import BoxPrompt

pytestmark = pytest.mark.mrml

boxes = st.composite(any_box)()
numbers = st.integers(0, 4)
Masks = dict[str, np.ndarray]


class Crashing(FakeSegmenter):
    """Fails at the second slice of an answer while it is broken."""

    def __init__(self) -> None:
        super().__init__(self._slice)
        self.is_broken = False

    def _slice(self, n: int) -> None:
        if self.is_broken and n == 1:
            raise EngineUnavailable("The engine ended while it answered.")


class ReaderMachine(RuleBasedStateMachine):
    """Every action is followed until nothing is on its way; then everything is looked at."""

    @initialize()
    def begin(self) -> None:
        self.host = HeadlessHost()
        self.volume = a_noisy_volume(self.host.scene)
        self.engine = Crashing()
        self.seen: list[tuple[Snapshot, Masks]] = []
        self.ever_accepted = np.zeros(SHAPE_KJI, bool)
        self.read(self.a_reader())

    def a_reader(self, node: object = None) -> Reader:
        return Reader(self.host.scene, self.volume, self.engine, node, WithoutThread())

    def teardown(self) -> None:
        if hasattr(self, "host"):
            self.reader.controller.close()
            self.host.close()

    def read(self, reader: Reader) -> None:
        self.reader, self.annotation = reader, reader.annotation
        self.before = (self.annotation.snapshot, self.masks())
        self.remember()

    def masks(self) -> Masks:
        lesions = self.annotation.snapshot.lesions
        return {x.lesion_id: self.reader.segments.read(x.lesion_id) for x in lesions}

    def remember(self) -> None:
        """What is shown in this state; not of lesions whose mask never came, they are asked about again."""
        known = {x: m for x, m in self.masks().items() if not self.reader.controller.is_outdated(x)}
        self.seen = [(s, m) for s, m in self.seen if s is not self.annotation.snapshot]
        self.seen.append((self.annotation.snapshot, known))

    def act(self, action: Callable[[], object]) -> None:
        self.before = (self.annotation.snapshot, self.masks())
        with contextlib.suppress(InputError):
            action()
        self.reader.settle()
        self.check_known_state()
        self.remember()

    def check_known_state(self) -> None:
        now = self.masks()
        for snapshot, masks in self.seen:
            if snapshot is self.annotation.snapshot:
                for lesion_id, mask in masks.items():
                    assert np.array_equal(now[lesion_id], mask), lesion_id

    def pick(self, number: int) -> str:
        ids = [x.lesion_id for x in self.annotation.snapshot.lesions]
        return ids[number % len(ids)] if ids else "none"

    @rule()
    def add(self) -> None:
        self.act(self.reader.controller.add_lesion)

    @rule(number=numbers, box=boxes)
    def draw(self, number: int, box: IndexBox) -> None:
        self.act(lambda: self.annotation.add_prompt(self.pick(number), BoxPrompt(box)))

    @rule(number=numbers, box=boxes)
    def begin_and_draw(self, number: int, box: IndexBox) -> None:
        self.act(lambda: self.reader.draw(self.reader.controller.add_lesion(), box))

    @rule(number=numbers, box=boxes)
    def move(self, number: int, box: IndexBox) -> None:
        self.act(lambda: self.annotation.replace_prompt(self.pick(number), 0, BoxPrompt(box)))

    @rule(number=numbers)
    def remove(self, number: int) -> None:
        self.act(lambda: self.annotation.remove_prompt(self.pick(number), 0))

    @rule(number=numbers)
    def accept(self, number: int) -> None:
        self.act(lambda: self.reader.controller.accept(self.pick(number)))

    @rule(number=numbers)
    def flag(self, number: int) -> None:
        self.act(lambda: self.annotation.flag(self.pick(number)))

    @rule(number=numbers)
    def reopen(self, number: int) -> None:
        self.act(lambda: self.annotation.reopen(self.pick(number)))

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        self.act(lambda: self.annotation.delete(self.pick(number)))

    @rule(number=numbers, other=numbers)
    def merge(self, number: int, other: int) -> None:
        self.act(lambda: self.reader.controller.merge([self.pick(number), self.pick(other)]))

    @rule(number=numbers)
    def split(self, number: int) -> None:
        self.act(lambda: self.reader.controller.split(self.pick(number)))

    @rule(number=numbers, box=boxes, value=st.booleans())
    def paint(self, number: int, box: IndexBox, value: bool) -> None:
        self.act(lambda: self.reader.paint(self.pick(number), box, value))

    @rule()
    def replay(self) -> None:
        self.act(self.reader.controller.run_again)

    @rule(is_broken=st.booleans())
    def engine_breaks_or_mends(self, is_broken: bool) -> None:
        self.engine.is_broken = is_broken

    @precondition(lambda self: not self.engine.is_broken)
    @rule()
    def ask_for_what_never_came(self) -> None:
        self.act(self.reader.controller.run)
        for lesion in self.annotation.snapshot.lesions:
            assert lesion.is_accepted or not self.reader.controller.is_outdated(lesion.lesion_id)

    @rule()
    def undo(self) -> None:
        self.act(self.reader.controller.undo)

    @rule()
    def redo(self) -> None:
        self.act(self.reader.controller.redo)

    @rule()
    def undo_and_redo(self) -> None:
        snapshot = self.annotation.snapshot
        if self.annotation.can_undo:
            self.act(self.reader.controller.undo)
            self.act(self.reader.controller.redo)
        assert self.annotation.snapshot is snapshot

    @rule()
    def reload_the_module(self) -> None:
        self.reopen_on(self.reader.segments.node)

    @rule()
    def save_and_load(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = save_segmentation(self.reader.segments.node, Path(folder) / "work.seg.nrrd")
            self.reopen_on(load_segmentation(self.host.scene, path))

    def reopen_on(self, node: object) -> None:
        snapshot, masks = self.annotation.snapshot, self.masks()
        self.reader.controller.close()
        self.read(self.a_reader(node))
        assert self.annotation.snapshot == snapshot
        assert all(np.array_equal(self.masks()[x], mask) for x, mask in masks.items())

    @invariant()
    def what_is_accepted_never_changes(self) -> None:
        if hasattr(self, "annotation"):
            snapshot, masks = self.before
            for lesion in self.annotation.snapshot.lesions:
                known = snapshot.find(lesion.lesion_id)
                if lesion.is_accepted and known is not None and known.is_accepted:
                    shown = self.reader.segments.read(lesion.lesion_id)
                    assert np.array_equal(shown, masks[lesion.lesion_id]), lesion.lesion_id

    @invariant()
    def nothing_covers_what_is_accepted(self) -> None:
        if hasattr(self, "annotation"):
            covered = np.zeros(SHAPE_KJI, int)
            for lesion in self.annotation.snapshot.lesions:
                if lesion.is_accepted:
                    covered += self.reader.segments.read(lesion.lesion_id)
            drafts = [x.lesion_id for x in self.annotation.snapshot.lesions if not x.is_accepted]
            assert covered.max() <= 1
            assert not any((self.reader.segments.read(x) & (covered > 0)).any() for x in drafts)

    @invariant()
    def a_draft_shows_the_answer_to_its_prompts(self) -> None:
        if hasattr(self, "annotation"):
            for lesion in self.annotation.snapshot.lesions:
                if lesion.is_accepted:
                    self.ever_accepted |= self.reader.segments.read(lesion.lesion_id)
            for lesion in self.annotation.snapshot.lesions:
                is_shown = not self.reader.controller.is_outdated(lesion.lesion_id) and lesion.edit is None
                if is_shown and lesion.prompts.kinds == {"box"}:
                    expected = self.reader.expected(*(prompt.box for prompt in lesion.prompts))
                    shown = self.reader.segments.read(lesion.lesion_id)
                    assert not ((shown ^ expected) & ~self.ever_accepted).any(), lesion.lesion_id

    @invariant()
    def lesions_and_segments_are_the_same(self) -> None:
        if hasattr(self, "annotation"):
            lesions = {x.lesion_id: x for x in self.annotation.snapshot.lesions}
            assert set(self.reader.segments.segment_ids) == lesions.keys()
            for lesion_id, lesion in lesions.items():
                assert self.reader.segments.segment(lesion_id).GetName() == lesion.name
                assert self.reader.segments.status(lesion_id) is lesion.status


ReaderMachine.TestCase.settings = settings(
    max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestReader = ReaderMachine.TestCase
