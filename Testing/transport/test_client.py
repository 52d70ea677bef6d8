"""A client gives what the segmenter behind its server gives, its errors too, and names what is no engine."""

from __future__ import annotations

import socket
import threading

import numpy as np
import pytest
from app_connection import AppConnection
from fake_servers import TOKEN, Served, local_mask, serving
from fakes import FAKE_MODEL, FakeSegmenter

from SAMLesionLib import PointPrompt, PromptSet, Segmenter, SegmentRequest, Volume, collect, errors
from SAMLesionLib.transport import EngineClient
from SAMLesionLib.transport.limits import Limits


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
