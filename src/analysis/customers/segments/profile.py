"""Who customers are against how they buy: index tables, 100 the average; known and unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values, two_sided_p
from analysis.stats.resampling import percentile_interval, resampled_totals
from analysis.stats.sizes import FEWEST_CUSTOMERS, too_small
from analysis.stats.types import Floats

#: What customers are compared by: measure to numerator and denominator, each a sum over the
#: customers of a group; None counts customers.
MEASURES: dict[str, tuple[str, str | None]] = {
    "net_per_customer": ("net_amount", None),
    "orders_per_customer": ("orders", None),
    "net_per_order": ("net_amount", "orders"),
    "discount_share": ("discount_amount", "list_amount"),
    "departments": ("departments", None),
}

_COLUMNS = [
    *("attribute", "level", "place", "customers", "share"),
    *("measure", "value", "index", "low", "high", "p"),
]

_SUMMED = ("net_amount", "orders", "discount_amount", "list_amount", "departments")


@dataclass(frozen=True)
class Portrait:
    """How each group of customers buys, against the average of those whose group is known.

    Parameters
    ----------
    indices
        One row an attribute, level and measure: attribute, level, place (in the natural order),
        customers, share (of customers known), measure, value, index, low, high, p, q.
    attributes
        One row an attribute, the one that separates spending most first: attribute, known
        (customers), coverage (of all who bought), levels (shown), withheld (levels left out),
        customers_withheld, explained (share of the variation in the rank of net amount that lies
        between its levels), p, q.
    customers
        Customers who bought in the period.
    """

    indices: pd.DataFrame
    attributes: pd.DataFrame
    customers: int


def portrait(
    features: pd.DataFrame,
    attributes: pd.DataFrame,
    *,
    minimum_group: int,
    confidence: float,
    seed: int,
) -> Portrait:
    """Compare how the groups of every attribute buy.

    Parameters
    ----------
    features
        One row a customer: ``customers.features.fetch`` over the period.
    attributes
        One row a customer: ``customers.attributes.customer_attributes``.
    minimum_group
        Levels with fewer customers are withheld, and the smallest of the others where they could
        be had by subtraction (`sizes.too_small`); they still belong to the average.
    confidence
        Coverage of the intervals, from resampling whole customers.
    seed
        Seed of the resampling.

    Notes
    -----
    A group's value is a ratio of sums (net amount per order is all net amount over all orders),
    and its index 100 times that over the same ratio of all customers whose attribute is known.
    P-values are those of the logarithm of the index over its bootstrap standard error; q is
    Benjamini and Hochberg's over every index of every attribute. ``explained`` is epsilon
    squared of the Kruskal-Wallis test (Tomczak and Tomczak 2014, Trends in Sport Sciences 1(21)).

    Raises
    ------
    NotApplicable
        If no attribute is known of any customer who bought.
    """
    people = features.merge(attributes, on="customer_id", how="left", validate="one_to_one")
    names = [name for name in attributes.columns if name != "customer_id"]
    known = [name for name in names if people[name].notna().any()]
    if not known:
        raise NotApplicable("Nothing is known about the customers apart from what they bought.")
    indices = [_indices(people, name, minimum_group, confidence, seed) for name in known]
    summary = pd.DataFrame([_summary(people, name, minimum_group) for name in known])
    table = pd.concat(indices, ignore_index=True)
    table = table.assign(q=q_values(table["p"]))
    summary = summary.assign(q=q_values(summary["p"]))
    order = summary["explained"].fillna(-1).sort_values(ascending=False, kind="stable").index
    return Portrait(table, summary.loc[order].reset_index(drop=True), len(people))


def side_by_side(found: Portrait) -> pd.DataFrame:
    """Return one row an attribute and level: customers, share and the index of every measure.

    Attributes come in the order of `Portrait.attributes`, levels in their natural order.
    """
    keys = ["attribute", "place", "level", "customers", "share"]
    wide = found.indices.pivot(index=keys, columns="measure", values="index")
    wide = wide[list(MEASURES)].reset_index().rename_axis(columns=None)
    rank = {name: i for i, name in enumerate(found.attributes["attribute"])}
    wide = wide.assign(rank=wide["attribute"].map(rank)).sort_values(["rank", "place"])
    return wide.drop(columns="rank").reset_index(drop=True)


def leading(found: Portrait, *, measure: str, attributes: int) -> pd.DataFrame:
    """Return the indices of ``measure`` for the ``attributes`` that separate spending most.

    Returns
    -------
    pandas.DataFrame
        Rows of `Portrait.indices`, attribute by attribute, levels in their natural order.
    """
    rank = {name: i for i, name in enumerate(found.attributes["attribute"].head(attributes))}
    chosen = (found.indices["measure"] == measure) & found.indices["attribute"].isin(list(rank))
    rows = found.indices[chosen]
    rows = rows.assign(rank=rows["attribute"].map(rank)).sort_values(["rank", "place"])
    return rows.drop(columns="rank").reset_index(drop=True)


def _indices(
    people: pd.DataFrame, name: str, minimum_group: int, confidence: float, seed: int
) -> pd.DataFrame:
    """Return the rows of `Portrait.indices` of one attribute, without q."""
    known = people[people[name].notna()]
    sizes = known[name].value_counts(sort=False)
    few = too_small(sizes[sizes > 0], minimum_group)
    shown = [level for level in few.index if not few[level]]
    member = np.column_stack([np.ones(len(known)), *((known[name] == level) for level in shown)])
    sums = np.column_stack(
        [np.ones(len(known)), known[list(_SUMMED)].fillna(0).to_numpy("float64")]
    )
    # Customers x groups (the first is everybody) x sums, flattened for the resampling.
    each = (member[:, :, None] * sums[:, None, :]).reshape(len(known), -1)
    shape = (-1, member.shape[1], sums.shape[1])
    observed = each.sum(axis=0).reshape(shape)
    drawn = resampled_totals(each, seed=seed).reshape(shape)
    groups = {
        "attribute": name,
        "level": [str(level) for level in shown],
        "place": [list(sizes.index).index(level) for level in shown],
        "customers": [int(sizes[level]) for level in shown],
        "share": [sizes[level] / len(known) for level in shown],
    }
    parts = [_of_measure(observed, drawn, measure, confidence) for measure in MEASURES]
    return pd.concat([part.assign(**groups) for part in parts], ignore_index=True)[_COLUMNS]


def _of_measure(observed: Floats, drawn: Floats, measure: str, confidence: float) -> pd.DataFrame:
    value, index = _index(observed, measure)
    _, drawn_index = _index(drawn, measure)
    low, high = percentile_interval(drawn_index, confidence=confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.log(index[0] / 100) / np.log(drawn_index / 100).std(axis=0)
        p = two_sided_p(np.where(np.isfinite(z), z, np.nan))
    return pd.DataFrame(
        {"measure": measure, "value": value[0], "index": index[0], "low": low, "high": high, "p": p}
    )


def _index(totals: Floats, measure: str) -> tuple[Floats, Floats]:
    """Return every group's value of ``measure`` and its index against everybody."""
    column = {None: 0} | {name: i + 1 for i, name in enumerate(_SUMMED)}
    numerator, denominator = MEASURES[measure]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = totals[:, :, column[numerator]] / totals[:, :, column[denominator]]
        return values[:, 1:], 100 * values[:, 1:] / values[:, :1]


def _summary(people: pd.DataFrame, name: str, minimum_group: int) -> dict[str, object]:
    known = people[people[name].notna()]
    sizes = known[name].value_counts(sort=False)
    sizes = sizes[sizes > 0]
    few = sizes[too_small(sizes, minimum_group)]
    shown = sizes.index.difference(few.index, sort=False)
    groups = [known.loc[known[name] == level, "net_amount"] for level in shown]
    explained, p = _explained(groups)
    return {
        "attribute": name,
        "known": len(known),
        "coverage": len(known) / len(people),
        "levels": len(sizes) - len(few),
        "withheld": len(few),
        "customers_withheld": int(few.sum()),
        "explained": explained,
        "p": p,
    }


def _explained(groups: list[pd.Series]) -> tuple[float, float]:
    """Return epsilon squared and the p-value of the Kruskal-Wallis test; NaN below two groups."""
    from scipy.special import chdtrc

    n, k = sum(map(len, groups)), len(groups)
    if k < 2:
        return float("nan"), float("nan")
    values = pd.concat(groups, ignore_index=True)
    ranks, group = values.rank(), np.repeat(np.arange(k), [len(g) for g in groups])
    between = sum(
        len(g) * (ranks[group == i].mean() - (n + 1) / 2) ** 2 for i, g in enumerate(groups)
    )
    spread = ((ranks - (n + 1) / 2) ** 2).sum() / (n - 1)
    if spread == 0:
        return float("nan"), float("nan")
    h = between / spread
    return max(0.0, float((h - k + 1) / (n - k))), float(chdtrc(k - 1, h))


def known_against_unknown(
    features: pd.DataFrame, attributes: pd.DataFrame, *, confidence: float, seed: int
) -> pd.DataFrame:
    """Compare customers of whom something is known with the others.

    Returns
    -------
    pandas.DataFrame
        group (``known``: at least one attribute; ``unknown``), customers, share (of customers),
        net_share (of net amount), net_per_customer, and ratio with low and high: of its net
        amount per customer to that of the other group. Amounts are left out where either group is
        of fewer than `FEWEST_CUSTOMERS`, but not empty.

    Raises
    ------
    NotApplicable
        If no customer who bought can be told by a key, or nothing is known of any of them.
    """
    if features.empty:
        raise NotApplicable("No known customer bought in the period.")
    known, net = _known(features, attributes), features["net_amount"].to_numpy()
    if not known.any():
        raise NotApplicable("Nothing is known about the customers apart from what they bought.")
    member = np.column_stack([known, ~known]).astype("float64")
    drawn = resampled_totals(np.hstack([member, member * net[:, None]]), seed=seed)
    customers, sums = member.sum(axis=0), (member * net[:, None]).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, drawn_mean = sums / customers, drawn[:, 2:] / drawn[:, :2]
        ratio = mean / mean[::-1]
        low, high = percentile_interval(drawn_mean / drawn_mean[:, ::-1], confidence=confidence)
    table = pd.DataFrame(
        {
            "group": ["known", "unknown"],
            "customers": customers.astype("int64"),
            "share": customers / len(features),
            "net_share": sums / (net.sum() if net.sum() > 0 else np.nan),
            "net_per_customer": mean,
            "ratio": ratio,
            "low": low,
            "high": high,
        }
    )
    if 0 < customers.min() < FEWEST_CUSTOMERS:
        table[["net_share", "net_per_customer", "ratio", "low", "high"]] = np.nan
    return table


def _known(features: pd.DataFrame, attributes: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell of every row of ``features`` whether any attribute is known."""
    any_known = attributes.set_index("customer_id").notna().any(axis=1)
    return features["customer_id"].map(any_known).fillna(False).to_numpy(dtype=bool)
