"""Slow and failing pages, and how sessions that met them went on, compared like with like.

Who meets a slow page is not randomised: the comparison is between sessions whose first view of
the same page, on the same kind of device, was slow or not, and still only an association.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import pandas as pd

from analysis.engagement.web.clickstream import Clickstream
from analysis.engagement.web.session_summary import named_pages
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values
from analysis.stats.proportions import common_difference
from analysis.stats.sizes import FEWEST_OF_A_SIDE

FAULTS = ("slow", "failing")
#: Status of a page that failed or was not found.
_FAILED = 400


@dataclass(frozen=True)
class PageFaults:
    """Slow and failing pages.

    Parameters
    ----------
    pages
        One page a row: page, views, timed, median_ms, p95_ms, slow (share), failing (share).
    costs
        One fault of a page a row: fault, page, met (sessions whose first view of it met it), others
        (whose first view did not), with_fault and without (shares that ordered), difference with
        low, high (within devices), q, orders (fewer than expected, difference x sessions), amount
        (of them).
    slow_ms
        Milliseconds from which a page is slow.
    order_value
        Mean net amount of the period's orders made on the web; NaN where unknown.
    """

    pages: pd.DataFrame
    costs: pd.DataFrame
    slow_ms: int
    order_value: float


def page_faults(web: Clickstream, *, slow_ms: int = 3_000, confidence: float = 0.95) -> PageFaults:
    """Return slow and failing pages and how sessions that met them went on.

    Raises
    ------
    NotApplicable
        If page_views tells neither loading times nor status.
    """
    if not web.has("load_ms") and not web.has("status"):
        raise NotApplicable(
            "Slow and failing pages are not known: page_views has neither load_ms nor status."
        )
    views = _with_faults(named_pages(web), slow_ms)
    value = _order_value(web)
    costs = _costs(web, views, confidence)
    costs["orders"] = -costs["difference"] * costs["met"]
    costs["amount"] = costs["orders"] * value
    return PageFaults(_pages(views), costs, slow_ms, value)


def _with_faults(views: ibis.Table, slow_ms: int) -> ibis.Table:
    none = ibis.null("boolean")
    slow = views.load_ms >= slow_ms if "load_ms" in views.columns else none
    failing = views.status >= _FAILED if "status" in views.columns else none
    load = views.load_ms if "load_ms" in views.columns else ibis.null("float64")
    return views.mutate(slow=slow, failing=failing, load=load)


def _pages(views: ibis.Table) -> pd.DataFrame:
    table = (
        views.group_by("page")
        .aggregate(
            views=views.count(),
            timed=views.load.count(),
            median_ms=views.load.quantile(0.5),
            p95_ms=views.load.quantile(0.95),
            slow=views.slow.cast("float64").mean(),
            failing=views.failing.cast("float64").mean(),
        )
        .execute()
    )
    return table.sort_values(["views", "page"], ascending=[False, True], ignore_index=True)


def _costs(web: Clickstream, views: ibis.Table, confidence: float) -> pd.DataFrame:
    sessions = web.sessions
    device = sessions.device.fill_null("") if web.has("device") else ibis.literal("")
    ends = sessions.select(who_="who", no_="session_no", device_=device, bought="step_5")
    met = _first_views(views.filter(views.step < 5))
    joined = met.inner_join(ends, [met.who == ends.who_, met.session_no == ends.no_])
    parts = []
    for fault in FAULTS:
        known = joined.filter(joined[fault].notnull())
        counted = known.group_by("page", "device_", fault).aggregate(
            n=known.count(), bought=known.bought.sum()
        )
        parts.append(_compared(counted.execute(), fault, confidence))
    table = pd.concat(parts, ignore_index=True)
    table["q"] = q_values(table["p"])
    return table.drop(columns="p").sort_values("difference", ignore_index=True)


def _first_views(views: ibis.Table) -> ibis.Table:
    """Return the first view of each page in each session.

    Who looks at a page often is likelier to meet a fault, and to order: only the first view gives
    everybody the same chance of one.
    """
    window = ibis.window(
        group_by=["who", "session_no", "page"], order_by=["viewed_at", "step", "slow", "failing"]
    )
    placed = views.select("who", "session_no", "page", "viewed_at", "step", "slow", "failing")
    placed = placed.mutate(place=ibis.row_number().over(window))
    return placed.filter(placed.place == 0).drop("place", "viewed_at", "step")


def _compared(counted: pd.DataFrame, fault: str, confidence: float) -> pd.DataFrame:
    rows = []
    for page, here in counted.groupby("page"):
        sides = {}
        devices = sorted(set(here["device_"]))
        for side in (True, False):
            mine = here[here[fault] == side].set_index("device_").reindex(devices)
            sides[side] = tuple(
                mine[name].fillna(0).to_numpy("float64") for name in ("bought", "n")
            )
        (x1, n1), (x2, n2) = sides[True], sides[False]
        if min(n1.sum(), n2.sum()) < FEWEST_OF_A_SIDE:
            continue
        difference, low, high, p = common_difference(x1, n1, x2, n2, confidence=confidence)
        rows.append((fault, page, int(n1.sum()), int(n2.sum()), x1.sum() / n1.sum(),
                     x2.sum() / n2.sum(), difference, low, high, p))  # fmt: skip
    names = ["fault", "page", "met", "others", "with_fault", "without", "difference", "low",
             "high", "p"]  # fmt: skip
    table = pd.DataFrame(rows, columns=names)
    return table.astype({"met": "int64", "others": "int64", "difference": "float64"})


def _order_value(web: Clickstream) -> float:
    """Return the mean net amount of the orders that the page views name."""
    if not web.has("order_id"):
        return float("nan")
    named = web.views.filter(web.views.order_id.notnull()).select("order_id").distinct()
    lines = web.tables.order_lines
    bought = lines.semi_join(named, "order_id")
    sums = bought.aggregate(net=bought.net_amount.sum(), orders=bought.order_id.nunique())
    net, orders = sums.to_pandas().iloc[0]
    return float(net) / int(orders) if orders else float("nan")
