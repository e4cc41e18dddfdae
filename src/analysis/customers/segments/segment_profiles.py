"""Every customer's segments of every kind, and who is in them: demography, behaviour, tastes.

All comparisons are ratios of sums over customers, so one resampling of whole customers gives every
interval; what stands out among the many is held to a false discovery rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.errors import AnalysisError, NotApplicable
from analysis.stats.multiplicity import q_values, two_sided_p
from analysis.stats.resampling import group_totals, percentile_interval, resampled_totals
from analysis.stats.sizes import FEWEST_CUSTOMERS
from analysis.stats.types import Floats

#: A kind of segment that is written out although nobody could be judged.
UNJUDGED = "Not judged"

#: Kinds of segment, in the order of the columns.
KINDS = ("rfm", "tier", "buyer", "rhythm", "life_stage", "cluster", "region", "main_store")


def unjudged(features: pd.DataFrame, name: str | None = None) -> pd.Series:
    """Return a kind of segment that could not be told: ``name`` for everybody, else missing."""
    return pd.Series([name] * len(features), features.index, dtype="object")


@without(*KINDS)
def every_segment(features: pd.DataFrame, **kinds: pd.Series | None) -> pd.DataFrame:
    """Return ``assemble`` of the kinds that could be told.

    RFM and life stage keep their column where nobody could be judged, for target lists to read.
    """
    told: dict[str, pd.DataFrame | pd.Series] = {
        "rfm": unjudged(features),
        "life_stage": unjudged(features, UNJUDGED),
    }
    told |= {name: groups for name, groups in kinds.items() if groups is not None}
    return assemble(features, told)


def assemble(features: pd.DataFrame, kinds: Mapping[str, pd.DataFrame | pd.Series]) -> pd.DataFrame:
    """Join every kind of segment.

    Parameters
    ----------
    features
        One row a customer; customer_id, net_amount, margin_amount, orders, recency_days are kept.
    kinds
        Kind (one of ``KINDS``) to a series by row of ``features``, or a frame of customer_id and
        one more column. A kind may lack customers (missing) but not have others.

    Returns
    -------
    pandas.DataFrame
        customer_id, one column a kind of ``KINDS`` that was given (text; missing where the
        customer has none), net_amount, margin_amount, orders, recency_days; one row a customer,
        by customer_id.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise AnalysisError(f"No such kind of segment: {unknown[0]}; there are {', '.join(KINDS)}")
    numbers = ["net_amount", "margin_amount", "orders", "recency_days"]
    table = features[["customer_id", *numbers]]
    for kind in [k for k in KINDS if k in kinds]:
        table = _with_kind(table, kind, kinds[kind])
    order = ["customer_id", *(k for k in KINDS if k in kinds), *numbers]
    return table[order].sort_values("customer_id").reset_index(drop=True)


def _with_kind(table: pd.DataFrame, kind: str, given: pd.DataFrame | pd.Series) -> pd.DataFrame:
    if isinstance(given, pd.Series):
        if len(given) != len(table):
            raise AnalysisError(f"{kind}: {len(given)} rows for {len(table)} customers")
        return table.assign(**{kind: _text(given).to_numpy()})
    column = next(c for c in given.columns if c != "customer_id")
    if given["customer_id"].duplicated().any():
        raise AnalysisError(f"{kind}: a customer is in it twice")
    foreign = ~given["customer_id"].isin(table["customer_id"])
    if foreign.any():
        raise AnalysisError(f"{kind}: {int(foreign.sum())} customers did not buy in the window")
    found = given.set_index("customer_id")[column]
    return table.assign(**{kind: _text(table["customer_id"].map(_text(found)))})


def _text(values: pd.Series) -> pd.Series:
    """Return values as text, missing ones kept."""
    plain = values.astype("object")
    return (
        plain.map(lambda v: None if pd.isna(v) else str(v))
        .astype("str")
        .where(values.notna().to_numpy(), None)
    )


#: Habits compared as means over customers, with the words a reader knows them by.
HABITS = {
    "orders": ("Orders a customer", "frequency"),
    "basket_value": ("Spending per basket", "frequency"),
    "departments": ("Departments bought", "breadth"),
    "stores": ("Stores visited", "place"),
    "weekend_share": ("Orders at the weekend", "time"),
    "morning_share": ("Orders before noon", "time"),
    "evening_share": ("Orders after 5 pm", "time"),
    "discount_share": ("Discount share", "price"),
    "coupon_orders_share": ("Orders with a coupon", "price"),
    "private_label_share": ("Private label (proxy for thrift)", "price"),
    "returns_rate": ("Returns", "service"),
    "responses": ("Answers to campaigns", "contact"),
    "nps_score": ("NPS score given", "voice"),
    "complaints": ("Complaints", "voice"),
}


def portrait(
    features: pd.DataFrame,
    spending: pd.DataFrame,
    attributes: pd.DataFrame | None,
    members: pd.Series,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Describe segments against everybody.

    Parameters
    ----------
    features
        ``features.fetch_detailed``.
    spending
        ``tastes.fetch`` over the same period.
    attributes
        ``attributes.customer_attributes``: ordered categories by customer; None if there are none.
    members
        Segment by row of ``features``, an ordered categorical; customers without one count in
        everybody only.
    confidence
        Coverage of the intervals.
    seed
        Seed of the resampling.

    Returns
    -------
    pandas.DataFrame
        segment, customers, part (``demography``, ``behaviour``, ``tastes``, ``proxies``), item,
        value (share of customers whose attribute is known; mean over customers; share of
        spending), everybody (the same for all), index (100 times their ratio), low, high, p, q
        (over everything compared). Segments under thirty customers are left out.
    """
    people = features[["customer_id", *(name for name in HABITS if name in features)]]
    people = people.merge(spending, on="customer_id", how="left", validate="one_to_one")
    each, items = _quantities(people, spending, attributes)
    counts = members.value_counts()
    shown = [name for name in members.cat.categories if counts.get(name, 0) >= FEWEST_CUSTOMERS]
    if not shown:
        raise NotApplicable(f"No segment has {FEWEST_CUSTOMERS} customers to portray.")
    codes = members.cat.set_categories(shown).cat.codes.to_numpy("int64")
    groups, draw = (codes, len(shown)), partial(resampled_totals, seed=seed, replicates=1_000)
    seen, drawn = each.sum(axis=0), draw(each)
    own_drawn = np.split(draw(each, groups=groups), len(shown), axis=1)
    rows = [
        _of_segment((totals, seen), (replicates, drawn), confidence).assign(
            segment=str(name), customers=int(counts[name]), **items
        )
        for name, totals, replicates in zip(
            shown, group_totals(each, groups), own_drawn, strict=True
        )
    ]
    table = pd.concat(rows, ignore_index=True)
    columns = ["segment", "customers", "part", "item", "value", "everybody", "index"]
    return table.assign(q=q_values(table["p"]))[[*columns, "low", "high", "p", "q"]]


def side_by_side(found: pd.DataFrame, one: str, other: str, *, fdr: float = 0.05) -> pd.DataFrame:
    """Lay two segments' portraits side by side: what sets either apart, part by part.

    Returns
    -------
    pandas.DataFrame
        part, item, everybody, value and index of ``one`` and of ``other`` (columns ``one_value``,
        ``one_index``, ``one_low``, ``one_high``, ``other_value`` and so on), stands_out (either
        differs from everybody); items of a part in the order of how far the two are apart,
        six of each part at most.
    """
    keep = ["part", "item", "everybody", "value", "index", "low", "high", "q"]
    first, second = (found.loc[found["segment"] == name, keep] for name in (one, other))
    both = first.merge(second, on=["part", "item", "everybody"], suffixes=("_one", "_other"))
    both = both.rename(
        columns={
            f"{name}_{side}": f"{side}_{name}"
            for side in ("one", "other")
            for name in ("value", "index", "low", "high", "q")
        }
    )
    both["stands_out"] = (both["one_q"] <= fdr) | (both["other_q"] <= fdr)
    apart = np.log(both["one_index"].clip(lower=1) / both["other_index"].clip(lower=1)).abs()
    both = both.assign(apart=apart).sort_values(["part", "apart"], ascending=[True, False])
    chosen = both[both["stands_out"]].groupby("part", sort=False).head(6)
    return chosen.drop(columns=["one_q", "other_q", "apart"]).reset_index(drop=True)


def require(pair: pd.DataFrame, one: str, other: str) -> None:
    """Raise NotApplicable where two segments have nothing to be compared by."""
    if pair.empty:
        raise NotApplicable(
            f"{one} and {other} are not laid side by side: one is too small, or nothing differs."
        )


def _quantities(
    people: pd.DataFrame, spending: pd.DataFrame, attributes: pd.DataFrame | None
) -> tuple[Floats, dict[str, list[str]]]:
    """Return numerators, then denominators by customer, and what each column is."""
    above, below, parts, items = [], [], [], []

    def add(part: str, item: str, numerator: np.ndarray, denominator: np.ndarray) -> None:
        above.append(numerator)
        below.append(denominator)
        parts.append(part)
        items.append(item)

    if attributes is not None:
        known = people[["customer_id"]].merge(attributes, on="customer_id", how="left")
        for name in known.columns.drop("customer_id"):
            stated = known[name].notna().to_numpy()
            for level in known[name].cat.categories:
                has = (known[name] == level).to_numpy()
                add("demography", f"{name.replace('_', ' ')}: {level}", has, stated)
    for name, (words, _) in HABITS.items():
        if name in people and people[name].nunique() > 1:
            value = people[name].to_numpy("float64")
            add("behaviour", words, np.nan_to_num(value), ~np.isnan(value))
    total = people["total"].fillna(0).to_numpy("float64")
    for name in spending.columns.drop(["customer_id", "total"]):
        part = "proxies" if name.endswith("(proxy)") else "tastes"
        add(part, name, people[name].fillna(0).to_numpy("float64"), total)
    each = np.column_stack([*above, *below]).astype("float64", copy=False)
    return each, {"part": parts, "item": items}


def _of_segment(
    seen: tuple[Floats, Floats], drawn: tuple[Floats, Floats], confidence: float
) -> pd.DataFrame:
    """Compare a segment's totals with everybody's, both numerators, then denominators."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value, everybody = (np.divide(*np.split(totals, 2)) for totals in seen)
        ratio = np.divide(*(np.divide(*np.split(totals, 2, axis=1)) for totals in drawn))
        low, high = percentile_interval(100 * ratio, confidence=confidence)
        spread = np.log(np.where(ratio > 0, ratio, np.nan)).std(axis=0)
        z = np.log(value / everybody) / spread
    return pd.DataFrame(
        {
            "value": value,
            "everybody": everybody,
            "index": 100 * value / everybody,
            "low": low,
            "high": high,
            "p": two_sided_p(np.where(np.isfinite(z), z, np.nan)),
        }
    )
