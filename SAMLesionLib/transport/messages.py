"""A message as bytes: `[u32 header length][header: JSON, UTF-8][payload]`, little-endian.

The JSON is strict, and nothing is ever unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from SAMLesionLib.errors import InputError, PromptError, RequestTooLarge, SAMLesionError, error_from_kind
from SAMLesionLib.transport.checks import MAX_TEXT, short

MAX_HEADER_BYTES = 64 * 1024

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
        raise InputError(f"A message must be JSON in UTF-8, but this is not ({short(wrong)}).") from None


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


def read_exactly(read: Read, n_bytes: int) -> bytes:
    """So many bytes, or `ValueError` where the message ends before."""
    data = read(n_bytes) if n_bytes else b""
    if len(data) != n_bytes:
        raise ValueError(f"expected {n_bytes:,} bytes, got {len(data):,}")
    return data


def encode_error(error: SAMLesionError) -> dict[str, Any]:
    """The header that carries an error; as JSON it is also the body of an HTTP error."""
    return {"error": {"kind": error.kind, "message": str(error)[:MAX_TEXT]}}


def error_of(values: Any) -> SAMLesionError | None:
    """The error that `encode_error` described, None when this is something else."""
    error = values.get("error") if isinstance(values, dict) else None
    if not isinstance(error, dict):
        return None
    return error_from_kind(str(error.get("kind")), str(error.get("message"))[:MAX_TEXT])


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in a message")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a finite number")
