"""Every promotion of a study that was for everybody, against products left alone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.errors import NotApplicable
from analysis.promotions.synthetic import FEWEST_WEEKS, Synthetic, contrast

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from analysis.promotions.outcomes import Spans
    from analysis.tables.engine import Tables

    Floats = NDArray[np.float64]

#: Best sellers that may be blended, and as many as are.
_CANDIDATES, _DONORS = 300, 40

#: Weight in a blend from which a product counts as part of it.
_COUNTS = 0.01


@dataclass(frozen=True)
class Everybody:
    """Promotions for everybody.

    Parameters
    ----------
    table
        One row a promotion: promotion_id, name, mechanic, goal, starts_on, lift, low, high, p,
        gain (net sales), misfit, blended (products with weight), reason.
    found
        By promotion_id.
    reason
        Why there is none; empty if there is one.
    """

    table: pd.DataFrame
    found: Mapping[str, Synthetic]
    reason: str

    def require(self) -> Synthetic:
        """Return the promotion whose gap stands out most; NotApplicable if there is none."""
        if self.reason:
            raise NotApplicable(self.reason)
        return self.found[self.first()]

    def first(self) -> str:
        """Return the key of the promotion whose gap stands out most from its misfit."""
        return max(self.found, key=lambda k: abs(self.found[k].lift) / self.found[k].misfit)


def search(
    tables: Tables,
    spans: Spans,
    promotions: pd.DataFrame,
    *,
    confidence: float = 0.95,
) -> Everybody:
    """Compare every promotion that nobody was left out of with products that were left alone.

    Parameters
    ----------
    tables
        A study's tables; needs promotion_products.
    spans
        Days looked at; before_days bound the weeks that the blend is fitted on.
    promotions
        As `outcomes.overview`.
    confidence
        Coverage of intervals.
    """
    import pandas as pd

    mine = promotions[promotions["customers"] == 0]
    rows, found = [], {}
    if len(mine) and "promotion_products" in tables:
        offers = _offers(tables, promotions)
        sales = _weekly_sales(tables, spans, offers)
        for promotion in mine.to_dict("records"):
            row, result = _row(promotion, offers, sales, spans, confidence)
            rows.append(row)
            if result:
                found[str(promotion["promotion_id"])] = result
    table = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    why = "None of those for everybody could be compared." if rows else _NONE
    return Everybody(table, found, "" if found else why)


_NONE = "Every promotion was sent to customers by name; none was for everybody."

_FACTS = ["promotion_id", "name", "mechanic", "goal", "starts_on"]
_FOUND = ["lift", "low", "high", "p", "gain", "misfit"]
_COLUMNS = [*_FACTS, *_FOUND, "blended", "reason"]


def _row(
    promotion: dict[Hashable, Any],
    offers: pd.DataFrame,
    sales: pd.DataFrame,
    spans: Spans,
    confidence: float,
) -> tuple[dict[str, object], Synthetic | None]:
    row: dict[str, object] = {**{c: promotion[c] for c in _FACTS}, "reason": ""}
    try:
        found = _one(promotion, offers, sales, spans, confidence)
    except NotApplicable as reason:
        return row | {"reason": str(reason)}, None
    blended = int((found.weights > _COUNTS).sum())
    return row | {c: getattr(found, c) for c in _FOUND} | {"blended": blended}, found


def _offers(tables: Tables, promotions: pd.DataFrame) -> pd.DataFrame:
    """Return promotion_id, product_id, starts_on and ends_on of promotions for everybody."""
    rows = tables.promotion_products.select("promotion_id", "product_id").distinct()
    mine = promotions.loc[promotions["customers"] == 0, ["promotion_id", "starts_on", "ends_on"]]
    offers = rows.order_by("promotion_id", "product_id").to_pandas()
    return offers.merge(mine, on="promotion_id")


def _weekly_sales(tables: Tables, spans: Spans, offers: pd.DataFrame) -> pd.DataFrame:
    """Return weeks (Mondays) x products: net sales of the promoted and of the best sellers."""
    import ibis
    import pandas as pd

    lines = tables.order_lines
    lines = lines.filter(lines.quantity > 0, lines.ordered_at < ibis.timestamp(str(spans.as_of)))
    weekly = lines.group_by("product_id", week=lines.ordered_at.truncate("W").cast("date")).agg(
        net=(lines.net_amount * 100).cast("int64").sum()
    )
    totals = weekly.group_by("product_id").agg(total=weekly.net.sum())
    best = totals.order_by(totals.total.desc(), "product_id").limit(_CANDIDATES)
    wanted = [*best.to_pandas()["product_id"], *offers["product_id"]]
    rows = weekly.filter(weekly.product_id.isin(sorted(set(wanted))))
    found = rows.order_by("product_id", "week").to_pandas()
    found["week"] = pd.to_datetime(found["week"]).dt.as_unit("us")
    laid = found.pivot(index="week", columns="product_id", values="net").fillna(0.0) / 100
    whole = pd.date_range(laid.index.min(), laid.index.max(), freq="7D")
    return laid.reindex(whole.as_unit("us"), fill_value=0.0).astype("float64")


def _one(
    promotion: dict[Hashable, Any],
    offers: pd.DataFrame,
    sales: pd.DataFrame,
    spans: Spans,
    confidence: float,
) -> Synthetic:
    import pandas as pd

    mine = offers[offers["promotion_id"] == promotion["promotion_id"]]
    products = [p for p in mine["product_id"] if p in sales.columns]
    if not products:
        raise NotApplicable("It names no product that was sold.")
    starts, ends = (pd.Timestamp(promotion[c]) for c in ("starts_on", "ends_on"))
    first = starts - timedelta(days=starts.weekday())
    during = sales.index[(sales.index >= first) & (sales.index <= ends)]
    past = sales.index[sales.index < first][-(spans.before_days // 7) :]
    # Weeks in which the same products were promoted before say nothing about the usual level.
    own = offers[offers["product_id"].isin(products)]
    past = past[~_promoted(past, own)]
    if len(past) < FEWEST_WEEKS:
        raise NotApplicable(f"Only {len(past)} weeks before it; {FEWEST_WEEKS} are needed.")
    weeks = past.append(during)
    others = _left_alone(sales.loc[weeks], offers)
    return contrast(
        sales.loc[weeks, products].sum(axis=1).to_numpy(),
        others.to_numpy(),
        len(during),
        confidence=confidence,
    )


def _promoted(weeks: pd.DatetimeIndex, offers: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell in which weeks (Mondays) any of ``offers`` ran."""
    import pandas as pd

    starts = pd.to_datetime(offers["starts_on"]).to_numpy()
    ends = pd.to_datetime(offers["ends_on"]).to_numpy()
    first = weeks.to_numpy()[:, None]
    running = (starts < first + np.timedelta64(7, "D")) & (ends >= first)
    return np.asarray(running.any(axis=1))


def _left_alone(sales: pd.DataFrame, offers: pd.DataFrame) -> pd.DataFrame:
    """Return the largest products that sold in every week and were never promoted to everybody."""
    steady = sales.loc[:, (sales > 0).all() & ~sales.columns.isin(offers["product_id"])]
    totals = steady.sum().sort_values(ascending=False, kind="stable")
    return steady[totals.index[:_DONORS]]
