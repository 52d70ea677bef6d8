"""How requests, answers and models look as messages.

The header of a message (`messages`) says how long its payload is:

- a volume: header `volumes.VolumeHeader`, payload the voxels in C order of (k, j, i), in the byte order
  that their type states ("<i2");
- one frame of an answer: header with the block that changed, payload its mask as `masks.pack_bits`;
  or a header with `error` and no payload.

A request is one JSON object. Every number is checked here, once, so hostile bytes raise
`SAMLesionError` and nothing else. `docs/wire.md` describes the same for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from SAMLesionLib.errors import RequestTooLarge
from SAMLesionLib.geometry import IndexBox, Triple
from SAMLesionLib.masks import MaskUpdate, RunReport, pack_bits, unpack_bits
from SAMLesionLib.prompts import PromptSet
from SAMLesionLib.protocol import ModelInfo, SegmentRequest
from SAMLesionLib.transport.checks import (
    distrusting_the_engine,
    number,
    record,
    refusing,
    text,
    triple,
    volume_id,
    whole,
)
from SAMLesionLib.transport.messages import (
    Read,
    dump_json,
    error_of,
    header_length,
    load_json,
    pack_message,
    read_exactly,
)

MAX_PAYLOAD_BYTES = 256 * 1024**2
"""One packed block; a full 1024 x 1024 x 1024 block of noise is half of this."""
MAX_BLOCK_VOXELS = 2**30
"""One block of a mask, and all mask prompts of a request together, so that few bytes fill no memory."""
MAX_PROMPTS = 1000
MAX_POINTS = 100_000
"""All points of all scribbles of one request."""


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
        header = load_json(read_exactly(read, header_length(prefix)))
        failure = error_of(header)
        if failure is None:
            return _update(header, read, shape_ijk)
    raise failure


def encode_models(models: tuple[ModelInfo, ...]) -> dict[str, Any]:
    """The models to choose from, as plain values for JSON."""
    return {"models": [asdict(m) | {"prompts": sorted(m.prompts)} for m in models]}


def decode_models(values: Any) -> tuple[ModelInfo, ...]:
    """The models that `encode_models` described.

    Raises:
        EngineError: when a field is missing or wrong.
    """
    with distrusting_the_engine():
        return tuple(record(ModelInfo, v) for v in values["models"])


def _update(header: Any, read: Read, shape_ijk: Triple | None) -> MaskUpdate:
    block = IndexBox(triple(header["start_ijk"]), triple(header["stop_ijk"]))
    if block.n_voxels > MAX_BLOCK_VOXELS:
        raise ValueError(f"a block holds at most {MAX_BLOCK_VOXELS:,} voxels, got {block.n_voxels:,}")
    if shape_ijk is not None and block.intersect(IndexBox.whole(shape_ijk)) != block:
        raise ValueError(f"the block {block.start_ijk} to {block.stop_ijk} leaves the volume {shape_ijk}")
    n_bytes = whole(header["n_bytes"])
    if not 0 <= n_bytes <= MAX_PAYLOAD_BYTES:
        raise ValueError(f"a block's bits take at most {MAX_PAYLOAD_BYTES:,} bytes, got {n_bytes:,}")
    bits = read_exactly(read, n_bytes)
    mask = np.zeros(block.shape_kji, bool) if block.is_empty else unpack_bits(bits, block.shape_kji)
    report = header["report"]
    return MaskUpdate(
        block,
        mask,
        fraction=min(1.0, max(0.0, number(header["fraction"]))),
        report=None if report is None else record(RunReport, report),
    )


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
