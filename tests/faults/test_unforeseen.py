"""Errors that nobody foresaw, and output that nobody can read: an exit code and a sentence."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analysis import cli
from analysis.reporting.runner import run, terminal
from tests import forked
from tests.projects import SECONDS, Project
from tests.tiny import Journey


@pytest.fixture
def project(journey: Journey) -> Project:
    project = Project(journey)
    project.add("10_a", "x = 1")
    return project


def fail(error: BaseException, project: Project, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Return what a run says in the midst of which ``error`` is raised."""

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(run, "run_study", broken)
    monkeypatch.chdir(project.root)
    return CliRunner().invoke(cli.main, ["run", "tiny"])


def test_an_unforeseen_error_is_a_sentence_and_a_file(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    result = fail(ZeroDivisionError("division\n by zero"), project, monkeypatch)
    assert result.exit_code == 4
    said = re.fullmatch(
        r"analysis: unforeseen error, ZeroDivisionError: division by zero\. Please report it as a "
        r"defect; its traceback is in (/\S+/analysis-error-\S+\.txt)\n",
        result.stderr,
    )
    assert said, result.stderr
    path = Path(said[1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "in broken\n    raise error\nZeroDivisionError: division\n by zero\n" in path.read_text()


def test_where_no_file_can_be_written_the_traceback_follows(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    result = fail(ValueError("odd"), project, monkeypatch)
    assert result.exit_code == 4
    assert "its traceback could not be written (No such file or directory):\n" in result.stderr
    assert result.stderr.endswith("ValueError: odd\n")


def test_ctrl_c_at_any_time_is_no_error(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    result = fail(KeyboardInterrupt(), project, monkeypatch)
    assert result.exit_code == 130
    assert result.stderr == "analysis: stopped by SIGINT; nothing was published\n"


def test_help_says_what_the_exit_codes_mean() -> None:
    said = CliRunner().invoke(cli.main, ["--help"]).stdout
    assert "4    an unforeseen error; the sentence names the file with its traceback" in said
    assert "1    some report failed and the others are published" in said


def shell(project: Project, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which ``$analysis`` is the command."""
    command = f"{sys.executable} -m analysis"
    return subprocess.run(
        ["bash", "-c", line.replace("$analysis", command)],
        cwd=project.root,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=SECONDS,
    )


def published(project: Project) -> bool:
    return project.reports.latest.exists()


def test_a_reader_who_stops_reading_does_not_end_a_run(project: Project) -> None:
    reader, writer = os.pipe()
    process = forked.Forked("run", "tiny", cwd=project.root, output=writer)
    os.close(writer)
    with open(reader, "rb", buffering=0) as stream:  # noqa: PTH123
        assert stream.readline() == b"Tiny shop, as of 2018-01-01\n"
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert published(project)


def test_closed_output_ends_nothing(project: Project) -> None:
    assert shell(project, "$analysis ingest tiny >&- 2>&-").returncode == 0
    assert project.journey.canonical.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_under_the_output_is_said(project: Project) -> None:
    said = shell(project, "$analysis ingest tiny > /dev/full")
    assert said.returncode == 1
    assert said.stderr == (
        b"analysis: its output could not be written (No space left on device), which stopped "
        b"nothing else\n"
    )
    assert project.journey.canonical.exists()


def test_a_title_that_the_terminal_cannot_show(project: Project) -> None:
    params = project.root / "params" / "tiny.yaml"
    params.write_text(params.read_text("utf-8").replace("Tiny shop", '"Café 店"'), "utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    said = shell(project, "$analysis run tiny", **ascii_only)
    assert (said.returncode, said.stderr) == (0, b"")
    assert said.stdout.startswith(rb"Caf\xe9 \u5e97, as of 2018-01-01")
    (page,) = project.reports.latest.resolve().glob("10_a.html")
    assert "Café 店" in page.read_text("utf-8")


def test_another_stream_in_the_place_of_standard_output_is_left_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sys.stdout
    with terminal.lasting_output() as lost:
        assert sys.stdout is before
        print("kept")
    assert lost.reason == ""
    assert capsys.readouterr().out == "kept\n"
