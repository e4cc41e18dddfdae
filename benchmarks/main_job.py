"""What a newcomer waits for: `make reports` in a fresh clone, step by step."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.measuring import REPOSITORY, command, table


def main() -> None:
    """Print the wall time of set-up, ingest and the reports of the real data set."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        command("git", "clone", "-q", str(REPOSITORY), str(clone))
        analysis = str(clone / ".venv" / "bin" / "analysis")
        setup = command("make", "setup", cwd=clone)
        ingest = command(analysis, "ingest", "complete_journey", cwd=clone)
        run = command(analysis, "run", "complete_journey", "--jobs", "2", cwd=clone)
        again = command(analysis, "run", "complete_journey", "--jobs", "2", cwd=clone)
        shutil.rmtree(clone)
    steps = {
        "set-up: environment from the lock": setup,
        "ingest, displays and mailers included": ingest,
        "reports, two at a time": run,
        "the same once more, nothing changed": again,
    }
    table(
        ("step", "seconds"),
        [
            *((name, f"{cost.seconds:.1f}") for name, cost in steps.items()),
            ("all of `make reports`", f"{sum(c.seconds for c in (setup, ingest, run)):.1f}"),
        ],
    )
