"""How requests, volumes and masks look as bytes.

Every binary message is `[u32 header length][header: JSON, UTF-8][payload]`, little-endian, and the
header says how long the payload is:

- a volume: header `VolumeHeader`, payload the voxels in C order of (k, j, i), in the byte order that
  their type states ("<i2");
- one frame of an answer: header with the block that changed, payload its mask as `masks.pack_bits`;
  or a header with `error` and no payload.

A request is one JSON object. Nothing is ever unpickled, and every number is checked here, once, so
hostile bytes raise `SAMLesionError` and nothing else. `docs/wire.md` describes the same for people.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, asdict, fields
from typing import Any, TypeVar

import numpy as np

from SAMLesionLib.errors import (
    EngineError,
    InputError,
    PromptError,
    RequestTooLarge,
    SAMLesionError,
    error_from_kind,
)
from SAMLesionLib.geometry import IndexBox, Triple
from SAMLesionLib.masks import MaskUpdate, RunReport, pack_bits, unpack_bits
from SAMLesionLib.prompts import PromptSet
from SAMLesionLib.protocol import ModelInfo, SegmentRequest

MAX_HEADER_BYTES = 64 * 1024
MAX_PAYLOAD_BYTES = 256 * 1024**2
"""One packed block; a full 1024 x 1024 x 1024 block of noise is half of this."""
MAX_BLOCK_VOXELS = 2**30
"""One block of a mask, and all mask prompts of a request together, so that few bytes fill no memory."""
MAX_PROMPTS = 1000
MAX_POINTS = 100_000
"""All points of all scribbles of one request."""
MAX_SIDE = 65_536
MAX_TEXT = 4000

T = TypeVar("T")
Read = Callable[[int], bytes]


def dump_json(values: Any) -> bytes:
    """One line of strict JSON; numpy numbers are written as numbers.

    Raises:
        PromptError: when a number is not finite.
    """
    try:
        text = json.dumps(values, separators=(",", ":"), allow_nan=False, default=_plain)
    except ValueError:
        raise PromptError("A request holds finite numbers only, got NaN or infinity.") from None
    return text.encode("ascii")


def load_json(data: bytes) -> Any:
    """The value of strict JSON.

    Raises:
        InputError: when the bytes are no JSON, nest too deeply, or hold NaN or infinity.
    """
    try:
        return json.loads(bytes(data).decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as wrong:
        raise InputError(f"A message must be JSON in UTF-8, but this is not ({_short(wrong)}).") from None


def pack_message(header: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """A whole message: the length of its header, the header, the payload."""
    text = dump_json(header)
    return len(text).to_bytes(4, "little") + text + payload


def header_length(prefix: bytes) -> int:
    """The length that the first four bytes of a message state.

    Raises:
        InputError: when there are fewer than four bytes.
        RequestTooLarge: when the header would exceed `MAX_HEADER_BYTES`.
    """
    if len(prefix) != 4:
        raise InputError(f"A message begins with the length of its header in 4 bytes, got {len(prefix)}.")
    length = int.from_bytes(prefix, "little")
    if length > MAX_HEADER_BYTES:
        raise RequestTooLarge(f"A message's header takes at most {MAX_HEADER_BYTES:,} bytes, got {length:,}.")
    return length


def encode_request(request: SegmentRequest) -> bytes:
    """A request as one JSON object."""
    return dump_json(
        {
            "volume_id": request.volume_id,
            "model": request.model,
            "prompts": request.prompts.to_json(),
            "window": None if request.window is None else list(request.window),
        }
    )


def decode_request(data: bytes) -> SegmentRequest:
    """The request that `encode_request` wrote.

    Raises:
        InputError: when a field is missing or wrong; `PromptError` when it is a prompt.
        RequestTooLarge: when there are too many prompts, points or mask voxels.
    """
    values = load_json(data)
    with refusing("request"):
        _check_counts(values["prompts"])
        window = values.get("window")
        return SegmentRequest(
            volume_id=volume_id(values["volume_id"]),
            model=text(values["model"]),
            prompts=PromptSet.from_json(values["prompts"]),
            window=None if window is None else (number(window[0]), number(window[1])),
        )


def encode_update(update: MaskUpdate) -> bytes:
    """One frame of an answer."""
    bits = b"" if update.block.is_empty else pack_bits(update.mask)
    header = {
        "start_ijk": update.block.start_ijk,
        "stop_ijk": update.block.stop_ijk,
        "n_bytes": len(bits),
        "fraction": update.fraction,
        "report": None if update.report is None else asdict(update.report),
    }
    return pack_message(header, bits)


def read_update(read: Read, shape_ijk: Triple | None = None) -> MaskUpdate | None:
    """The next frame of an answer, None where the answer ends.

    Args:
        read: gives the next so many bytes, fewer only at the end.
        shape_ijk: size of the volume, when it is known: the block must lie inside.

    Raises:
        EngineError: when the frame is damaged.
        SAMLesionError: the error that the engine sent instead of a block, as its own class.
    """
    prefix = read(4)
    if not prefix:
        return None
    with distrusting_the_engine():
        header = load_json(_exactly(read, header_length(prefix)))
        failure = error_of(header)
        if failure is None:
            return _update(header, read, shape_ijk)
    raise failure


def encode_error(error: SAMLesionError) -> dict[str, Any]:
    """The header that carries an error; as JSON it is also the body of an HTTP error."""
    return {"error": {"kind": error.kind, "message": str(error)[:MAX_TEXT]}}


def error_of(values: Any) -> SAMLesionError | None:
    """The error that `encode_error` described, None when this is something else."""
    error = values.get("error") if isinstance(values, dict) else None
    if not isinstance(error, dict):
        return None
    return error_from_kind(str(error.get("kind")), str(error.get("message"))[:MAX_TEXT])


def encode_models(models: tuple[ModelInfo, ...]) -> dict[str, Any]:
    """The models to choose from, as plain values for JSON."""
    return {"models": [asdict(m) | {"prompts": sorted(m.prompts)} for m in models]}


def decode_models(values: Any) -> tuple[ModelInfo, ...]:
    """The models that `encode_models` described.

    Raises:
        EngineError: when a field is missing or wrong.
    """
    with distrusting_the_engine():
        return tuple(_record(ModelInfo, v) for v in values["models"])


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn whatever wrong values raise into one sentence about `what`."""
    try:
        yield
    except KeyError as missing:
        raise InputError(f"A {what} needs the field {_short(missing)}.") from None
    except (TypeError, ValueError, OverflowError, IndexError, AttributeError) as wrong:
        raise InputError(f"A {what} has a wrong value: {_short(wrong)}.") from None


@contextmanager
def distrusting_the_engine() -> Iterator[None]:
    """Turn what a damaged answer raises into an `EngineError`: it is nobody's input."""
    try:
        with refusing("message"):
            yield
    except (InputError, MemoryError) as wrong:
        raise EngineError(f"The engine's answer is damaged ({_short(wrong)}) Ask again.") from None


def volume_id(value: Any) -> str:
    """A checked volume id: 32 hexadecimal digits."""
    if not isinstance(value, str) or len(value) != 32 or not set(value) <= set("0123456789abcdef"):
        raise ValueError(f"volume_id is 32 hexadecimal digits, got {_short(value)}")
    return value


def text(value: Any) -> str:
    """A checked string of at most `MAX_TEXT` characters."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError(f"expected a text of at most {MAX_TEXT} characters, got {_short(value)}")
    return value


def number(value: Any) -> float:
    """A checked finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {_short(value)}")
    return float(value)


def whole(value: Any) -> int:
    """A checked whole number, small enough for voxel arithmetic in 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**40:
        raise ValueError(f"expected a whole number, got {_short(value)}")
    return value


def triple(values: Any) -> Triple:
    """Three checked whole numbers, none beyond `MAX_SIDE`."""
    a, b, c = (whole(v) for v in values)
    if max(abs(a), abs(b), abs(c)) > MAX_SIDE:
        raise ValueError(f"voxel indices reach at most {MAX_SIDE:,}, got {_short([a, b, c])}")
    return a, b, c


def _update(header: Any, read: Read, shape_ijk: Triple | None) -> MaskUpdate:
    block = IndexBox(triple(header["start_ijk"]), triple(header["stop_ijk"]))
    if block.n_voxels > MAX_BLOCK_VOXELS:
        raise ValueError(f"a block holds at most {MAX_BLOCK_VOXELS:,} voxels, got {block.n_voxels:,}")
    if shape_ijk is not None and block.intersect(IndexBox.whole(shape_ijk)) != block:
        raise ValueError(f"the block {block.start_ijk} to {block.stop_ijk} leaves the volume {shape_ijk}")
    n_bytes = whole(header["n_bytes"])
    if not 0 <= n_bytes <= MAX_PAYLOAD_BYTES:
        raise ValueError(f"a block's bits take at most {MAX_PAYLOAD_BYTES:,} bytes, got {n_bytes:,}")
    bits = _exactly(read, n_bytes)
    mask = np.zeros(block.shape_kji, bool) if block.is_empty else unpack_bits(bits, block.shape_kji)
    report = header["report"]
    return MaskUpdate(
        block,
        mask,
        fraction=min(1.0, max(0.0, number(header["fraction"]))),
        report=None if report is None else _record(RunReport, report),
    )


def _exactly(read: Read, n_bytes: int) -> bytes:
    data = read(n_bytes) if n_bytes else b""
    if len(data) != n_bytes:
        raise ValueError(f"expected {n_bytes:,} bytes, got {len(data):,}")
    return data


def _check_counts(prompts: Any) -> None:
    if not isinstance(prompts, list):
        raise ValueError("prompts is a list of objects")
    n_points = sum(len(p.get("points_ijk", ())) for p in prompts)
    n_voxels = sum(_claimed_voxels(p) for p in prompts if "bits" in p)
    for count, limit, what in (
        (len(prompts), MAX_PROMPTS, "prompts"),
        (n_points, MAX_POINTS, "scribble points"),
        (n_voxels, MAX_BLOCK_VOXELS, "voxels of mask prompts"),
    ):
        if count > limit:
            raise RequestTooLarge(f"A request holds at most {limit:,} {what}, got {count:,}. Send fewer.")


def _claimed_voxels(prompt: Mapping[str, Any]) -> int:
    return IndexBox(triple(prompt["start_ijk"]), triple(prompt["stop_ijk"])).n_voxels


def _record(cls: type[T], values: Mapping[str, Any]) -> T:
    given = {}
    for field in fields(cls):  # type: ignore[arg-type]
        if field.name in values or field.default is MISSING:
            given[field.name] = _CHECKS[str(field.type)](values[field.name])
    return cls(**given)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {_short(value)}")
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "str": text,
    "int": whole,
    "float": number,
    "bool": _flag,
    "frozenset[str]": lambda values: frozenset(text(v) for v in values),
}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in a message")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a finite number")


def _short(value: object) -> str:
    return str(value)[:120]
