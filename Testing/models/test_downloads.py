from __future__ import annotations

import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from weights_cases import AServer, a_card, a_checkpoint, a_published_card, serving

from SAMLesionLib.errors import Cancelled, WeightsError
from SAMLesionLib.models import downloads, store, weights
from SAMLesionLib.models.cards import ModelCard, Url


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMLESION_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloads, "BLOCK_BYTES", 4096)
    return tmp_path / "weights"


@pytest.fixture
def a_file(tmp_path: Path) -> Path:
    return a_checkpoint(tmp_path / "published.pth")


@pytest.fixture
def a_server(a_file: Path) -> Iterator[AServer]:
    with serving(a_file.read_bytes()) as server:
        yield server


@pytest.fixture
def card(a_file: Path, a_server: AServer) -> ModelCard:
    return a_published_card(a_file, a_server.url)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"tiny.lock"}


def test_a_download_is_checked_named_and_ready(card: ModelCard, folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = weights.download(card, on_progress=lambda held, whole: seen.append((held, whole)))
    assert names_in(folder) == {path.name}
    assert weights.load(card).sha256 == card.sha256
    assert [held for held, _ in seen] == sorted(held for held, _ in seen)
    assert seen[-1] == (card.size_bytes, card.size_bytes)


def test_a_second_download_costs_nothing(card: ModelCard, a_server: AServer) -> None:
    assert weights.download(card) == weights.download(card)
    assert len(a_server.asked) == 1


def test_damaged_weights_are_fetched_again(card: ModelCard) -> None:
    path = weights.download(card)
    path.write_bytes(b"damaged")
    assert weights.download(card) == path
    assert weights.verify(card).is_published


def test_a_download_takes_the_place_of_custom_weights(card: ModelCard, tmp_path: Path) -> None:
    weights.import_file(card, a_checkpoint(tmp_path / "tuned.pth", seed=3), is_custom=True)
    weights.download(card)
    assert weights.verify(card).is_published


def test_a_broken_connection_is_taken_up_where_it_broke(card: ModelCard, a_server: AServer) -> None:
    a_server.cut_after = [10_000, 20_000]
    weights.download(card)
    assert a_server.ranges == ["", "bytes=10000-", "bytes=30000-"]
    assert weights.verify(card).is_published


def test_a_connection_that_brings_nothing_ends_the_attempt_and_the_next_continues(
    card: ModelCard, a_server: AServer, folder: Path
) -> None:
    a_server.cut_after = [10_000, 0]
    with pytest.raises(WeightsError, match=r"broke off after .* continues where it stopped"):
        weights.download(card)
    assert names_in(folder) == {"tiny.part"}
    weights.download(card)
    assert a_server.ranges == ["", "bytes=10000-", "bytes=10000-"]
    assert weights.verify(card).is_published


def test_a_server_that_cannot_continue_is_read_from_the_start(card: ModelCard, a_server: AServer) -> None:
    a_server.has_ranges = False
    a_server.cut_after = [10_000]
    weights.download(card)
    assert weights.verify(card).is_published


def test_a_beginning_of_another_file_is_thrown_away(card: ModelCard, a_server: AServer, folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.part").write_bytes(b"\0" * 5000)
    weights.download(card)
    assert a_server.ranges == ["bytes=5000-", ""]
    assert weights.verify(card).is_published


def test_a_part_longer_than_the_file_is_thrown_away(card: ModelCard, a_server: AServer, folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.part").write_bytes(b"\0" * (card.size_bytes + 1))
    weights.download(card)
    assert a_server.ranges == [""]


def test_a_cancelled_download_stops_within_a_block_and_is_continued(
    card: ModelCard, a_server: AServer, folder: Path
) -> None:
    seen: list[int] = []
    with pytest.raises(Cancelled):
        weights.download(card, lambda held, whole: seen.append(held), cancelled=lambda: len(seen) == 2)
    assert (folder / "tiny.part").stat().st_size == seen[-1] == 2 * 4096
    weights.download(card)
    assert a_server.ranges == ["", "bytes=8192-"]


def test_another_file_of_the_same_size_is_refused(card: ModelCard, a_server: AServer, folder: Path) -> None:
    content = bytearray(a_server.content)
    content[len(content) // 2] ^= 1  # one bit in the middle of a tensor: readable, and wrong
    a_server.content = bytes(content)
    with pytest.raises(WeightsError, match=f"{a_server.url} is not the published file") as refused:
        weights.download(card)
    assert "\n" not in str(refused.value)
    assert names_in(folder) == set()


def test_a_web_page_in_place_of_the_file_is_refused_before_it_is_kept(
    card: ModelCard, a_server: AServer, folder: Path
) -> None:
    a_server.content, a_server.content_type = b"<html>Sign in</html>", "text/html"
    with pytest.raises(WeightsError, match="offers 20 bytes of text/html, the weights have"):
        weights.download(card)
    assert names_in(folder) == set()


def test_a_web_page_is_recognised_when_no_size_is_known(a_server: AServer, folder: Path) -> None:
    a_server.content = b"<html>Sign in</html>"
    with pytest.raises(WeightsError, match="is a web page, not weights"):
        weights.download(a_card(sources=(Url(a_server.url),)))
    assert names_in(folder) == set()


def test_a_model_without_published_size_and_hash_is_checked_by_its_keys(a_server: AServer) -> None:
    card = a_card(sources=(Url(a_server.url),))
    weights.download(card)
    result = weights.verify(card)
    assert result.is_published is None
    assert "not published; checked by its keys and shapes" in result.sentence


@pytest.mark.parametrize("status", [403, 404, 500])
def test_what_the_server_answered_is_said(card: ModelCard, a_server: AServer, status: int) -> None:
    a_server.status = status
    with pytest.raises(WeightsError, match=rf"failed \(HTTP Error {status}"):
        weights.download(card)


def test_a_server_that_is_not_there_is_said(card: ModelCard, a_file: Path) -> None:
    with serving(b"") as gone:
        address = gone.url
    with pytest.raises(WeightsError, match=r"Connection refused|refused it"):
        weights.download(a_published_card(a_file, address))


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/a.pth", "weights.pth"])
def test_only_http_and_https_are_asked(url: str) -> None:
    with pytest.raises(WeightsError, match="over http or https"):
        weights.download(a_card(sources=(Url(url),), size_bytes=5))


def test_a_redirect_is_followed(card: ModelCard, a_server: AServer) -> None:
    with serving(b"") as door:
        door.redirect_to = a_server.url
        weights.download(a_card(size_bytes=card.size_bytes, sha256=card.sha256, sources=(Url(door.url),)))
    assert weights.is_available(card)


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/weights.pth"])
def test_a_redirect_to_anything_but_http_is_not_followed(
    card: ModelCard, a_server: AServer, target: str
) -> None:
    a_server.redirect_to = target
    with pytest.raises(WeightsError, match=f"{target}.* is not (allowed|safe to follow)"):
        weights.download(card)


def test_https_is_never_left_for_http() -> None:
    request = downloads.urllib.request.Request("https://example.org/a.pth")
    with pytest.raises(WeightsError, match="not safe to follow"):
        downloads._SafeRedirects().redirect_request(
            request, BytesIO(), 302, "", {}, "http://example.org/a.pth"
        )


def test_a_proxy_is_obeyed(card: ModelCard, a_server: AServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", a_server.address)
    url = "http://weights.invalid/published.pth"
    weights.download(a_card(size_bytes=card.size_bytes, sha256=card.sha256, sources=(Url(url),)))
    assert [path for path, _ in a_server.asked] == [url]


def test_a_model_without_address_is_not_downloaded() -> None:
    with pytest.raises(WeightsError, match=r"cannot be downloaded\. Get them with `samlesion models import"):
        weights.download(a_card())


def test_a_disk_without_room_is_said_before_anything_is_fetched(
    card: ModelCard, a_server: AServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facts = shutil.disk_usage(tmp_path)._replace(free=card.size_bytes - 1)
    monkeypatch.setattr(store.shutil, "disk_usage", lambda folder: facts)
    with pytest.raises(WeightsError, match=r"MB free, .* are needed\. Free some space"):
        weights.download(card)
    assert a_server.asked == []


def test_a_disk_that_fills_up_is_said_and_given_back(card: ModelCard, folder: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(WeightsError, match="is full"):
            weights.download(card)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names_in(folder) == set()


def test_two_downloads_of_one_model_do_not_meet(card: ModelCard, folder: Path) -> None:
    folder.mkdir()
    with (
        store.only_one(folder / "tiny.lock", card.title),
        pytest.raises(WeightsError, match="being fetched already"),
    ):
        weights.download(card)
    assert weights.download(card).is_file()
