"""What a server takes at most, in bytes, seconds and counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of one server; those of the format itself are constants of `messages`, `checks` and `codec`.

    Attributes:
        volume_bytes: voxels of one volume.
        request_bytes: JSON of one request, mask prompts included.
        connections: open sockets, idle ones included.
        head_s: time to send the head of a request.
        body_s: time to send a small body, and to take one frame of an answer.
        body_bytes_per_s: a large body gets so much more time than `body_s`.
        idle_s: how long a socket may wait for its next request.
        stop_s: how long running answers may take when the server ends.
    """

    volume_bytes: int = 8 * 1024**3
    request_bytes: int = 16 * 1024**2
    connections: int = 64
    head_s: float = 10.0
    body_s: float = 30.0
    body_bytes_per_s: float = 4e6
    idle_s: float = 120.0
    stop_s: float = 5.0

    def seconds_for(self, n_bytes: int) -> float:
        """How long a body of this size may take."""
        return self.body_s + n_bytes / self.body_bytes_per_s
