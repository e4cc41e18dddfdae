"""The types are right: checked among the tests, so that no core waits for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


def test_the_types_of_the_package_are_right() -> None:
    """As ``make lint`` asks, with the settings in ``pyproject.toml``."""
    words = [sys.executable, "-m", "mypy", "--no-error-summary"]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
