"""A file is written whole or not at all."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.reporting.store.atomic import disk_errors, write_json, write_text


def test_a_write_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"name": "小店"})
    assert "小店" in path.read_text("utf-8")

    def refuse(path: Path, text: str, encoding: str) -> int:
        with path.open("w", encoding=encoding) as stream:
            stream.write(text[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(OSError, match="No space left"):
        write_text(path, "something else")
    assert json.loads(path.read_text("utf-8")) == {"name": "小店"}
    assert list(tmp_path.iterdir()) == [path]


def test_what_json_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_only_what_the_disk_refuses_is_put_in_words(tmp_path: Path) -> None:
    with (
        pytest.raises(AnalysisError, match=r"Cannot write to /x/y: Read-only file system\."),
        disk_errors(tmp_path),
    ):
        raise OSError(errno.EROFS, "Read-only file system", "/x/y")
    with pytest.raises(FileNotFoundError), disk_errors(tmp_path):
        (tmp_path / "a" / "b").read_text()
