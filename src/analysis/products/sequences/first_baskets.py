"""Which first purchases foretell good customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.products.baskets.order_contents import band_of
from analysis.stats.multiplicity import normal_quantile, q_values, selected_confidence, two_sided_p
from analysis.stats.types import Floats
from analysis.tables.engine import held
from analysis.tables.margin import MICROS
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from analysis.tables.engine import Tables


@dataclass(frozen=True)
class FirstBaskets:
    """First purchases and what came after.

    Parameters
    ----------
    table
        One row an item: item, customers (whose first order held it), others, later (their mean
        margin in the days after, currency), difference (to a first order of the same size with the
        same else in it, currency) with low and high, p, q over all items; the largest
        difference first.
    customers
        Customers whose first order is known and who were followed for the whole time.
    mean
        Their mean margin in the days after.
    days
        Days followed, the first order left out.
    confidence
        Coverage of the intervals: higher than asked for where items are picked out of many.
    known_by
        How a first order is known to be one, as a sentence.
    """

    table: pd.DataFrame
    customers: int
    mean: float
    days: int
    confidence: float
    known_by: str


def first_baskets(
    tables: Tables,
    lines: ibis.Table,
    period: Period,
    *,
    days: int = 182,
    quiet_days: int = 182,
    least: int = 50,
    fdr: float = 0.05,
    confidence: float = 0.95,
) -> FirstBaskets:
    """Compare what customers were worth later by what their first order held.

    Parameters
    ----------
    tables
        A study's tables; customers may know ``joined_on``.
    lines
        `baskets.bought` over ``period``: customer_id, order_id, item, ordered_at, margin_micros.
    period
        The days looked at.
    days
        Days after the first order in which margin counts.
    quiet_days
        Where nobody knows when customers joined: days at the start without an order that make the
        next one a first.
    least
        Fewest customers whose first order held an item.
    fdr, confidence
        False discovery rate over all items, and coverage of the intervals.

    Raises
    ------
    NotApplicable
        If too few customers came first in the period.

    Notes
    -----
    Customers with a large first order are worth more whatever it holds, and what it holds besides
    may be what foretells. Differences are therefore partial: least squares on all items and on
    bands of size at once. Their errors allow for later worth that spreads more for some than for
    others (HC3, MacKinnon and White 1985, J. Econometrics 29(3)).
    """
    firsts, known_by = _firsts(tables, lines, period, days, quiet_days)
    first = held(_first_orders(lines, firsts))
    people = _worth(lines, first, days).order_by("customer_id").to_pandas()
    if len(people) < 4 * least:
        raise NotApplicable(
            f"{known_by} Only {len(people)} such customers could be followed for {days} days; "
            f"first baskets need {4 * least}."
        )
    rows = lines.join(first.select("order_id"), "order_id")
    held_items = rows.select("customer_id", "item").distinct().order_by("customer_id", "item")
    table = _compared(people, held_items.to_pandas(), least)
    chosen = max(confidence, min(selected_confidence(table["q"], fdr=fdr), 0.99))
    table = _with_ends(table, chosen)
    ordered = table.sort_values(["difference", "item"], ascending=[False, True])
    mean = float(people["later"].mean())
    return FirstBaskets(ordered.reset_index(drop=True), len(people), mean, days, chosen, known_by)


def _firsts(
    tables: Tables, lines: ibis.Table, period: Period, days: int, quiet_days: int
) -> tuple[ibis.Table, str]:
    """Return the first moment of each customer who came first in the period and was followed."""
    known = lines.filter(lines.customer_id.notnull())
    firsts = known.group_by("customer_id").agg(began=known.ordered_at.min())
    last = _moment(period.end - timedelta(days=days))
    if tables.has("customers", "joined_on"):
        joined = tables.customers.select("customer_id", "joined_on")
        firsts = firsts.join(joined, "customer_id")
        firsts = firsts.filter(firsts.joined_on >= ibis.date(str(period.start)))
        text = f"A first order is that of a customer who joined since {period.start:%-d %B %Y}."
    else:
        begin = period.start + timedelta(days=quiet_days)
        firsts = firsts.filter(firsts.began >= _moment(begin))
        text = (
            "Joining dates are not recorded: an order after "
            f"{quiet_days} days without one counts as a first order."
        )
    return firsts.filter(firsts.began <= last).select("customer_id", "began"), text


def _moment(day: object) -> ibis.Value:
    return ibis.timestamp(f"{day}")


def _first_orders(lines: ibis.Table, firsts: ibis.Table) -> ibis.Table:
    """Return customer_id, order_id, began: of orders of the same moment, the first by number."""
    at_first = lines.join(firsts, "customer_id")
    at_first = at_first.filter(at_first.ordered_at == at_first.began)
    return at_first.group_by("customer_id", "began").agg(order_id=at_first.order_id.min())


def _worth(lines: ibis.Table, first: ibis.Table, days: int) -> ibis.Table:
    """Return customer_id, band (of items in the first order) and later (margin, currency)."""
    sizes = lines.join(first.select("order_id"), "order_id").group_by("customer_id")
    sizes = sizes.agg(size=lambda t: t["item"].nunique())
    after = lines.join(first.select("customer_id", "began", first="order_id"), "customer_id")
    inside = after.ordered_at < after.began + ibis.interval(days=days)
    after = after.filter(inside, after.order_id != after["first"])
    sums = after.group_by("customer_id").agg(micros=after.margin_micros.sum())
    joined = sizes.left_join(sums, "customer_id")
    later = joined.micros.fill_null(0).cast("float64") / MICROS
    return joined.select("customer_id", band=band_of(joined["size"]), later=later)


def _compared(people: pd.DataFrame, rows: pd.DataFrame, least: int) -> pd.DataFrame:
    names, item = np.unique(rows["item"].to_numpy(dtype=object).astype(str), return_inverse=True)
    who = np.searchsorted(people["customer_id"].astype(str), rows["customer_id"].astype(str))
    common = np.bincount(item, minlength=len(names))
    kept = np.flatnonzero((common >= least) & (common <= len(people) - least))
    # Twenty customers an item, or the estimates know each other better than the customers.
    kept = np.sort(kept[np.argsort(-common[kept], kind="stable")][: len(people) // 20])
    if len(kept) == 0:
        raise NotApplicable(f"No item was in the first order of {least} customers and not of all.")
    with_item = np.zeros((len(people), len(names)))
    with_item[who, item] = 1.0
    worth = people["later"].to_numpy()
    difference, error = _partial(with_item[:, kept], people["band"].to_numpy(), worth)
    p = two_sided_p(difference / error)
    return pd.DataFrame(
        {
            "item": names[kept],
            "customers": common[kept].astype("int64"),
            "others": len(people) - common[kept].astype("int64"),
            "later": with_item[:, kept].T @ worth / common[kept],
            "difference": difference,
            "error": error,
            "p": p,
            "q": q_values(p),
        }
    )


def _partial(items: Floats, bands: npt.NDArray, worth: Floats) -> tuple[Floats, Floats]:
    """Return each item's difference, all else in the order the same, with its error."""
    sizes = (bands[:, None] == np.unique(bands)[None, :]).astype(float)
    x = np.hstack([items, sizes])
    inverse = np.linalg.pinv(x.T @ x)
    left = worth - x @ (inverse @ (x.T @ worth))
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    scaled = (left / np.maximum(1 - leverage, 1e-6)) ** 2
    spread = np.einsum("ij,i,ik->jk", x @ inverse, scaled, x @ inverse, optimize=True)
    estimate = inverse @ (x.T @ worth)
    own = slice(0, items.shape[1])
    return estimate[own], np.sqrt(np.diag(spread)[own])


def _with_ends(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    reach = normal_quantile(confidence) * table["error"]
    low, high = table["difference"] - reach, table["difference"] + reach
    return table.drop(columns="error").assign(low=low, high=high)
