"""The site is shown to this machine alone, and only what is published."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.reporting.site.serve import make_server


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
    ],
)
def test_it_hides_the_rest(port: int, path: str) -> None:
    status, text = get(port, path)
    assert status == 404
    assert "hidden" not in text


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
