"""The schedule examples, tested as far as a file can be."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from analysis import cli
from tests.projects import SECONDS, Project
from tests.tiny import Journey

REPOSITORY = Path(__file__).parent.parent
SCHEDULE = REPOSITORY / "schedule"
PLACE = "/opt/retail-analysis"


def cron_line() -> str:
    lines = (SCHEDULE / "retail-reports.cron").read_text().splitlines()
    found = [line for line in lines if line and not line.startswith("#")]
    assert len(found) == 1
    return found[0]


def command_of(line: str) -> str:
    """Return what a crontab line runs, its five time fields checked."""
    fields = re.fullmatch(r"(\S+) (\S+) (\S+) (\S+) (\S+) (.+)", line)
    assert fields is not None
    limits = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    for field, (low, high) in zip(fields.groups(), limits, strict=False):
        assert field == "*" or low <= int(field) <= high
    assert "%" not in fields[6], "cron reads it as a line break"
    return fields[6]


def unit(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((SCHEDULE / name).read_text())
    return parser


def options_of(command: str) -> dict[str, object]:
    """Return what the command line understands of ``analysis ...``; it refuses what is wrong."""
    name, *arguments = command.split()
    found = cli.main.commands[name]
    return found.make_context(name, arguments, parent=click.Context(cli.main)).params


def as_cron(command: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Run a crontab command as cron does: by sh, almost without an environment."""
    bare = {"HOME": str(project), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    return subprocess.run(
        ["/bin/sh", "-c", command.replace(PLACE, str(project)).replace("complete_journey", "tiny")],
        cwd="/",
        env=bare,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def test_cron_publishes_in_silence_and_mails_what_failed(journey: Journey) -> None:
    project = Project(journey)
    project.add("10_a", "x = 1")
    scripts = project.root / ".venv" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "analysis").symlink_to(Path(sys.executable).with_name("analysis"))
    command = command_of(cron_line())

    done = as_cron(command, project.root)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert project.reports.latest.exists()

    mailed = as_cron(command.replace("complete_journey", "nowhere"), project.root)
    assert "There is no nowhere.yaml in params/; studies there: tiny" in mailed.stdout


def test_the_service_runs_a_command_that_exists() -> None:
    service = unit("retail-reports.service")["Service"]
    program, _, arguments = service["ExecStart"].partition(" ")
    assert program == f"{service['WorkingDirectory']}/.venv/bin/analysis"
    assert options_of(arguments)["study"] == "complete_journey"
    assert (REPOSITORY / "params" / "complete_journey.yaml").is_file()
    assert service["KillMode"] == "mixed", "the runner must clean up before all is killed"
    writable = service["ReadWritePaths"].split()
    assert writable == [f"{PLACE}/reports", f"{PLACE}/data"]


def test_the_watch_looks_every_quarter_of_an_hour_and_runs_what_is_new() -> None:
    service = unit("retail-watch.service")["Service"]
    program, _, arguments = service["ExecStart"].partition(" ")
    assert program == f"{service['WorkingDirectory']}/.venv/bin/analysis"
    options = options_of(arguments)
    assert (options["study"], options["only"], options["changed"]) == (
        "complete_journey", ("06",), True,
    )  # fmt: skip
    assert service["TimeoutStartSec"] == "14min", "it ends before it begins again"
    assert unit("retail-watch.timer")["Timer"]["OnCalendar"].endswith(":00/15:00")


def test_the_timer_starts_the_service_of_its_name() -> None:
    assert (SCHEDULE / "retail-reports.service").is_file()
    timer = unit("retail-reports.timer")
    assert timer["Timer"]["OnCalendar"] == "Mon *-*-* 06:00:00"
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """With the paths and the user of this machine, systemd finds nothing to complain about."""
    for name in (
        *("retail-reports.service", "retail-reports.timer"),
        *("retail-watch.service", "retail-watch.timer"),
    ):
        text = (SCHEDULE / name).read_text()
        text = text.replace("User=analysis", "User=root")
        program = Path(sys.executable).with_name("analysis")
        text = text.replace(f"{PLACE}/.venv/bin/analysis", str(program))
        (tmp_path / name).write_text(text.replace(PLACE, str(REPOSITORY)))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(map(str, tmp_path.iterdir()))],
        capture_output=True,
        text=True,
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    calendar = unit("retail-reports.timer")["Timer"]["OnCalendar"]
    weekly = subprocess.run(
        ["systemd-analyze", "calendar", calendar], capture_output=True, text=True
    )
    assert weekly.returncode == 0
