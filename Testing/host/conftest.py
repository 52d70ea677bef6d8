"""A scene in plain Python with nodes to work on; a test fails when VTK reports an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes import FakeSegmenter
from mrml_cases import make_volume
from reader_cases import Interrupted, Reader, a_noisy_volume

from SAMLesionLib.host.headless import HeadlessHost
from SAMLesionLib.host.messages import vtk_errors
from SAMLesionLib.host.segments import LesionSegments, create_segmentation


@pytest.fixture
def host() -> Iterator[HeadlessHost]:
    with HeadlessHost() as started:
        yield started


@pytest.fixture
def scene(host: HeadlessHost) -> Any:
    return host.scene


@pytest.fixture(autouse=True)
def _vtk_stays_silent(request: pytest.FixtureRequest) -> Iterator[None]:
    """VTK prints its errors and carries on; here they fail the test, unless it is marked to expect them."""
    with vtk_errors() as errors:
        yield
    if "expects_vtk_errors" not in request.fixturenames:
        assert errors == []


@pytest.fixture
def expects_vtk_errors() -> None:
    """Ask for this fixture in a test that feeds VTK something broken."""


@pytest.fixture
def new_volume(scene: Any) -> Callable[..., Any]:
    return lambda **options: make_volume(scene, **options)


@pytest.fixture
def a_volume_node(scene: Any) -> Any:
    return make_volume(scene)


@pytest.fixture
def a_segmentation_node(scene: Any, a_volume_node: Any) -> Any:
    return create_segmentation(scene, a_volume_node)


@pytest.fixture
def segments(a_segmentation_node: Any, a_volume_node: Any) -> LesionSegments:
    return LesionSegments(a_segmentation_node, a_volume_node)


@pytest.fixture
def a_segment_id(segments: LesionSegments) -> str:
    return segments.add()


@pytest.fixture
def a_scan(scene: Any) -> Any:
    return a_noisy_volume(scene)


@pytest.fixture
def segmenter() -> FakeSegmenter:
    return FakeSegmenter()


@pytest.fixture
def reader(scene: Any, a_scan: Any, segmenter: FakeSegmenter) -> Iterator[Reader]:
    reader = Reader(scene, a_scan, segmenter)
    yield reader
    reader.controller.close()


@pytest.fixture
def a_lesion(reader: Reader) -> str:
    return reader.controller.add_lesion()


@pytest.fixture
def interrupted(scene: Any, a_scan: Any) -> Iterator[Interrupted]:
    interrupted = Interrupted(scene, a_scan)
    yield interrupted
    interrupted.go_on()
    interrupted.reader.controller.close()
