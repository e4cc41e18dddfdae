"""What a run was made with."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from analysis.reporting.store import run_record


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    return subprocess.run(
        ["git", *who, *arguments], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_commit_and_whether_anything_has_changed_since(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "10_a.ipynb").write_text("{}")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "All")
    version = run_record.code_version(tmp_path)
    assert version["commit"] == git(tmp_path, "rev-parse", "HEAD")
    assert version["changed"] is False
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "index.html").write_text("what runs write is no change of code")
    assert run_record.code_version(tmp_path)["changed"] is False
    (tmp_path / "notebooks" / "10_a.ipynb").write_text("{ }")
    assert run_record.code_version(tmp_path)["changed"] is True


def test_without_a_work_tree_or_git_the_sources_still_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    version = run_record.code_version(tmp_path)
    assert (version["commit"], version["changed"], version["lock"]) == (None, None, "")
    assert version["sources"] == run_record.sources_hash()
    monkeypatch.setenv("PATH", "")
    assert run_record.code_version(tmp_path) == version


def test_the_packages_are_those_the_project_depends_on_directly() -> None:
    found = run_record.packages()
    assert {"pandas", "papermill", "duckdb", "ibis-framework", "pydantic"} <= set(found)
    assert not {"pytest", "hatchling", "pyspark", "parso"} & set(found)
    assert found["pandas"] == metadata.version("pandas")
