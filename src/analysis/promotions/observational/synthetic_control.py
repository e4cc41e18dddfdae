"""Promotions that were for everybody: their products against a blend of products left alone.

Nobody was left out of such a promotion, so customers cannot be compared. Other products can: the
blend of them that moved as the promoted ones did before tells where these would have gone. No
causal proof: whatever else befell the promoted products in those weeks is in the difference.

Every promotion of a study that was for everybody, against products left alone.

References
----------
Abadie, Diamond, Hainmueller (2010), Journal of the American Statistical Association 105(490):
weights that are positive and add up to one, and placebos on every product of the blend.
Ferman, Pinto (2021), Quantitative Economics 12(4): series in units of their own level.
Firpo, Possebom (2018), Journal of Causal Inference 6(2): intervals from the placebos, by inverting
their test over the lifts that it does not reject.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import NotApplicable
from analysis.stats.sizes import FEWEST_DONORS, FEWEST_WEEKS_TO_BLEND
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.promotions.outcomes.outcomes import Spans
    from analysis.tables.engine import Tables

#: Weight of the demand that the blend's weights add up to one, against a week's misfit.
_SUM_WEIGHT = 1e3


@dataclass(frozen=True)
class Synthetic:
    """A promotion for everybody, against its blend.

    Parameters
    ----------
    lift, low, high
        Sales in the promotion's weeks over the blend's, less one, and the placebos' interval; high
        is infinite where the placebos stray as far as the blend is high.
    p
        Share of products, the promoted ones included, whose gap stands out as much.
    gain
        The same in the sales' own unit.
    actual, blend
        Sales by week, weeks before and then the promotion's.
    weeks
        Weeks of the promotion.
    weights
        Of the products blended.
    misfit
        Root mean squared gap before, as a share of the level.
    """

    lift: float
    low: float
    high: float
    p: float
    gain: float
    actual: Floats
    blend: Floats
    weeks: int
    weights: Floats
    misfit: float


def contrast(
    promoted: Floats, others: Floats, weeks: int, *, confidence: float = 0.95
) -> Synthetic:
    """Compare promoted products with a blend of others.

    Parameters
    ----------
    promoted
        Sales of the promoted products together, week by week, the last ``weeks`` promoted.
    others
        Weeks x products: sales of products that were left alone.
    weeks
        Weeks of the promotion.
    confidence
        Coverage of the interval, as far as the number of placebos can give it.

    Raises
    ------
    NotApplicable
        If no week is promoted, there is too little before, too little to blend, or no sales to
        compare.

    Notes
    -----
    A promotion that sells twice as much doubles the week's noise as well. So a lift is in the
    interval if the sales, freed of it, stray from the blend no further than placebos do; not if the
    gap itself, which grows with the lift, is no larger than theirs.
    """
    if weeks < 1:
        raise NotApplicable("No whole week of the promotion is in the data.")
    before = len(promoted) - weeks
    _require_enough(promoted[:before], others)
    level = promoted[:before].mean()
    own, rest = promoted / level, others / others[:before].mean(axis=0)
    weights = blend_weights(own[:before], rest[:before])
    blend = rest @ weights
    gap, misfit = _gap(own, blend, before)
    placebos = np.array([_placebo(rest, at, before) for at in range(rest.shape[1])])
    standing = np.abs(placebos[:, 0]) / placebos[:, 1]
    p = (1 + int((standing >= abs(gap) / misfit).sum())) / (1 + len(standing))
    reach = misfit * _of_placebos(standing, confidence)
    sold, usual = float(own[before:].mean()), float(blend[before:].mean())
    return Synthetic(
        lift=gap / usual,
        low=sold / (usual + reach) - 1,
        high=sold / (usual - reach) - 1 if usual > reach else np.inf,
        p=p,
        gain=gap * level * weeks,
        actual=promoted,
        blend=blend * level,
        weeks=weeks,
        weights=weights,
        misfit=misfit,
    )


def _require_enough(past: Floats, others: Floats) -> None:
    """Raise NotApplicable where there is too little to compare with."""
    if len(past) < FEWEST_WEEKS_TO_BLEND:
        raise NotApplicable(
            f"Only {len(past)} weeks before it; {FEWEST_WEEKS_TO_BLEND} are needed."
        )
    if others.shape[1] < FEWEST_DONORS:
        raise NotApplicable(
            f"Only {others.shape[1]} products sold every week and were left alone; "
            f"{FEWEST_DONORS} are needed."
        )
    if past.sum() <= 0:
        raise NotApplicable("The products had no sales before it.")


def blend_weights(own: Floats, others: Floats) -> Floats:
    """Return the positive weights, adding up to one, whose blend is nearest to ``own``."""
    from scipy.optimize import nnls

    design = np.vstack([others, np.full(others.shape[1], _SUM_WEIGHT)])
    found, _ = nnls(design, np.append(own, _SUM_WEIGHT))
    return np.asarray(found / found.sum())


def _of_placebos(standing: Floats, confidence: float) -> float:
    """Return the standing that one more placebo stays within with the confidence asked for."""
    n = len(standing)
    rank = min(n, int(np.ceil(confidence * (n + 1) - 1e-9)))
    return float(np.sort(standing)[rank - 1])


def _gap(own: Floats, blend: Floats, before: int) -> tuple[float, float]:
    """Return the mean gap in the promotion's weeks, and the root mean squared gap before."""
    gaps = own - blend
    return float(gaps[before:].mean()), float(np.sqrt((gaps[:before] ** 2).mean()) + 1e-12)


def _placebo(rest: Floats, at: int, before: int) -> tuple[float, float]:
    own, others = rest[:, at], np.delete(rest, at, axis=1)
    return _gap(own, others @ blend_weights(own[:before], others[:before]), before)


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
    tables: Tables, spans: Spans, promotions: pd.DataFrame, *, confidence: float = 0.95
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
    why = "None of the promotions open to all could be compared." if rows else _NONE
    return Everybody(table, found, "" if found else why)


_NONE = "Every promotion was sent to customers by name; none was open to all."

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
    if len(past) < FEWEST_WEEKS_TO_BLEND:
        raise NotApplicable(
            f"Only {len(past)} weeks before it; {FEWEST_WEEKS_TO_BLEND} are needed."
        )
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
