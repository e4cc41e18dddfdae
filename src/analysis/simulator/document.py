"""The page about the simulated shop, printed from the code that plants its truths.

``python -m analysis.simulator.document data/SIMULATED.md`` writes it; both studies must be
ingested, for the page compares their marginals.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from analysis.simulator import marginals, truth
from analysis.simulator.people.population import GROUPS
from analysis.simulator.selling.promotion_plan import TRIALS
from analysis.simulator.shop import Shop
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth import about_promotions
from analysis.simulator.truth.planted import Planted
from analysis.tables.engine import open_study
from analysis.tables.periods import Period

#: Where the generated comparison begins; all before it depends on the code alone.
MARGINALS = "## Does it look like retail?"

#: Measures of a promotion's effect that the page shows.
_SHOWN = ("units", "net", "margin", "margin_after")

_GROUP_WORDS = {
    "main": "BG/NBD order times, Gamma-Gamma order values; join during the history; no returns",
    "club": "Poisson at a rate of their own, for good; the promotions T1 to T8 are tried on them",
    "weekly": "a fixed order each week: Erlang gaps",
    "monthly": "a fixed order each month: Erlang gaps",
    "big_ticket": "rare orders with televisions and other large items; audio systems follow",
    "discount": "nearly all at a discount; stay away while there is none",
    "growing": "Poisson, the rate rises for good in the last half-year",
    "declining": "Poisson, the rate falls for good in the last half-year",
    "lapsed": "Poisson until they fall silent; some come back, more with the offer W1",
}


def page() -> str:
    """Return the page up to the comparison of marginals."""
    plan = Plan.of(Shop())
    planted = truth.truths(plan, Counter(), np.empty(0, np.int64))
    template = files("analysis.simulator").joinpath("SIMULATED.md.template")
    return template.read_text("utf-8").format(
        settings=_settings(),
        groups=_groups(),
        planted=_planted(planted),
        promotions=_promotions(plan),
    )


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _settings() -> str:
    """Return the settings with their defaults; what they mean stands in ``Shop``'s docstring."""
    words = _parameters(Shop.__doc__ or "")
    rows = [(f"`{f.name}`", f"{f.default}", words[f.name]) for f in fields(Shop)]
    return _table(("setting", "default", "meaning"), rows)


def _parameters(docstring: str) -> dict[str, str]:
    """Return the parameters of a NumPy docstring and what is said about each."""
    words: dict[str, str] = {}
    name = ""
    for line in docstring.partition("----------\n")[2].splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            name = line.strip()
            words[name] = ""
        elif name:
            words[name] = f"{words[name]} {line.strip()}".strip()
    return words


def _groups() -> str:
    rows = [(name, f"{share:.1%}", _GROUP_WORDS[name]) for name, share in GROUPS.items()]
    return _table(("group", "customers", "how they buy"), rows)


def _planted(planted: dict[str, Planted]) -> str:
    rows = [
        (f"`{key}`", fact.what, _values(fact), fact.report)
        for key, fact in planted.items()
        if key not in about_promotions.WHAT
    ]
    return _table(("key", "what is planted", "value to recover", "report"), rows)


def _values(fact: Planted) -> str:
    flat = {k: v for k, v in fact.superpopulation.items() if isinstance(v, (int, float))}
    return ", ".join(f"{name} {value:.4g}" for name, value in flat.items()) or "in truth.json"


def _promotions(plan: Plan) -> str:
    rows = []
    for trial in TRIALS:
        for arm in trial.arms[1:]:
            effect = about_promotions.expected(plan, trial, arm)
            rows.append(
                (
                    trial.key,
                    about_promotions.WHAT[trial.key],
                    plan.calendar.date_of(7 * trial.week).isoformat(),
                    arm.name,
                    *(f"{effect[measure]:+.3f}" for measure in _SHOWN),
                )
            )
    header = ("key", "what it is", "from", "arm", "units", "net", "margin", "with weeks after")
    return _table(header, rows)


def comparison(real: marginals.Marginals, shop: marginals.Marginals) -> str:
    """Return the two columns of marginals, topic by topic."""
    titles = {
        "spend": "share of net that the largest customers bring",
        "lines": "lines an order, over the median",
        "value": "net an order, over the median",
        "gap": "days between a customer's orders, over the median",
        "range": "share of net that the best sellers bring",
        "level": "levels",
    }
    rows = []
    for topic, title in titles.items():
        ours, theirs = (
            _topic(m, topic, sold) for m, sold in ((shop, "products"), (real, "categories"))
        )
        rows.append((f"**{title}**", "", ""))
        rows += [(name, _said(theirs[name]), _said(ours[name])) for name in ours]
    return _table(("", "Complete Journey", "demo shop"), rows)


def _topic(found: marginals.Marginals, topic: str, sold: str) -> dict[str, float]:
    """Return a topic; the range is products of the shop and categories of the real data set."""
    return found[sold if topic == "range" else topic]


def _said(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main(arguments: list[str]) -> int:
    """Write the page to the path given."""
    found: dict[str, Any] = {}
    for study, end in (("complete_journey", "2018-01-01"), ("demo_shop", "2025-12-29")):
        tables = open_study(study)
        found[study] = marginals.marginals(tables, Period.before(end, days=365))
        tables.close()
    both = comparison(found["complete_journey"], found["demo_shop"])
    words = files("analysis.simulator").joinpath("MARGINALS.md.template").read_text("utf-8")
    text = page() + "\n" + MARGINALS + "\n\n" + words.format(comparison=both)
    Path(arguments[0]).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
