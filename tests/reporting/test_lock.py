"""One run of a study at a time, and no lock that outlives its holder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.reporting.store.atomic import LockedError, hold

NOW = datetime(2026, 11, 21, 6, 0, 0, tzinfo=UTC)

HOLDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from analysis.reporting.store.atomic import hold
with hold(Path(sys.argv[1]), purpose="run of tiny", now=datetime(2026, 11, 21, 5, tzinfo=UTC)):
    print("held", flush=True)
    time.sleep(36000)
"""


def test_a_second_holder_is_refused_with_who_and_since_when(tmp_path: Path) -> None:
    lock = tmp_path / "reports" / "tiny" / ".lock"
    with (
        hold(lock, purpose="run of tiny", now=NOW),
        pytest.raises(LockedError) as refusal,
        hold(lock, purpose="ingest of tiny", now=NOW),
    ):
        pass
    assert str(refusal.value) == (
        f"Cannot start the ingest of tiny: run of tiny (process {os.getpid()}) has been going on "
        "since 2026-11-21 06:00:00 UTC. Wait for it to end, or stop it, and try again"
    )
    assert refusal.value.exit_code == 1


def test_it_is_free_after_use_and_after_an_error(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with pytest.raises(ZeroDivisionError), hold(lock, purpose="run", now=NOW):
        raise ZeroDivisionError
    with hold(lock, purpose="run", now=NOW):
        pass


def test_a_lock_left_by_a_killed_run_stops_nobody(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(LockedError, match=f"process {holder.pid}.* since 2026-11-21 05:00:00"),
            hold(lock, purpose="run of tiny", now=NOW),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with hold(lock, purpose="run of tiny", now=NOW):
        assert f'"pid": {os.getpid()}' in lock.read_text()


def test_a_lock_that_is_being_written_is_refused_all_the_same(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with hold(lock, purpose="run", now=NOW):
        lock.write_text('{"pid"')
        with (
            pytest.raises(LockedError, match="another one has just started"),
            hold(lock, purpose="run of tiny", now=NOW),
        ):
            pass
