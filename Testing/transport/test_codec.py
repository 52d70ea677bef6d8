from __future__ import annotations

import contextlib
import io
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fakes import FAKE_MODEL
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from SAMLesionLib import (
    Affine,
    BoxPrompt,
    IndexBox,
    LinePrompt,
    MaskPrompt,
    MaskUpdate,
    OrganMaskPrompt,
    OrganPrompt,
    PointPrompt,
    PromptSet,
    RunReport,
    SAMLesionError,
    ScribblePrompt,
    SegmentRequest,
    Volume,
    errors,
)
from SAMLesionLib.transport import codec, messages
from SAMLesionLib.transport.volumes import DTYPES, VolumeHeader, voxel_chunks

ID = "0123456789abcdef" * 2
small = st.integers(-50, 50)
triples = st.tuples(small, small, small)
coordinates = st.floats(-1e6, 1e6)
positions = st.tuples(coordinates, coordinates, coordinates)
boxes = st.builds(
    lambda start, size: IndexBox(start, tuple(a + b for a, b in zip(start, size, strict=True))),
    triples,
    st.tuples(*[st.integers(1, 6)] * 3),
)
words = st.text(max_size=30)
seconds = st.floats(0, 1e6)
reports = st.builds(
    RunReport,
    *[words] * 5,
    seconds,
    seconds,
    st.integers(0, 10**6),
    st.lists(words, max_size=3).map(tuple),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def masks_of_boxes(draw: st.DrawFn) -> tuple[IndexBox, np.ndarray]:
    box = draw(boxes)
    return box, draw(hnp.arrays(bool, box.shape_kji))


@st.composite
def prompt_sets(draw: st.DrawFn) -> PromptSet:
    kinds = st.one_of(
        st.builds(PointPrompt, positions, st.booleans()),
        st.builds(BoxPrompt, boxes),
        st.builds(LinePrompt, positions, positions),
        st.builds(ScribblePrompt, st.lists(positions, min_size=1, max_size=5).map(tuple), st.booleans()),
        masks_of_boxes().filter(lambda m: m[1].any()).map(lambda m: MaskPrompt(*m)),
        masks_of_boxes().filter(lambda m: m[1].any()).map(lambda m: OrganMaskPrompt(*m)),
        st.sampled_from(["kidney", "lymph node"]).map(OrganPrompt),
    )
    return PromptSet(tuple(draw(st.lists(kinds, max_size=5))))


def read_update(data: bytes, **known: Any) -> MaskUpdate | None:
    return codec.read_update(io.BytesIO(data).read, **known)


@given(prompt_sets(), words, st.none() | st.tuples(st.floats(-1e9, 0), st.floats(1, 1e9)))
def test_a_request_comes_back_equal(
    prompts: PromptSet, model: str, window: tuple[float, float] | None
) -> None:
    request = SegmentRequest(ID, model, prompts, window)
    assert codec.decode_request(codec.encode_request(request)) == request


@given(masks_of_boxes(), st.floats(0, 1), st.none() | reports)
def test_an_update_comes_back_equal(
    mask: tuple[IndexBox, np.ndarray], fraction: float, report: RunReport | None
) -> None:
    update = MaskUpdate(*mask, fraction, report)
    back = read_update(codec.encode_update(update))
    assert back is not None
    assert (back.block, back.fraction, back.report) == (update.block, fraction, report)
    assert np.array_equal(back.mask, update.mask)


def test_an_update_of_an_empty_block_comes_back() -> None:
    update = MaskUpdate(IndexBox((3, 3, 3), (3, 3, 3)), np.zeros((0, 0, 0), bool))
    back = read_update(codec.encode_update(update))
    assert back is not None
    assert back.block == update.block


@given(
    st.sampled_from(sorted(DTYPES)).flatmap(
        lambda dtype: hnp.arrays(np.dtype(dtype), st.tuples(*[st.integers(1, 5)] * 3))
    ),
    hnp.arrays(np.float64, (3, 4), elements=st.floats(-1000, 1000)),
)
@settings(max_examples=200)
def test_a_volume_comes_back_with_the_same_id(voxels: np.ndarray, matrix: np.ndarray) -> None:
    matrix[:, :3] += 1e4 * np.eye(3)
    volume = Volume(voxels, Affine(np.vstack([matrix, [0, 0, 0, 1]])), "a name \udc80", "MR")
    message = VolumeHeader.of(volume).encode() + b"".join(voxel_chunks(volume))
    length = messages.header_length(message[:4])
    header = VolumeHeader.decode(message[4 : 4 + length])
    back = header.volume(np.frombuffer(message[4 + length :], header.dtype).reshape(header.shape_kji))
    assert back.volume_id == volume.volume_id
    assert (back.name, back.modality, back.affine) == (volume.name, volume.modality, volume.affine)


@pytest.mark.parametrize("change", [np.asfortranarray, lambda a: a[::-1], lambda a: a[:, ::2, 1:]])
def test_a_strided_volume_travels_as_it_reads(change: Callable[[np.ndarray], np.ndarray]) -> None:
    voxels = change(np.arange(7 * 6 * 5, dtype=np.int16).reshape(7, 6, 5))
    assert b"".join(voxel_chunks(Volume(voxels))) == voxels.tobytes()


def test_a_contiguous_volume_travels_without_a_copy() -> None:
    voxels = np.arange(2**20, dtype=np.int16).reshape(16, 256, 256)
    for chunk in voxel_chunks(Volume(voxels)):
        assert np.shares_memory(np.frombuffer(chunk, np.uint8), voxels)


def test_the_models_come_back_equal() -> None:
    values = json.loads(messages.dump_json(codec.encode_models((FAKE_MODEL,))))
    assert codec.decode_models(values) == (FAKE_MODEL,)


@pytest.mark.parametrize("cls", [errors.SAMLesionError, *errors._family(errors.SAMLesionError)])
def test_every_error_comes_back_as_itself(cls: type[SAMLesionError]) -> None:
    frame = messages.pack_message(messages.encode_error(cls("What to do now.")))
    with pytest.raises(cls, match=r"^What to do now\.$") as caught:
        read_update(frame)
    assert type(caught.value) is cls


@given(st.binary(max_size=300))
def test_hostile_bytes_raise_our_errors_only(data: bytes) -> None:
    for decode in (codec.decode_request, VolumeHeader.decode, read_update, messages.load_json):
        with contextlib.suppress(SAMLesionError):
            decode(data)


@given(json_values, st.sampled_from(["volume_id", "model", "prompts", "window", "kind", "start_ijk", "bits"]))
def test_hostile_json_raises_our_errors_only(values: Any, name: str) -> None:
    prompt = {
        "kind": "mask",
        "start_ijk": [0, 0, 0],
        "stop_ijk": [2, 2, 2],
        "bits": "eJz7DwABAAEA",
        name: values,
    }
    request = {"volume_id": ID, "model": "m", "prompts": [prompt], "window": None}
    for message in (values, request, request | {name: values}):
        with contextlib.suppress(SAMLesionError):
            codec.decode_request(json.dumps(message).encode())


@given(
    json_values,
    st.sampled_from(["start_ijk", "stop_ijk", "n_bytes", "fraction", "report", "error"]),
    st.sampled_from(["volume_id", "dtype", "shape_kji", "ijk_to_ras", "name", "modality"]),
)
def test_hostile_headers_raise_our_errors_only(values: Any, frame_field: str, volume_field: str) -> None:
    bits = zlib.compress(b"\xff")
    frame = {
        "start_ijk": [0, 0, 0],
        "stop_ijk": [2, 2, 2],
        "n_bytes": len(bits),
        "fraction": 1,
        "report": None,
    }
    text = json.dumps(frame | {frame_field: values}).encode()
    volume = json.loads(VolumeHeader.of(Volume(np.zeros((1, 2, 3)))).encode()[4:])
    for decode, data in (
        (read_update, struct.pack("<I", len(text)) + text + bits),
        (VolumeHeader.decode, json.dumps(volume | {volume_field: values}).encode()),
    ):
        with contextlib.suppress(SAMLesionError):
            decode(data)


@given(st.data())
def test_a_damaged_frame_is_the_engines_fault(data: st.DataObject) -> None:
    frame = bytearray(
        codec.encode_update(MaskUpdate(IndexBox((0, 0, 0), (9, 9, 9)), np.ones((9, 9, 9), bool)))
    )
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(1, len(frame)))
    with contextlib.suppress(errors.EngineError):
        read_update(bytes(frame[:cut]))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"prompts": [{"kind": "point"}] * 1001}, "at most 1,000 prompts, got 1,001"),
        ({"prompts": [{"kind": "scribble", "points_ijk": [[0, 0, 0]] * 100_001}]}, "100,000 scribble points"),
        (
            {
                "prompts": [
                    {"kind": "mask", "start_ijk": [0, 0, 0], "stop_ijk": [2048, 2048, 1024], "bits": ""}
                ]
            },
            "voxels of mask prompts, got 4,294,967,296",
        ),
        ({"volume_id": "../../etc/passwd"}, "32 hexadecimal digits"),
        ({"window": [0, 1e999]}, "finite number"),
        ({"window": [5, 1]}, "low below its high"),
        ({"model": 3}, "expected a text"),
    ],
)
def test_a_bad_request_is_refused_in_a_sentence(values: dict[str, Any], sentence: str) -> None:
    request = {"volume_id": ID, "model": "m", "prompts": [], "window": None} | values
    with pytest.raises(errors.InputError, match=sentence):
        codec.decode_request(json.dumps(request).encode())


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(errors.InputError, match="must be JSON"):
        messages.load_json(b"[" * 100_000)


def test_a_block_outside_the_volume_is_refused() -> None:
    frame = codec.encode_update(MaskUpdate(IndexBox((0, 0, 0), (4, 4, 4)), np.ones((4, 4, 4), bool)))
    with pytest.raises(errors.EngineError, match="leaves the volume"):
        read_update(frame, shape_ijk=(4, 4, 3))


def test_a_bomb_of_zeros_does_not_unpack() -> None:
    bits = zlib.compress(bytes(10**7))
    header = {
        "start_ijk": [0, 0, 0],
        "stop_ijk": [2, 2, 2],
        "n_bytes": len(bits),
        "fraction": 1,
        "report": None,
    }
    with pytest.raises(errors.EngineError, match="another count"):
        read_update(messages.pack_message(header, bits))


def test_changed_voxels_are_refused() -> None:
    volume = Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    header = VolumeHeader.of(volume)
    with pytest.raises(errors.InputError, match="changed on the way"):
        header.volume(volume.voxels + np.int16(1))


def test_a_type_that_no_engine_reads_is_refused() -> None:
    with pytest.raises(errors.ImageError, match="Convert it to int16 or float32"):
        VolumeHeader.of(Volume(np.zeros((2, 2, 2), np.longdouble)))


def test_numpy_numbers_in_prompts_travel() -> None:
    i = np.int64(3)
    request = SegmentRequest(ID, "m", PromptSet((PointPrompt((np.float32(1.5), i, i)),)))
    assert codec.decode_request(codec.encode_request(request)) == request


def test_a_prompt_that_is_not_finite_is_refused_before_it_travels() -> None:
    with pytest.raises(errors.PromptError, match="finite"):
        codec.encode_request(SegmentRequest(ID, "m", PromptSet((PointPrompt((np.nan, 0, 0)),))))
