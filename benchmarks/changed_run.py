"""What a look for news costs, and a run of one new day, beside a full run.

    python -m benchmarks.changed_run demo_shop

CPU seconds of the command and of everything it starts. The day before ``as_of`` is run first, so
that the reports then see one new day.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from datetime import timedelta

from analysis import params

WATCHED = ("--only", "06", "--changed", "--jobs", "1")


def cpu_of(*words: str) -> float:
    """Return the CPU seconds that an `analysis` command takes with all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "analysis", *words], check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(study: str) -> None:
    """Print what each kind of run takes."""
    as_of = params.load(study).as_of
    yesterday = f"as_of={as_of - timedelta(days=1)}"
    full = cpu_of("run", study, "--jobs", "1", "--set", yesterday)
    one_day = cpu_of("run", study, *WATCHED)
    nothing = cpu_of("run", study, *WATCHED)
    for name, seconds in (("full run", full), ("one new day", one_day), ("nothing new", nothing)):
        print(f"{name:<12} {seconds:8.1f} CPU s  {seconds / full:6.1%}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo_shop")
