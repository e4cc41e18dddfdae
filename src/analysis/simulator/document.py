"""The page about the simulated shop, printed from the code that plants its truths.

``python -m analysis.simulator.document data/SIMULATED.md`` writes it; both studies must be
ingested, for the page compares their marginals.

Marginals say how concentrated a shop's sales are, how large, how often, how popular.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import ibis
import numpy as np

from analysis.simulator import truth
from analysis.simulator.people.population import GROUPS
from analysis.simulator.selling.promotion_plan import TRIALS
from analysis.simulator.shop import Shop
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth import about_promotions
from analysis.simulator.truth.planted import Planted
from analysis.tables.engine import Tables, open_study
from analysis.tables.lines import in_period
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


def comparison(real: Marginals, shop: Marginals) -> str:
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
            m[sold if topic == "range" else topic]
            for m, sold in ((shop, "products"), (real, "categories"))  # what the range is of
        )
        rows.append((f"**{title}**", "", ""))
        rows += [(name, _said(theirs[name]), _said(ours[name])) for name in ours]
    return _table(("", "Complete Journey", "demo shop"), rows)


def _said(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main(arguments: list[str]) -> int:
    """Write the page to the path given."""
    found: dict[str, Any] = {}
    for study, end in (("complete_journey", "2018-01-01"), ("demo_shop", "2025-12-29")):
        tables = open_study(study)
        found[study] = marginals(tables, Period.before(end, days=365))
        tables.close()
    both = comparison(found["complete_journey"], found["demo_shop"])
    words = files("analysis.simulator").joinpath("MARGINALS.md.template").read_text("utf-8")
    text = page() + "\n" + MARGINALS + "\n\n" + words.format(comparison=both)
    Path(arguments[0]).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

QUANTILES = (0.10, 0.25, 0.50, 0.75, 0.90, 0.99)
TOPS = (0.01, 0.05, 0.10, 0.20, 0.50)

Marginals = dict[str, dict[str, float]]


def marginals(tables: Tables, period: Period) -> Marginals:
    """Return the marginals of a study's sales in ``period``.

    Parameters
    ----------
    tables
        A study's tables; needs order_lines and products.
    period
        The days looked at.

    Returns
    -------
    dict
        Topic to measure to value. Topics: ``spend`` (share of net by the largest share of
        customers), ``products`` and ``categories`` (the same of products and categories),
        ``lines``, ``value`` and ``gap`` (quantiles over the median of lines an order, net an
        order, and days between a customer's orders), ``level`` (medians and rates).
    """
    lines = in_period(tables.order_lines, period)
    bought = lines.filter(lines.quantity >= 0).mutate(
        net=lambda rows: rows.net_amount.cast("float64")
    )
    known = bought.filter(bought.customer_id.notnull())
    orders = _orders(bought).cache()
    gaps = _gaps(_orders(known)).cache()
    hierarchy = tables.products.select("product_id", "category")
    sold = bought.inner_join(hierarchy, "product_id")
    sold = sold.filter(sold.category.notnull())
    return {
        "spend": _shares(known.group_by("customer_id").agg(net=known.net.sum())),
        "categories": _shares(sold.group_by("category").agg(net=sold.net.sum())),
        "products": _shares(bought.group_by("product_id").agg(net=bought.net.sum())),
        "lines": _spread(orders, orders.lines),
        "value": _spread(orders.filter(orders.net > 0), lambda rows: rows.net),
        "gap": _spread(gaps.filter(gaps.gap > 0), lambda rows: rows.gap),
        "level": _levels(tables, lines, orders, gaps),
    }


def _orders(lines: ibis.Table) -> ibis.Table:
    return lines.group_by("order_id").agg(
        customer_id=lines.customer_id.min(),
        moment=lines.ordered_at.min(),
        lines=lines.count().cast("float64"),
        net=lines.net.sum(),
    )


def _gaps(orders: ibis.Table) -> ibis.Table:
    """Return days from each order of a customer to the next."""
    by_customer = ibis.window(group_by="customer_id", order_by=["moment", "order_id"])
    seconds = orders.moment.epoch_seconds()
    gap = (seconds - seconds.lag().over(by_customer)).cast("float64") / 86_400
    found = orders.select(gap=gap)
    return found.filter(found.gap.notnull())


def _shares(totals: ibis.Table) -> dict[str, float]:
    """Return the share of the total that the largest share of the rows brings."""
    net = np.sort(totals.net.to_pandas().to_numpy(float))[::-1]
    reached = np.cumsum(net) / net.sum()
    return {f"top {100 * top:g} %": float(reached[_place(top, net)]) for top in TOPS}


def _place(top: float, values: np.ndarray) -> int:
    return max(1, round(top * len(values))) - 1


def _spread(
    rows: ibis.Table, value: ibis.Value | Callable[[ibis.Table], ibis.Value]
) -> dict[str, float]:
    column = value(rows) if callable(value) else value
    found = rows.agg(
        **{f"q{i}": column.quantile(q) for i, q in enumerate(QUANTILES)}, mean=column.mean()
    )
    row = found.to_pandas().iloc[0]
    middle = row[f"q{QUANTILES.index(0.5)}"]
    quantiles = {
        f"{100 * q:g} % quantile": float(row[f"q{i}"] / middle) for i, q in enumerate(QUANTILES)
    }
    return {**quantiles, "mean": float(row["mean"] / middle)}


def _levels(
    tables: Tables, lines: ibis.Table, orders: ibis.Table, gaps: ibis.Table
) -> dict[str, float]:
    customers = lines.customer_id.nunique().to_pandas()
    known = orders.customer_id.notnull().cast("float64").sum()
    row = (
        orders.agg(
            orders=known,
            lines=orders.lines.median(),
            net=orders.net.median(),
            weekend=(orders.moment.day_of_week.index() >= 5).cast("float64").mean(),
            evening=(orders.moment.hour() >= 17).cast("float64").mean(),
        )
        .to_pandas()
        .iloc[0]
    )
    listed = (
        lines.agg(
            discount=lines.discount_amount.cast("float64").sum()
            / lines.list_amount.cast("float64").sum(),
            reduced=(lines.discount_amount > 0).cast("float64").mean(),
            returned=(lines.quantity < 0).cast("float64").mean(),
            guests=lines.customer_id.isnull().cast("float64").mean(),
        )
        .to_pandas()
        .iloc[0]
    )
    return {
        "customers who bought": float(customers),
        "products": float(tables.products.count().to_pandas()),
        "orders a customer": float(row["orders"] / customers),
        "lines an order, median": float(row["lines"]),
        "net an order, median": float(row["net"]),
        "days between orders, median": float(gaps.gap.median().to_pandas()),
        "orders on Saturday and Sunday": float(row["weekend"]),
        "orders from 17:00 on": float(row["evening"]),
        "discount over list": float(listed["discount"]),
        "lines with a discount": float(listed["reduced"]),
        "lines returned": float(listed["returned"]),
        "lines of guests": float(listed["guests"]),
    }
