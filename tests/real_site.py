"""The reports of both studies, run once by the command a user runs, for all tests to look at."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
STUDY = "complete_journey"


def analysis(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the `analysis` command in the project ``root``."""
    command = [sys.executable, "-m", "analysis", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Site:
    """The folder of the published run, or None and what the command said."""

    run: Path | None
    said: str = ""


def built(root: Path, *words: str, study: str = STUDY, ingested: Path | None = None) -> Site:
    """Return a run of a study's reports with these words of the command.

    Whoever comes first runs it; the others wait and take it as it is, a failure too. Where another
    root has the tables, ``ingested``, the run finds them, as it finds those of the run before.
    """
    root.mkdir(parents=True, exist_ok=True)
    latest, failure = root / "reports" / study / "latest", root / "failure"
    with (root / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if not latest.exists() and not failure.exists():
            for folder in ("notebooks", "params", "decisions"):
                shutil.copytree(REPOSITORY / folder, root / folder)
            if ingested:
                tables = Path("data", "canonical", study)
                shutil.copytree(ingested / tables, root / tables, symlinks=True)
            done = analysis(root, "run", study, *words)
            if done.returncode != 0:
                failure.write_text(done.stdout + done.stderr)
    return Site(None, failure.read_text()) if failure.exists() else Site(latest.resolve())
