"""Where customers are worth more: regions and stores, small ones shrunk towards all.

A store with few customers has the highest and the lowest mean by luck alone. Each mean is
therefore drawn towards the mean of all stores as far as its own spread says it is uncertain
(empirical Bayes: Efron and Morris 1975, Data analysis using Stein's estimator, Journal of the
American Statistical Association 70, 311-319; the spread between stores by Paule and Mandel 1982,
Journal of Research of the National Bureau of Standards 87, 377-385).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.random_effects import shrink
from analysis.stats.sizes import FEWEST_CUSTOMERS, too_small


def by_area(
    features: pd.DataFrame,
    areas: pd.Series,
    *,
    value: str = "net_amount",
    confidence: float = 0.95,
    fewest: int = FEWEST_CUSTOMERS,
) -> pd.DataFrame:
    """Say what a customer of each area is worth, small areas shrunk.

    Parameters
    ----------
    features
        One row a customer.
    areas
        Each customer's area by row of ``features``: region, or main store. Missing is left out.
    value
        Column averaged.
    confidence
        Coverage of the intervals.
    fewest
        Areas of fewer customers are one row, the last, without an estimate of its own: whoever
        lives there could be told from it.

    Returns
    -------
    pandas.DataFrame
        area, customers, penetration (share of all customers), net_share (of the value), mean (raw,
        a customer), shrunk, low, high, weight (how far the area speaks for itself, 0 to 1), the
        largest shrunk mean first.

    Raises
    ------
    NotApplicable
        If there are fewer than three areas, or fewer than three that are large enough.
    """
    known = features[areas.notna()]
    groups = known[value].groupby(areas[areas.notna()].astype("object"))
    n, mean = groups.size(), groups.mean()
    if len(n) < 3:
        raise NotApplicable(f"Areas cannot be compared: fewer than three are known ({len(n)}).")
    pooled = float(np.sqrt((groups.var(ddof=1).fillna(0) * (n - 1)).sum() / max((n - 1).sum(), 1)))
    # One spread for all: where spending is skewed, a low mean brings a low spread, and an area's
    # own spread would make low means look certain.
    error = pooled / np.sqrt(n.to_numpy("float64"))
    shrunk, spread, weight = shrink(mean.to_numpy("float64"), error)
    reach = normal_quantile(confidence) * spread
    table = pd.DataFrame(
        {
            "area": n.index.astype("str"),
            "customers": n.to_numpy(),
            "penetration": (n / len(features)).to_numpy(),
            "net_share": (groups.sum() / features[value].sum()).to_numpy(),
            "mean": mean.to_numpy(),
            "shrunk": shrunk,
            "low": shrunk - reach,
            "high": shrunk + reach,
            "weight": weight,
        }
    )
    order = table.sort_values(["shrunk", "area"], ascending=[False, True])
    return _with_small_ones_joined(order.reset_index(drop=True), fewest)


def _with_small_ones_joined(table: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """Return the areas with those that are too small in one row; totals stay as they are."""
    small = too_small(table["customers"], fewest)
    shown, joined = table[~small], table[small]
    if len(shown) < 3:
        raise NotApplicable(f"Areas cannot be compared: fewer than three have {fewest} customers.")
    if joined.empty:
        return table
    sums = joined[["customers", "penetration", "net_share"]].sum()
    mean = np.average(joined["mean"], weights=joined["customers"])
    others = {"area": f"{len(joined)} others, small", **sums.to_dict(), "mean": mean}
    rows = pd.concat([shown, pd.DataFrame([others])], ignore_index=True)
    return rows.astype({"customers": "int64"})


def regions(features: pd.DataFrame, attributes: pd.DataFrame) -> pd.Series:
    """Return each customer's region by row of ``features``; NotApplicable if none is known."""
    name = next((n for n in ("region", "city") if n in attributes.columns), None)
    if name is None:
        raise NotApplicable("Regions cannot be compared: the study knows none.")
    return features["customer_id"].map(attributes.set_index("customer_id")[name].astype("object"))


def preferences(features: pd.DataFrame, spending: pd.DataFrame, areas: pd.Series) -> pd.DataFrame:
    """Say which departments each area buys more of, shrunk over areas department by department.

    Parameters
    ----------
    features
        One row a customer.
    spending
        ``tastes.fetch``.
    areas
        Each customer's area by row of ``features``.

    Returns
    -------
    pandas.DataFrame
        area, department, customers, share (of the area's spending, raw), everywhere, index
        (shrunk, 100 the average), low, high (95 %): the highest index of each area first.
    """
    people = features[["customer_id"]].merge(spending, on="customer_id", how="left")
    people = people.fillna(0.0).assign(area=areas.to_numpy())
    sizes = people["area"].value_counts()
    shown = sorted(str(a) for a in sizes.index[sizes >= FEWEST_CUSTOMERS])
    if len(shown) < 3:
        raise NotApplicable(f"Preferences need three areas of {FEWEST_CUSTOMERS} customers.")
    rows = []
    for name in spending.columns.drop(["customer_id", "total"]):
        if name.endswith("(proxy)"):
            continue
        everywhere = people[name].sum() / people["total"].sum()
        estimates = [_log_index(people[people["area"] == a], name, everywhere) for a in shown]
        value, error = np.array(estimates).T
        shrunk, spread, _ = shrink(value, error)
        for area, middle, reach in zip(shown, shrunk, 1.96 * spread, strict=True):
            ends = np.exp([middle, middle - reach, middle + reach]) * 100
            rows.append((area, name, int(sizes[area]), everywhere, *ends))
    columns = ["area", "department", "customers", "everywhere", "index", "low", "high"]
    table = pd.DataFrame(rows, columns=columns)
    order = table.sort_values(["area", "index"], ascending=[True, False])
    return order.reset_index(drop=True)


def clear_preferences(found: pd.DataFrame) -> pd.DataFrame:
    """Return what areas surely buy more of, the clearest first; NotApplicable where nothing is."""
    clear = found[found["low"] > 100]
    if clear.empty:
        raise NotApplicable("No area significantly buys more of anything than everybody.")
    return clear.sort_values(["low", "area"], ascending=[False, True]).reset_index(drop=True)


def _log_index(people: pd.DataFrame, name: str, everywhere: float) -> tuple[float, float]:
    """Return the logarithm of an area's index and its error, customers the unit (delta method)."""
    part, total = people[name].to_numpy(), people["total"].to_numpy()
    if part.sum() <= 0 or everywhere <= 0:
        return 0.0, 10.0
    share = part.sum() / total.sum()
    error = np.sqrt(((part - share * total) ** 2).sum()) / total.sum() / share
    return float(np.log(share / everywhere)), float(max(error, 1e-3))
