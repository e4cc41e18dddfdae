"""The site is shown to this machine alone, and only what is published."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.reporting.site import serve
from analysis.reporting.site.serve import make_server
from tests.projects import wait_for


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    (folder / "tiny" / "2026").mkdir(parents=True)
    (folder / "index.html").write_text("overview")
    (folder / "tiny" / "2026" / "index.html").write_text("a run")
    (folder / "tiny" / "latest").symlink_to("2026")
    (folder / "tiny" / ".lock").write_text("hidden")
    (folder / "tiny" / ".staging-2026").mkdir()
    (folder / "tiny" / ".staging-2026" / "index.html").write_text("hidden")
    (tmp_path / "outside.txt").write_text("hidden")
    (folder / "tiny" / "2026" / "out.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "tiny" / "elsewhere").symlink_to(tmp_path)
    (folder / "tiny" / "shown.html").symlink_to(".lock")
    (folder / "tiny" / "2026" / "lists" / "csv").mkdir(parents=True)
    (folder / "tiny" / "2026" / "lists" / "csv" / "worth.csv").write_text("hidden")
    (folder / "tiny" / "2026" / "contacts").symlink_to("lists")
    (folder / "large.html").write_bytes(b"x" * 20_000_000)
    return folder


@pytest.fixture
def port(reports: Path) -> Iterator[int]:
    with make_server(reports, port=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def get(port: int, path: str, host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_it_shows_the_site(port: int) -> None:
    assert get(port, "/") == (200, "overview")
    assert get(port, "/tiny/latest/index.html") == (200, "a run")
    assert get(port, "/", host=f"localhost:{port}") == (200, "overview")


@pytest.mark.parametrize(
    "path",
    [
        "/tiny/.lock",
        "/tiny/.staging-2026/index.html",
        "/tiny/%2elock",
        "/../outside.txt",
        "/%2e%2e/outside.txt",
        "/tiny/",
        "/tiny/2026/out.txt",
        "/tiny/elsewhere/outside.txt",
        "/tiny/shown.html",
        "/tiny/2026/lists/csv/worth.csv",
        "/tiny/latest/lists/csv/worth.csv",
        "/tiny/latest/contacts/csv/worth.csv",
        "/tiny/2026/%6cists/csv/worth.csv",
        "/tiny%0d%0aX-Injected:%20yes",
        "/tiny%0a",
        "/%00",
        "/" + "a" * 5000,
        "/%ff%fe",
    ],
)
def test_it_hides_the_rest(port: int, path: str) -> None:
    status, text = get(port, path)
    assert status == 404
    assert "hidden" not in text


def test_a_client_that_hangs_up_is_no_error(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    linger = struct.pack("ii", 1, 0)  # hang up by a reset, in the midst of an answer
    for request in (b"GET /large.html HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /", b""):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.sendall(request)
    assert get(port, "/") == (200, "overview")
    wait_for(lambda: threading.active_count() <= 2)
    assert capfd.readouterr() == ("", "")


def test_idle_connections_are_bounded_and_end(
    reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "MOST_CONNECTIONS", 3)
    monkeypatch.setattr(serve._Handler, "timeout", 3)
    before = threading.active_count()
    with make_server(reports, port=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        address = server.server_address[:2]
        idle = [socket.create_connection(address) for _ in range(3)]
        wait_for(lambda: threading.active_count() == before + 4)
        with socket.create_connection(address, timeout=2) as one_more:
            assert one_more.recv(1) == b"", "it is hung up on at once"
        assert [connection.recv(1) for connection in idle] == [b""] * 3, "they end by themselves"
        wait_for(lambda: threading.active_count() == before + 1)
        assert get(address[1], "/") == (200, "overview")
        server.shutdown()
        thread.join()
    for connection in idle:
        connection.close()


def test_another_error_is_one_line(
    port: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> bool:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(serve._Handler, "_is_shown", broken)
    with pytest.raises(http.client.RemoteDisconnected):
        get(port, "/")
    wait_for(lambda: threading.active_count() <= 2)
    said = "analysis: a request failed: ZeroDivisionError('odd')\n"
    assert capfd.readouterr() == ("", said)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example"])
def test_it_answers_no_other_name(port: int, host: str) -> None:
    status, text = get(port, "/", host=host)
    assert status == 421
    assert "overview" not in text


def test_it_listens_on_the_loopback_address_alone(reports: Path) -> None:
    with make_server(reports, port=0) as server:
        assert server.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_said_in_one_sentence(port: int, reports: Path) -> None:
    with pytest.raises(AnalysisError, match=f"Cannot listen on port {port}: .*; choose another"):
        make_server(reports, port=port)


def test_there_must_be_something_to_show(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="There is no report in"):
        make_server(tmp_path, port=0)
