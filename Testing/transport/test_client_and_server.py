from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from fake_servers import TOKEN, Served, serving
from fakes import FAKE_MODEL, FakeSegmenter, a_lesion_volume

from SAMLesionLib import (
    BoxPrompt,
    IndexBox,
    MaskUpdate,
    PointPrompt,
    PromptSet,
    Segmenter,
    SegmentRequest,
    Volume,
    collect,
    errors,
)
from SAMLesionLib.transport import Body, EngineClient, messages
from SAMLesionLib.transport import client as client_module
from SAMLesionLib.transport.endpoints import create_app
from SAMLesionLib.transport.limits import Limits
from SAMLesionLib.transport.volumes import VolumeHeader

HEADERS = {"Authorization": f"Bearer {TOKEN}", "SAMLesion-Protocol": "1"}


class AppConnection:
    """The way to an application in this process: no socket, the whole answer at once."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._app = create_app(segmenter, TOKEN)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> AppReply:
        return asyncio.run(self._send(method, path, headers, body))

    def close(self) -> None:
        pass

    async def _send(self, method: str, path: str, headers: Mapping[str, str], body: Body) -> AppReply:
        given = {"host": "localhost", "content-length": str(body.n_bytes), **headers}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode()) for k, v in given.items()],
        }
        chunks = [*body.chunks(), b""]
        messages = [
            {"type": "http.request", "body": bytes(c), "more_body": i < len(chunks) - 1}
            for i, c in enumerate(chunks)
        ]
        reply = AppReply()

        async def receive() -> dict:
            if not messages:
                await asyncio.Event().wait()
            return messages.pop(0)

        async def send(message: dict) -> None:
            reply.take(message)

        await self._app(scope, receive, send)
        return reply


class AppReply:
    def __init__(self) -> None:
        self.status, self._headers, self._data = 0, {}, b""

    def take(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
        else:
            self._data += message["body"]

    def header(self, name: str) -> str | None:
        return self._headers.get(name.lower())

    def read(self, n_bytes: int) -> bytes:
        data, self._data = self._data[:n_bytes], self._data[n_bytes:]
        return data

    def close(self) -> None:
        self._data = b""


def ask(served: Served, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict]:
    connection = http.client.HTTPConnection(served.address, timeout=10)
    try:
        connection.request(method, path, body, HEADERS | headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.fixture
def client(served: Served) -> Iterator[EngineClient]:
    client = EngineClient(served.address, TOKEN, timeout_s=20)
    yield client
    client.close()


def local_mask(volume: Volume, request: SegmentRequest) -> np.ndarray:
    segmenter = FakeSegmenter()
    segmenter.load_volume(volume)
    return collect(segmenter.segment(request), volume.shape_ijk)[0]


def test_the_client_gives_the_mask_of_the_segmenter_behind_the_server(
    client: EngineClient, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    assert isinstance(client, Segmenter)
    assert client.models() == (FAKE_MODEL,)
    assert client.load_volume(volume) == volume.volume_id
    mask, report = collect(client.segment(request_of_a_box), volume.shape_ijk)
    assert mask.any()
    assert np.array_equal(mask, local_mask(volume, request_of_a_box))
    assert report is not None
    assert report.model == "fake"


def test_an_app_in_this_process_answers_like_one_over_the_network(
    volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    segmenter = FakeSegmenter()
    client = EngineClient("in-process", TOKEN, connection=AppConnection(segmenter))
    client.load_volume(volume)
    mask, _ = collect(client.segment(request_of_a_box), volume.shape_ijk)
    assert np.array_equal(mask, local_mask(volume, request_of_a_box))
    with pytest.raises(errors.UnknownModel):
        list(client.segment(SegmentRequest(volume.volume_id, "no-such-model")))


@pytest.mark.parametrize("dtype", ["|b1", ">i2", "<u2", "<f2", "<f8"])
def test_volumes_of_every_kind_arrive_as_they_are(served: Served, client: EngineClient, dtype: str) -> None:
    voxels = (np.arange(4 * 5 * 6).reshape(4, 5, 6) % 2).astype(dtype)[:, ::-1]
    volume = Volume(voxels)
    assert client.load_volume(volume) == volume.volume_id
    assert np.array_equal(served.segmenter.volumes[volume.volume_id].voxels, voxels)


def test_voxels_travel_once(served: Served, client: EngineClient, volume: Volume) -> None:
    for _ in range(3):
        client.load_volume(volume)
    EngineClient(served.address, TOKEN).load_volume(volume)
    assert served.segmenter.n_loads == 1


def test_a_volume_that_the_engine_dropped_is_sent_again(
    served: Served, client: EngineClient, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    client.load_volume(volume)
    served.segmenter.volumes.clear()
    mask, _ = collect(client.segment(request_of_a_box), volume.shape_ijk)
    assert np.array_equal(mask, local_mask(volume, request_of_a_box))
    assert served.segmenter.n_loads == 2


def test_an_unloaded_volume_is_forgotten_on_both_sides(
    served: Served, client: EngineClient, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    client.load_volume(volume)
    client.unload_volume(volume.volume_id)
    client.unload_volume("../an id/nobody knows?")
    assert not served.segmenter.volumes
    with pytest.raises(errors.VolumeNotLoaded):
        list(client.segment(request_of_a_box))


def test_engine_errors_come_back_as_the_same_class_and_sentence(
    client: EngineClient, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    client.load_volume(volume)
    point = SegmentRequest(volume.volume_id, "fake", PromptSet((PointPrompt((1, 1, 1)),)))
    with pytest.raises(errors.PromptError, match=r"Threshold understands box, mask prompts, got point"):
        list(client.segment(point))
    with pytest.raises(errors.ImageError, match="flat is constant"):
        client.load_volume(Volume(np.zeros((3, 3, 3)), name="flat"))


def test_an_error_in_the_middle_of_an_answer_comes_back_too(
    volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    def fail_at_2(n: int) -> None:
        if n == 2:
            raise errors.OutOfMemory("The device is full. Choose a smaller model.")

    with serving(FakeSegmenter(fail_at_2)) as served:
        client = EngineClient(served.address, TOKEN, 20)
        client.load_volume(volume)
        updates = client.segment(request_of_a_box)
        assert isinstance(next(updates), MaskUpdate)
        assert isinstance(next(updates), MaskUpdate)
        with pytest.raises(errors.OutOfMemory, match=r"^The device is full\. Choose a smaller model\.$"):
            next(updates)


def test_an_unforeseen_failure_of_the_segmenter_becomes_one_sentence(
    volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    def fail(n: int) -> None:
        raise ZeroDivisionError("of the fake")

    with serving(FakeSegmenter(fail)) as served:
        client = EngineClient(served.address, TOKEN, 20)
        client.load_volume(volume)
        with pytest.raises(errors.EngineError, match=r"failed \(ZeroDivisionError: of the fake\)"):
            list(client.segment(request_of_a_box))
        assert client.health().is_busy is False


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


def test_what_is_no_engine_is_named(served: Served) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_like_a_web_server() -> None:
        peer, _ = listener.accept()
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        peer.close()

    thread = threading.Thread(target=answer_like_a_web_server)
    thread.start()
    with pytest.raises(errors.EngineUnavailable, match="no SAMLesion engine"):
        EngineClient(f"127.0.0.1:{listener.getsockname()[1]}", TOKEN).models()
    thread.join()
    listener.close()


def test_nobody_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(errors.EngineUnavailable, match="Start it with: samlesion serve"):
        EngineClient(f"127.0.0.1:{port}", TOKEN).health()
    for wrong in ("", "no-port", "https://127.0.0.1:1", "127.0.0.1:99999"):
        with pytest.raises(errors.InputError, match="looks like"):
            EngineClient(wrong, TOKEN)


def test_an_engine_that_gives_no_sign_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = EngineClient(f"127.0.0.1:{listener.getsockname()[1]}", TOKEN, timeout_s=0.2)
        with pytest.raises(errors.EngineUnavailable, match=r"no sign for 0\.2 s"):
            client.health()


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
    head = "".join(f"{k}: {v}\r\n" for k, v in HEADERS.items())
    with served.socket() as peer:
        peer.sendall(
            f"POST /volumes HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode()
            + body[:-100]
        )
    client = EngineClient(served.address, TOKEN)
    assert not served.segmenter.volumes
    assert client.load_volume(volume) == volume.volume_id


def test_a_body_of_unknown_length_is_refused(served: Served) -> None:
    status, answer = ask(served, "POST", "/segment", iter([b"{}"]))  # type: ignore[arg-type]
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
        head = "".join(f"{k}: {v}\r\n" for k, v in HEADERS.items())
        peer.sendall(
            f"POST /segment HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: 50\r\n\r\n{{".encode()
        )
        answer = peer.recv(65536)
        assert answer.startswith(b"HTTP/1.1 400")


class Gate:
    """Holds a segmenter back at one of its slices."""

    def __init__(self, n: int) -> None:
        self._n = n
        self.has_begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, n: int) -> None:
        if n == self._n:
            self.has_begun.set()
            assert self.go_on.wait(20)


def test_health_answers_while_a_mask_is_made(volume: Volume, request_of_a_box: SegmentRequest) -> None:
    gate = Gate(1)
    with serving(FakeSegmenter(gate)) as served:
        client = EngineClient(served.address, TOKEN, 20)
        client.load_volume(volume)
        updates = client.segment(request_of_a_box)
        next(updates)
        assert gate.has_begun.wait(10)
        assert client.health().is_busy
        gate.go_on.set()
        assert list(updates)[-1].is_last
        assert not client.health().is_busy


def test_closing_the_answer_cancels_within_one_slice(
    volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    gate = Gate(2)
    segmenter = FakeSegmenter(gate)
    with serving(segmenter) as served:
        client = EngineClient(served.address, TOKEN, 20)
        client.load_volume(volume)
        updates = client.segment(request_of_a_box)
        next(updates)
        assert gate.has_begun.wait(10)
        updates.close()
        while client.health().is_busy:  # until the server has seen that we left
            pass
        gate.go_on.set()
        assert segmenter.was_closed_early.wait(10)
        assert segmenter.n_slices == 3


def test_an_answer_that_waits_for_its_turn_can_be_given_up(
    volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    gate = Gate(1)
    segmenter = FakeSegmenter(gate)
    with serving(segmenter) as served:
        client = EngineClient(served.address, TOKEN, 20)
        client.load_volume(volume)
        first = client.segment(request_of_a_box)
        next(first)
        assert gate.has_begun.wait(10)
        impatient = EngineClient(served.address, TOKEN, timeout_s=0.3)
        with pytest.raises(errors.EngineUnavailable, match="no sign"):
            next(impatient.segment(request_of_a_box))
        gate.go_on.set()
        assert list(first)[-1].is_last
        assert len(segmenter.requests) == 1


def test_answers_take_turns_in_one_thread(volume: Volume, request_of_a_box: SegmentRequest) -> None:
    segmenter = FakeSegmenter()
    expected = local_mask(volume, request_of_a_box)
    masks: list[np.ndarray] = []
    with serving(segmenter) as served:
        client = EngineClient(served.address, TOKEN, 20)
        client.load_volume(volume)

        def work() -> None:
            for _ in range(5):
                masks.append(collect(client.segment(request_of_a_box), volume.shape_ijk)[0])

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(masks) == 20
    assert all(np.array_equal(mask, expected) for mask in masks)
    assert len(segmenter.threads) == 1


def test_a_socket_is_used_again_after_a_whole_answer(
    client: EngineClient, volume: Volume, request_of_a_box: SegmentRequest
) -> None:
    client.load_volume(volume)
    for _ in range(3):
        for update in client.segment(request_of_a_box):
            if update.is_last:
                break
    assert client._connection.n_idle == 1


def test_a_socket_that_the_server_closed_is_replaced(volume: Volume) -> None:
    with serving(FakeSegmenter(), Limits(stop_s=1)) as served:
        client = EngineClient(served.address, TOKEN, 20)
        client.health()
        client._connection._idle[0].sock.shutdown(socket.SHUT_RDWR)
        assert client.health().protocol == 1


def test_an_answer_without_its_report_is_no_answer(volume: Volume) -> None:
    class Forgetful(FakeSegmenter):
        def segment(self, request: SegmentRequest) -> Iterator[MaskUpdate]:
            return (MaskUpdate(u.block, u.mask, u.fraction) for u in super().segment(request))

    with serving(Forgetful()) as served:
        client = EngineClient(served.address, TOKEN, 20)
        client.load_volume(volume)
        box = PromptSet((BoxPrompt(IndexBox((0, 0, 0), (4, 4, 4))),))
        with pytest.raises(errors.EngineError, match="without its report"):
            list(client.segment(SegmentRequest(volume.volume_id, "fake", box)))


def _is_closed_by_the_server(peer: socket.socket) -> bool:
    with contextlib.suppress(ConnectionResetError):
        while peer.recv(65536):
            pass
    return True  # otherwise recv has timed out
