"""The real data set's reports, run once by the command a user runs, for all tests to look at."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
STUDY = "complete_journey"


def analysis(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the `analysis` command in the project ``root``."""
    command = [sys.executable, "-m", "analysis", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def published(root: Path) -> Path:
    """Return the folder of a run of every report on the real data, without displays and mailers.

    Whoever comes first runs it; the others wait and take it as it is.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        latest = root / "reports" / STUDY / "latest"
        if not latest.exists():
            for folder in ("notebooks", "params"):
                shutil.copytree(REPOSITORY / folder, root / folder)
            done = analysis(root, "run", STUDY, "--jobs", "2", "--set", "source.placements=false")
            assert done.returncode == 0, done.stdout + done.stderr
        return latest.resolve()
