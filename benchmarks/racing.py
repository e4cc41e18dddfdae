"""Several programs that find the same, one after the other, and what each of them cost."""

from __future__ import annotations

import importlib.util
import json
import re

from benchmarks.measuring import Cost, python, table

#: Printed by a contestant between its imports and its work.
STARTED = """
import resource
print("\\nstarted", sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), flush=True)
"""

#: Printed by a contestant whose work is done by the Java machine it started.
CHILD = """
import os
pid = spark.sparkContext._gateway.proc.pid
ticks = sum(map(int, open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[11:13]))
peak = [line for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM")]
print("\\nchild", ticks / os.sysconf("SC_CLK_TCK"), int(peak[0].split()[1]) / 1024)
"""

#: What a contestant needs that the project does not bring.
MODULES = {
    "efficient-apriori": "efficient_apriori",
    "prefixspan": "prefixspan",
    "lifetimes": "lifetimes",
}


def race(title: str, contestants: dict[str, str], facts: dict[str, object]) -> None:
    """Run programs that print ``found`` and a value, compare the values, print what they cost.

    Parameters
    ----------
    title
        What is found.
    contestants
        Code by name, the first being ours; ``{started}`` stands where the work begins.
    facts
        What else the code is formatted with.
    """
    costs: dict[str, Cost] = {}
    for name, code in contestants.items():
        module = MODULES.get(name)
        if module and importlib.util.find_spec(module) is None:
            print(f"{name} is not installed: left out")
            continue
        costs[name] = python(code.format(**facts, started=STARTED, child=CHILD))
    # DuckDB may show its progress before it.
    found = {n: json.loads(re.split("found (.*)", c.output)[1]) for n, c in costs.items()}
    if len({json.dumps(r) for r in found.values()}) > 1:
        print(f"{title}: results differ: {found}")
    rows, ours = [], None
    for name, cost in costs.items():
        whole, start, peak = _processor(cost)
        ours = ours or (whole, whole - start)
        ratios = (f"{whole / ours[0]:.1f}", f"{(whole - start) / ours[1]:.1f}")
        measured = (f"{cost.seconds:.1f}", f"{whole:.1f}", f"{start:.1f}", f"{peak:,.0f}")
        rows.append((name, *measured, *ratios, str(found[name])))
    header = (
        "seconds",
        "processor s",
        "to start",
        "peak MB",
        "times ours",
        "without start",
        "found",
    )
    table((title, *header), rows)
    print()


def _processor(cost: Cost) -> tuple[float, float, float]:
    """Return processor seconds in all and to start, and the peak in MB."""
    start = float(re.split(r"started (\S+)", cost.output)[1])
    if child := re.search(r"child (\S+) (\S+)", cost.output):
        # Started together, not told apart: what the Java machine took counts as work.
        seconds, peak = map(float, child.groups())
        return cost.cpu_seconds + seconds, start, cost.peak_mb + peak
    return cost.cpu_seconds, start, cost.peak_mb
