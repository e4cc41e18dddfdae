"""For whom a promotion worked: exploratory, drawn towards all, corrected for the search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.experiments import adjustment
from analysis.promotions.experiments.effect import Effect
from analysis.promotions.outcomes import moments
from analysis.promotions.outcomes.outcomes import CONTROL, COVARIATES
from analysis.stats.multiplicity import normal_quantile, q_values, two_sided_p
from analysis.stats.random_effects import shrink
from analysis.stats.sizes import FEWEST_CUSTOMERS


def with_past(people: pd.DataFrame, attributes: pd.DataFrame) -> pd.DataFrame:
    """Return the attributes of people, and their third by what they brought before.

    Parameters
    ----------
    people
        ``alternatives.customers``.
    attributes
        customer_id and one column of groups an attribute; customers without a row have none.
    """
    chosen = people[["customer_id"]].merge(attributes, on="customer_id", how="left")
    rank = people["before_margin"].rank(method="first").to_numpy()
    third = np.ceil(rank * 3 / len(people)).astype(int) - 1
    names = np.array(["lowest third", "middle third", "highest third"], dtype=object)
    chosen["margin before"] = pd.Categorical(names[third], list(names), ordered=True)
    return chosen


def effects(
    people: pd.DataFrame, groups: pd.DataFrame, metric: str, *, confidence: float
) -> pd.DataFrame:
    """Return the effect in every segment.

    Parameters
    ----------
    people
        Both arms, one row a customer.
    groups
        ``with_past``, the rows in the same order as ``people``.
    metric
        Column compared.
    confidence
        Of the intervals of the shrunk effects.

    Returns
    -------
    pandas.DataFrame
        attribute, segment, n, n_control, difference, error, shrunk, low, high (of shrunk),
        against_rest (difference to the effect on everybody else), p (of that), q (false discovery
        rate at which it would be called different, over all segments searched).

    Raises
    ------
    NotApplicable
        If no attribute has two segments that are large enough.

    Notes
    -----
    Within an attribute, effects are drawn towards their common mean by the part of their spread
    that chance explains (random effects, the spread by Paule and Mandel 1982, J. Res. Natl. Bur.
    Stand. 87(5), 377-385).
    """
    parts = []
    own = people["arm"].ne(CONTROL).to_numpy()
    for name in groups.columns.drop("customer_id"):
        rows = _levels(people, own, groups[name], metric)
        if len(rows) > 1:
            parts.append(_shrunk(pd.DataFrame(rows).assign(attribute=name), confidence))
    if not parts:
        raise NotApplicable(
            f"No attribute has two segments with {FEWEST_CUSTOMERS} customers or more in each arm, "
            "some of whom bought."
        )
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(q=q_values(table["p"]))
    columns = ["attribute", "segment", "n", "n_control", "difference", "error", "shrunk", "low"]
    return table[[*columns, "high", "against_rest", "p", "q"]]


def _levels(
    people: pd.DataFrame, own: npt.NDArray[np.bool_], groups: pd.Series, metric: str
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    levels = (
        groups.cat.categories if groups.dtype == "category" else sorted(groups.dropna().unique())
    )
    for level in levels:
        inside = groups.eq(level).to_numpy(dtype=bool, na_value=False)
        known = groups.notna().to_numpy()
        sizes = [int((inside & side).sum()) for side in (own, ~own)]
        others = [int((known & ~inside & side).sum()) for side in (own, ~own)]
        if min(*sizes, *others) < FEWEST_CUSTOMERS:
            continue
        here = _effect(people, own, inside, metric)
        if not here.error > 0:  # nobody in it bought: how sure its effect is cannot be said
            continue
        there = _effect(people, own, known & ~inside, metric)
        gap = float(here.difference - there.difference)
        error = float(np.hypot(here.error, there.error))
        rows.append(
            {
                "segment": str(level),
                "n": sizes[0],
                "n_control": sizes[1],
                "difference": float(here.difference),
                "error": float(here.error),
                "against_rest": gap,
                "p": float(two_sided_p(gap / error)) if error > 0 else np.nan,
            }
        )
    return rows


def _effect(
    people: pd.DataFrame,
    own: npt.NDArray[np.bool_],
    inside: npt.NDArray[np.bool_],
    metric: str,
) -> Effect:
    names = [metric, *(c for c in COVARIATES if c != metric)]
    arms = [moments.of_frame(people[inside & side], names) for side in (own, ~own)]
    used = adjustment.usable(arms, COVARIATES).used
    return adjustment.regression(arms[0], arms[1], metric, used)


def _shrunk(rows: pd.DataFrame, confidence: float) -> pd.DataFrame:
    shrunk, error, _ = shrink(rows["difference"].to_numpy(), rows["error"].to_numpy())
    reach = normal_quantile(confidence) * error
    return rows.assign(shrunk=shrunk, low=shrunk - reach, high=shrunk + reach)


def shown(table: pd.DataFrame, *, attributes: Sequence[str] = (), most: int = 16) -> pd.DataFrame:
    """Return the segments to draw: of the attributes that separate most, level by level."""
    order = table.groupby("attribute", sort=False)["p"].min().sort_values(kind="stable").index
    chosen: list[str] = []
    rows = 0
    for name in [*attributes, *order]:
        size = int((table["attribute"] == name).sum())
        if name not in chosen and rows + size <= most:
            chosen, rows = [*chosen, name], rows + size
    parts = [table[table["attribute"] == name] for name in chosen]
    return pd.concat(parts, ignore_index=True)
