"""What the next promotion needs, from what this study's customers bought of late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from analysis.customers.features import features
from analysis.errors import NotApplicable
from analysis.promotions.outcomes import moments
from analysis.promotions.outcomes.moments import Moments
from analysis.promotions.planning import power
from analysis.promotions.planning.power import Design
from analysis.tables import lines as lines_module
from analysis.tables.engine import held
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from datetime import date

    from analysis.tables.engine import Tables
    from analysis.tables.periods import Period


def main_stores(tables: Tables, period: Period) -> ibis.Table:
    """Return the store with most of each customer's lines; of equals the first by name."""
    lines = lines_module.raw_lines_in(tables, period)
    lines = lines.filter(lines.customer_id.notnull())
    store = lines.store_id if "store_id" in lines.columns else ibis.null("string")
    counts = lines.select("customer_id", store=store).group_by("customer_id", "store")
    sized = counts.agg(lines=ibis._.count())
    best = ibis.window(group_by="customer_id", order_by=[ibis.desc(sized.lines), sized.store])
    ranked = sized.mutate(rank=ibis.row_number().over(best))
    return ranked.filter(ranked["rank"] == 0).select("customer_id", "store")


def of_people(tables: Tables, people: pd.DataFrame, period: Period) -> pd.Series:
    """Return the main store in ``period`` of each customer of ``people``, missing without one."""
    found = main_stores(tables, period).to_pandas()
    return people[["customer_id"]].merge(found, on="customer_id", how="left")["store"]


def spread(found: pd.DataFrame) -> pd.DataFrame:
    """Return store, n, mean and variance of margin, from the moments by store."""
    rows = [
        (
            row["store"],
            float(row["moments"].n),
            *(float(v) for v in row["moments"].figure("margin")),
        )
        for row in found.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=["store", "n", "mean", "variance"])


def resemblance(stores: pd.DataFrame) -> float:
    """Return the intra-cluster correlation by the analysis of variance, zero at least.

    ``stores`` has n, mean and variance. Donner and Koval (1980), Biometrics 36, 19-25.
    """
    n, mean = stores["n"].to_numpy(dtype=float), stores["mean"].to_numpy(dtype=float)
    total, groups = n.sum(), len(n)
    between = float(np.sum(n * (mean - np.sum(n * mean) / total) ** 2) / (groups - 1))
    within = float(np.sum((n - 1) * stores["variance"].to_numpy(dtype=float)) / (total - groups))
    typical = (total - np.sum(n**2) / total) / (groups - 1)
    whole = between + (typical - 1) * within
    return max(0.0, float((between - within) / whole)) if whole > 0 else 0.0


COVARIATES = ("before_margin", "before_orders", "before_net")
_LABELS = {
    "margin": "Margin per customer",
    "net": "Net sales per customer",
    "orders": "Orders per customer",
    "units": "Units per customer",
    "converted": "Customers who buy",
    "basket": "Net sales per order",
}
#: Shares of customers, which have their own test.
SHARES = ("converted",)


@dataclass(frozen=True, repr=False)
class Basis:
    """What plans rest on.

    Parameters
    ----------
    rows
        One row a customer who could take part, held in the engine: customer_id, store (missing
        where unknown), measures of the last weeks, covariates of the days before them.
    everybody
        Moments of all of them.
    stores
        store, n, mean and variance of margin a customer, by main store; empty without stores.
    window
        The weeks measured.
    """

    rows: ibis.Table
    everybody: Moments
    stores: pd.DataFrame
    window: Period


def basis(tables: Tables, *, as_of: date, weeks: int, before_days: int) -> Basis:
    """Return how customers bought of late who would take part if it had started then.

    Customers with a purchase in the ``before_days`` before the last ``weeks`` weeks; NotApplicable
    if there are none.
    """
    window = Period.before(as_of, days=7 * weeks)
    before = Period(window.start - timedelta(days=before_days), window.start)
    rows = held(_rows(tables, before, window))
    names = ["margin", "net", "orders", "units", "converted", *COVARIATES]
    found = moments.by_arm(rows.mutate(everybody=ibis.literal("all")), names, by=["everybody"])
    if found.empty:
        raise NotApplicable(f"Nobody bought anything in {before}, so nothing can be planned.")
    stores = moments.by_arm(rows.filter(rows.store.notnull()), ["margin"], by=["store"])
    return Basis(rows, found["moments"].iloc[0], spread(stores), window)


def _rows(tables: Tables, before: Period, window: Period) -> ibis.Table:
    """Return who could take part: what they bought before, and in the window."""
    known = features.compute(tables, before)
    known = known.filter(known.orders > 0).select(
        "customer_id",
        before_margin="margin_amount",
        before_orders="orders",
        before_net="net_amount",
    )
    later = features.compute(tables, window).select(
        "customer_id", "orders", "units", net="net_amount", margin="margin_amount"
    )
    rows = known.left_join(later, "customer_id").drop("customer_id_right")
    rows = rows.fill_null({"orders": 0, "units": 0.0, "net": 0.0, "margin": 0.0})
    rows = rows.mutate(converted=(rows.orders > 0).cast("int64"))
    stores = main_stores(tables, before)
    return rows.left_join(stores, "customer_id").drop("customer_id_right")


def explained(everybody: Moments, measure: str, covariates: Sequence[str] = COVARIATES) -> float:
    """Return the share of a measure's variance that the covariates explain (R squared)."""
    from analysis.promotions.experiments.adjustment import usable

    used = usable([everybody], covariates).used
    x, (y,) = everybody.at(used), everybody.at([measure])
    variance = float(everybody.covariance[y, y])
    if not used or variance <= 0:
        return 0.0
    slopes = np.linalg.solve(everybody.covariance[np.ix_(x, x)], everybody.covariance[x, y])
    return float(np.clip(everybody.covariance[y, x] @ slopes / variance, 0.0, 1.0))


def by_measure(found: Basis, *, worth_finding: float, design: Design | None = None) -> pd.DataFrame:
    """Return what a plan needs, by measure.

    Returns
    -------
    pandas.DataFrame
        measure, label, mean (of today), explained, needed and needed_adjusted (customers over
        both arms, plain and with covariates, to see a relative change of ``worth_finding``),
        available, smallest (relative change that all of them would show, adjusted), reason (why
        there is no number; empty otherwise). Shares are planned for a rise, by the exact power of
        their own test, which covariates do not help; a share that cannot rise so far has no
        number. A measure that is the same for everybody has no plan and is left out.
    """
    design = design or Design()
    arm = _with_basket(found.everybody)
    rows = []
    for key in _LABELS:
        if key not in arm.names:
            continue
        mean, variance = (float(v) for v in arm.figure(key))
        # What is linearised, and the same for everybody, varies by rounding.
        if mean == 0 or variance <= 1e-12 * mean**2:
            continue
        planned = _share_plan if key in SHARES else _mean_plan
        rows.append({"measure": key, "label": _LABELS[key], "mean": mean, "available": int(arm.n)})
        rows[-1] |= planned(arm, key, worth_finding, design)
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = ["measure", "label", "mean", "explained", "needed", "needed_adjusted", "available"]
_COLUMNS += ["smallest", "reason"]


def _mean_plan(arm: Moments, key: str, worth_finding: float, design: Design) -> dict[str, Any]:
    mean, variance = (float(v) for v in arm.figure(key))
    share = explained(arm, key)
    adjusted = replace(design, explained=share)
    needed, with_past = (
        power.customers_needed(worth_finding * abs(mean), variance, d) for d in (design, adjusted)
    )
    smallest = power.smallest_difference(float(arm.n), variance, adjusted) / abs(mean)
    found = {"explained": share, "needed": needed, "needed_adjusted": with_past}
    return found | {"smallest": smallest, "reason": ""}


def _share_plan(arm: Moments, key: str, worth_finding: float, design: Design) -> dict[str, Any]:
    share = float(arm.figure(key)[0])
    risen = share * (1 + worth_finding)
    smallest = power.smallest_rise(float(arm.n), share, design) / share
    if risen >= 1:
        why = f"{100 * share:.0f} % do so already: a rise of {100 * worth_finding:.0f} % cannot be"
        none = {"needed": np.nan, "needed_adjusted": np.nan}
        return {"explained": np.nan, **none, "smallest": smallest, "reason": why}
    needed = power.customers_for_share(share, risen, design)
    both = {"needed": needed, "needed_adjusted": needed}
    return {"explained": np.nan, **both, "smallest": smallest, "reason": ""}


def _with_basket(arm: Moments) -> Moments:
    """Add net sales an order, linearised, where there are orders."""
    orders = float(arm.figure("orders")[0])
    if orders <= 0:
        return arm
    ratio = float(arm.figure("net")[0]) / orders
    found = arm.weighted("basket", {"net": 1 / orders, "orders": -ratio / orders})
    mean = found.mean.copy()
    mean[-1] = ratio
    return Moments(found.names, found.n, mean, found.covariance)


def by_design(
    found: Basis, *, measure: str, worth_finding: float, share: float, design: Design
) -> pd.DataFrame:
    """Return what a plan needs for one measure, by how the promotion is drawn.

    Parameters
    ----------
    found
        The basis.
    measure
        Measure that is to decide.
    worth_finding
        Smallest relative change to be seen, or the harm to be ruled out.
    share
        Share of the customers treated, for the unequal design.
    design
        Chances of error; its arms are replaced.

    Returns
    -------
    pandas.DataFrame
        design, needed, available, enough, smallest (relative change that all customers would
        show), reason (why there is no number; empty otherwise).
    """
    mean, variance = (float(v) for v in found.everybody.figure(measure))
    if mean == 0 or variance == 0:
        raise NotApplicable(f"The measure {measure} is the same for every customer.")
    base = replace(design, explained=explained(found.everybody, measure))
    third = 0.25
    unequal = {f"{100 * share:.0f} % are treated": replace(base, treated=(share,))}
    designs = {
        "Half are treated": base,
        **({} if share == 0.5 else unequal),
        "Three offers and a control": replace(base, treated=(third,) * 3),
        "Only rule out harm": replace(base, no_worse=True),
    }
    rows = [
        _planned(name, chosen, worth_finding * abs(mean), variance, found.everybody)
        for name, chosen in designs.items()
    ]
    rows.append(_by_stores(found, base, worth_finding * abs(mean), variance))
    table = pd.DataFrame(rows)
    return table.assign(smallest=table["smallest"] / abs(mean))


def _planned(
    name: str, design: Design, change: float, variance: float, everybody: Moments
) -> dict[str, Any]:
    needed = power.customers_needed(change, variance, design)
    n = int(everybody.n)
    return {
        "design": name,
        "needed": needed,
        "available": n,
        "enough": needed <= n,
        "smallest": power.smallest_difference(n, variance, design),
        "reason": "",
    }


def _by_stores(found: Basis, base: Design, change: float, variance: float) -> dict[str, Any]:
    """Plan with whole stores as what is drawn, allowing for customers of a store being alike."""
    from analysis.stats.sizes import FEWEST_CLUSTERS_DRAWN

    name, stores = "Whole stores are treated", found.stores
    if len(stores) < FEWEST_CLUSTERS_DRAWN:
        why = f"{len(stores)} stores are too few to randomise; it takes {FEWEST_CLUSTERS_DRAWN}"
        empty = {"needed": np.nan, "smallest": np.nan, "enough": False}
        return {"design": name, "available": int(found.everybody.n), **empty, "reason": why}
    size = float((stores["n"] ** 2).sum() / stores["n"].sum())  # what a customer's store has
    alike = resemblance(stores)
    chosen = replace(base, cluster_size=size, resemblance=alike)
    return _planned(name, chosen, change, variance, found.everybody)


def curve(found: Basis, *, measure: str, design: Design, points: int = 40) -> pd.DataFrame:
    """Return the smallest relative change seen by customers taking part.

    Returns
    -------
    pandas.DataFrame
        customers (from a twentieth of those there are to half as many again), plain, adjusted.
    """
    mean, variance = (float(v) for v in found.everybody.figure(measure))
    if mean == 0:
        raise NotApplicable(f"The measure {measure} is zero for every customer.")
    n = float(found.everybody.n)
    customers = np.unique(np.linspace(max(n / 20, 10), 1.5 * n, points).round())
    adjusted = replace(design, explained=explained(found.everybody, measure))
    seen = {
        name: [power.smallest_difference(c, variance, chosen) / abs(mean) for c in customers]
        for name, chosen in (("plain", design), ("adjusted", adjusted))
    }
    return pd.DataFrame({"customers": customers, **seen})


def candidates(found: Basis, *, groups: int) -> pd.DataFrame:
    """Return who could take part, sorted by customer_id, in ``groups`` by their past margin."""
    rows = found.rows.select("customer_id", *COVARIATES).order_by("customer_id").to_pandas()
    rank = rows["before_margin"].rank(method="first")
    group = np.ceil(rank * groups / max(len(rows), 1)).astype("int64")
    return rows.assign(group=group)
