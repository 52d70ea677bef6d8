"""A server refuses strangers, other versions, and bodies that are damaged, too large or never end."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
from collections.abc import Iterable

import pytest
from fake_servers import TOKEN, Served, serving
from fakes import FakeSegmenter, a_lesion_volume

from SAMLesionLib import BoxPrompt, IndexBox, PromptSet, SegmentRequest, Volume, errors
from SAMLesionLib.transport import EngineClient, messages
from SAMLesionLib.transport import client as client_module
from SAMLesionLib.transport.limits import Limits
from SAMLesionLib.transport.volumes import VolumeHeader

HEADERS = {"Authorization": f"Bearer {TOKEN}", "SAMLesion-Protocol": "1"}


def ask(
    served: Served, method: str, path: str, body: bytes | Iterable[bytes] = b"", **headers: str
) -> tuple[int, dict]:
    connection = http.client.HTTPConnection(served.address, timeout=10)
    try:
        connection.request(method, path, body, HEADERS | headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def head_of_a_post(path: str, n_bytes: int) -> bytes:
    """What goes before a body of this length."""
    given = {"Host": "localhost", **HEADERS, "Content-Length": str(n_bytes)}
    lines = "".join(f"{k}: {v}\r\n" for k, v in given.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode()


def _is_closed_by_the_server(peer: socket.socket) -> bool:
    with contextlib.suppress(ConnectionResetError):
        while peer.recv(65536):
            pass
    return True  # otherwise recv has timed out


def test_a_wrong_token_is_refused(served: Served, volume: Volume) -> None:
    for call in (lambda c: c.health(), lambda c: c.models(), lambda c: c.load_volume(volume)):
        with pytest.raises(errors.Unauthorized, match="refused the token"):
            call(EngineClient(served.address, TOKEN + "x"))
    assert not served.segmenter.volumes


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer \xe9\xff", f"Basic {TOKEN}", TOKEN])
def test_every_other_authorization_is_refused(served: Served, header: str) -> None:
    status, answer = ask(served, "GET", "/models", Authorization=header)
    assert (status, answer["error"]["kind"]) == (401, "Unauthorized")


def test_a_request_for_another_host_name_is_refused(served: Served) -> None:
    status, answer = ask(served, "GET", "/models", Host="evil.example:80")
    assert (status, answer["error"]["kind"]) == (401, "Unauthorized")


def test_another_version_is_refused_on_both_sides(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    status, answer = ask(served, "GET", "/models", **{"SAMLesion-Protocol": "7"})
    assert (status, answer["error"]["kind"]) == (426, "VersionMismatch")
    assert "protocol 7 and the engine speaks 1" in answer["error"]["message"]
    monkeypatch.setattr(client_module, "PROTOCOL_VERSION", 2)
    with pytest.raises(errors.VersionMismatch, match="protocol 2 and the engine speaks 1"):
        EngineClient(served.address, TOKEN).models()


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("GET", "/segment", 405), ("POST", "/models", 405)]
)
def test_other_endpoints_are_refused_with_the_list(
    served: Served, method: str, path: str, status: int
) -> None:
    answered, answer = ask(served, method, path)
    assert answered == status
    assert "POST /segment" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/segment", b"", "must be JSON"),
        ("/segment", b"\x80\x04pickle", "must be JSON"),
        ("/segment", b"[]", "wrong value"),
        ("/segment", b"{}", "needs the field 'prompts'"),
        ("/volumes", b"\x01", "in 4 bytes, got 1"),
        ("/volumes", b"\xff\xff\xff\xff", "at most 65,536 bytes, got 4,294,967,295"),
        ("/volumes", b"\x02\x00\x00\x00{}", "needs the field 'volume_id'"),
        ("/volumes", b"\x09\x00\x00\x00{}", "must be JSON|body ended|wrong value|needs the field"),
        ("/volumes", VolumeHeader.of(a_lesion_volume()).encode() + b"few", "24,576 bytes, got 3"),
    ],
)
def test_garbage_is_refused_in_a_sentence(served: Served, path: str, body: bytes, sentence: str) -> None:
    status, answer = ask(served, "POST", path, body)
    assert status in (400, 413)
    assert re.search(sentence, answer["error"]["message"])
    assert EngineClient(served.address, TOKEN).health().protocol == 1


def test_voxels_that_changed_on_the_way_are_refused(served: Served, volume: Volume) -> None:
    body = bytearray(VolumeHeader.of(volume).encode() + volume.voxels.tobytes())
    body[-1] ^= 1
    status, answer = ask(served, "POST", "/volumes", bytes(body))
    assert status == 400
    assert "changed on the way" in answer["error"]["message"]
    assert not served.segmenter.volumes


def test_a_body_cut_off_leaves_the_server_well(served: Served, volume: Volume) -> None:
    body = VolumeHeader.of(volume).encode() + volume.voxels.tobytes()
    with served.socket() as peer:
        peer.sendall(head_of_a_post("/volumes", len(body)) + body[:-100])
    client = EngineClient(served.address, TOKEN)
    assert not served.segmenter.volumes
    assert client.load_volume(volume) == volume.volume_id


def test_a_body_of_unknown_length_is_refused(served: Served) -> None:
    status, answer = ask(served, "POST", "/segment", iter([b"{}"]))
    assert status == 400
    assert "Content-Length" in answer["error"]["message"]


def test_too_much_is_refused_before_it_is_read(volume: Volume) -> None:
    with serving(FakeSegmenter(), Limits(volume_bytes=1000, request_bytes=100, stop_s=1)) as served:
        client = EngineClient(served.address, TOKEN)
        with pytest.raises(errors.RequestTooLarge, match="takes volumes up to"):
            client.load_volume(volume)
        box = PromptSet((BoxPrompt(IndexBox((0, 0, 0), (1, 1, 1))),) * 9)
        with pytest.raises(errors.RequestTooLarge, match="at most 100 bytes"):
            list(client.segment(SegmentRequest(volume.volume_id, "fake", box)))


def test_a_volume_beyond_the_memory_is_refused_by_its_header(served: Served, volume: Volume) -> None:
    header = VolumeHeader.of(volume)
    values = messages.load_json(header.encode()[4:]) | {"shape_kji": [65536, 65536, 65536]}
    status, answer = ask(served, "POST", "/volumes", messages.pack_message(values))
    assert (status, answer["error"]["kind"]) == (413, "RequestTooLarge")


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost: loc"])
def test_a_head_that_never_ends_is_given_up(sent: bytes) -> None:
    with serving(FakeSegmenter(), Limits(head_s=0.2, stop_s=1)) as served, served.socket() as peer:
        peer.sendall(sent)
        assert _is_closed_by_the_server(peer)


def test_a_second_head_that_never_ends_is_given_up() -> None:
    with serving(FakeSegmenter(), Limits(head_s=0.2, stop_s=1)) as served, served.socket() as peer:
        peer.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 401")
        peer.sendall(b"GET /nothing HT")
        assert _is_closed_by_the_server(peer)


def test_a_body_that_drips_is_given_up(volume: Volume) -> None:
    with serving(FakeSegmenter(), Limits(body_s=0.2, stop_s=1)) as served, served.socket() as peer:
        peer.sendall(head_of_a_post("/segment", 50) + b"{")
        answer = peer.recv(65536)
        assert answer.startswith(b"HTTP/1.1 400")
