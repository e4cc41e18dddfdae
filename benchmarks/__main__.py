"""Run benchmarks by name, or all of them: ``python -m benchmarks [NAME ...]``.

Each module here but this one has a ``main()`` that measures and prints a Markdown table.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks


def names() -> list[str]:
    """Return the benchmarks there are."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in found if name not in ("__main__", "measuring", "racing"))


def main(wanted: list[str]) -> int:
    """Run the benchmarks asked for; 2 if a name is unknown."""
    unknown = set(wanted) - set(names())
    if unknown:
        print(f"No such benchmark: {min(unknown)}; there are {', '.join(names())}")
        return 2
    for name in wanted or names():
        print(f"\n## {name}\n", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
