"""Whether it is the pair, or what its orders share: size, store, week, customer, promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.discoveries import normal_quantile

if TYPE_CHECKING:
    import ibis
    import pandas as pd

Floats = npt.NDArray[np.float64]


def mantel_haenszel(cells: ibis.Table, *, rules: int, confidence: float = 0.95) -> pd.DataFrame:
    """Return the common odds ratio of each rule over its strata, and whether it is one.

    Parameters
    ----------
    cells
        From `cells.by_stratum`.
    rules
        Number of rules, so that those without any informative stratum are there, too.
    confidence
        Coverage of the interval.

    Returns
    -------
    pandas.DataFrame
        rule, strata (with something to compare), odds_ratio, low, high, together (orders with
        both), expected (the same by chance within strata), chi2 (the
        Cochran-Mantel-Haenszel statistic with continuity correction, one degree of freedom),
        p (its upper tail, two-sided), reason (why there is no estimate, else empty).

    Notes
    -----
    Mantel and Haenszel (1959), J. Natl. Cancer Inst. 22(4); the variance of the logarithm is that
    of Robins, Breslow and Greenland (1986), Biometrics 42(2), right for many sparse strata.
    """
    import pandas as pd
    from scipy.special import chdtrc

    sums = _sums(cells).to_pandas().set_index("rule").reindex(range(rules))
    s = sums.fillna(0.0).astype("float64")
    r, q = s["r"].to_numpy(), s["s"].to_numpy()
    known = (r > 0) & (q > 0)
    r_, q_ = np.where(known, r, 1.0), np.where(known, q, 1.0)
    variance = s["pr"] / (2 * r_**2) + s["ps_qr"] / (2 * r_ * q_) + s["qs"] / (2 * q_**2)
    reach = normal_quantile(confidence) * np.sqrt(variance.to_numpy())
    log = np.where(known, np.log(r_ / q_), np.nan)
    spread = s["v"].to_numpy()
    distance = np.maximum(np.abs(s["o"] - s["e"]).to_numpy() - 0.5, 0)
    statistic = np.divide(distance**2, spread, out=np.full(rules, np.nan), where=spread > 0)
    return pd.DataFrame(
        {
            "rule": range(rules),
            "strata": s["strata"].astype("int64").to_numpy(),
            "odds_ratio": np.exp(log),
            "low": np.exp(log - reach),
            "high": np.exp(log + reach),
            "together": s["o"].astype("int64").to_numpy(),
            "expected": s["e"].to_numpy(),
            "chi2": statistic,
            "p": chdtrc(1, statistic),
            "reason": np.where(known, "", "no stratum has both sides apart from each other"),
        }
    )


#: Terms are summed as whole numbers of so small a part: exact, whatever order the engine takes.
_PART = float(1 << 30)


def _sums(cells: ibis.Table) -> ibis.Table:
    """Return the sums over strata that the estimate, its variance and the test are made of."""
    a, b, c, d = (cells[n].cast("float64") for n in ("both", "a_only", "b_only", "neither"))
    n = a + b + c + d
    cells = cells.mutate(
        r=a * d / n, s=b * c / n, p=(a + d) / n, q=(b + c) / n,
        o=a, e=(a + b) * (a + c) / n,
        v=((a + b) * (c + d) * (a + c) * (b + d) / (n * n * (n - 1).nullif(0))).fill_null(0.0),
        informative=((a + b > 0) & (a + c > 0)).cast("int64"),
    )  # fmt: skip
    cells = cells.filter(a + b + c + d > 0)
    terms = {
        "r": cells.r, "s": cells.s, "pr": cells.p * cells.r,
        "ps_qr": cells.p * cells.s + cells.q * cells.r, "qs": cells.q * cells.s,
        "o": cells.o, "e": cells.e, "v": cells.v,
    }  # fmt: skip
    sums = {name: _exact_sum(term) for name, term in terms.items()}
    return cells.group_by("rule").agg(strata=cells.informative.sum(), **sums)


def _exact_sum(term: ibis.Value) -> ibis.Value:
    return (term * _PART).round().cast("int64").sum().cast("float64") / _PART


def clustered_lift(
    cells: ibis.Table, *, orders: int, rules: int, confidence: float = 0.95
) -> pd.DataFrame:
    """Return each rule's lift with an interval over whole customers.

    Parameters
    ----------
    cells
        From `cells.by_stratum` with the customer as the only stratum, sizes left aside.
    orders
        Orders of all the customers, theirs included.
    rules
        Number of rules.
    confidence
        Coverage of the interval.

    Returns
    -------
    pandas.DataFrame
        rule, both, a, b (orders), customers (who have both in one order), lift, low, high.

    Notes
    -----
    A customer's orders are alike, so that orders are no independent draws. The logarithm of the
    lift is linearised and its influences are summed within customers before they are squared (the
    sandwich of Liang and Zeger 1986, Biometrika 73(1), for a ratio of means).
    """
    import pandas as pd

    both, a, b = cells.both, cells.both + cells.a_only, cells.both + cells.b_only
    n = cells.both + cells.a_only + cells.b_only + cells.neither
    columns = {"t": both, "a": a, "b": b, "n": n}
    products = [(x, y) for i, x in enumerate(columns) for y in list(columns)[i:]]
    sums = cells.group_by("rule").agg(
        **{f"sum_{x}": columns[x].sum() for x in ("t", "a", "b")},
        **{f"{x}{y}": (columns[x] * columns[y]).cast("float64").sum() for x, y in products},
        customers=(both > 0).cast("int64").sum(),
    )
    m = sums.to_pandas().set_index("rule").reindex(range(rules)).fillna(0.0).astype("float64")
    known = (m["sum_t"] > 0).to_numpy()
    share = {x: np.where(known, m[f"sum_{x}"], 1.0) / orders for x in ("t", "a", "b")}
    weight: dict[str, Floats] = {
        "t": 1 / share["t"],
        "a": -1 / share["a"],
        "b": -1 / share["b"],
        "n": np.ones(rules),
    }
    # Customers with neither side have influence n, too: their squares are small beside the others.
    variance = (
        sum(
            (1 if x == y else 2) * weight[x] * weight[y] * m[f"{x}{y}"].to_numpy()
            for x, y in products
        )
        / float(orders) ** 2
    )
    log = np.log(share["t"] / (share["a"] * share["b"]))
    reach = normal_quantile(confidence) * np.sqrt(np.maximum(variance, 0))
    ends = {"lift": log, "low": log - reach, "high": log + reach}
    counts = m[["sum_t", "sum_a", "sum_b", "customers"]].astype("int64").reset_index()
    counts.columns = pd.Index(["rule", "both", "a", "b", "customers"])
    return counts.assign(**{k: np.where(known, np.exp(v), np.nan) for k, v in ends.items()})
