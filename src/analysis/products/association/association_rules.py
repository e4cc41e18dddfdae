"""Rules A -> B from frequent itemsets, judged against everything that was searched.

How interesting a rule is, in the words of mlxtend and of the literature.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.products.association.mantel_haenszel import design_effects, moments
from analysis.stats.multiplicity import normal_quantile, q_values
from analysis.stats.proportions import fisher_more
from analysis.stats.types import Floats

if TYPE_CHECKING:
    from analysis.products.association.itemsets import Itemsets
    from analysis.products.baskets.order_index import Numbered


def clustered_lift(
    orders: Numbered, rules: pd.DataFrame, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return each rule's lift with an interval over whole customers.

    Returns
    -------
    pandas.DataFrame
        both, a, b (orders), customers (who have both in one order), lift, low, high; NaN where no
        order has both.

    Notes
    -----
    A customer's orders are alike, so that orders are no independent draws. The logarithm of the
    lift is linearised and its influences are summed within customers before they are squared (the
    sandwich of Liang and Zeger 1986, Biometrika 73(1), for a ratio of means).
    """
    counted, mirrored = moments(orders, rules)
    reach = normal_quantile(confidence)
    return _lifts(counted, mirrored, float(orders.told[1]), len(orders), reach)


def _lifts(
    counted: npt.NDArray[np.int64], mirrored: npt.NDArray[np.bool_], squares: float, orders: int,
    reach: float,
) -> pd.DataFrame:  # fmt: skip
    t, a, b, customers = counted[:, :4].T
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.column_stack([orders / t, -orders / a, -orders / b, np.ones(len(t))])
        # Squares of influences, of which every product of two different parts is there twice.
        twice = np.array([1, 2, 2, 2, 1, 2, 2, 1, 2, 1])
        rows, columns = np.triu_indices(4)
        parts = np.column_stack([counted[:, 4:], np.full(len(t), squares)])
        variance = (parts * twice * (x[:, rows] * x[:, columns])).sum(axis=1)
        lift = np.where(t > 0, t / (a * b) * orders, np.nan)
        spread = np.exp(reach * np.sqrt(np.maximum(variance, 0.0)) / orders)
    counts = {"both": t, "a": np.where(mirrored, b, a), "b": np.where(mirrored, a, b)}
    table = pd.DataFrame(counts | {"customers": customers, "lift": lift})
    return table.assign(low=lift / spread, high=lift * spread)


@dataclass(frozen=True)
class Rules:
    """Rules and the family they were tested in.

    Parameters
    ----------
    table
        One row a rule: antecedents and consequents (tuples of items), orders (with both),
        antecedent_orders, consequent_orders, the columns of `rule_metrics.metrics`, lift_low,
        lift_high, q (false discovery rate over the whole family), improvement (confidence less
        that of the best rule with a part of the antecedent, or none, and the same consequent).
    tested
        Size of the family: all splits of all sets that were looked at, frequent or not.
    orders
        Number of all orders.
    """

    table: pd.DataFrame
    tested: int
    orders: int

    def discoveries(self, *, fdr: float) -> pd.DataFrame:
        """Return the rules together more often than chance, at false discovery rate ``fdr``."""
        return self.table[self.table["q"] <= fdr]


def mine(
    itemsets: Itemsets,
    *,
    orders: Numbered | None = None,
    target: str | None = None,
    confidence: float = 0.95,
) -> Rules:
    """Return all rules that the itemsets make.

    Parameters
    ----------
    itemsets
        Frequent itemsets with all their parts.
    orders
        The same orders by customer, with all frequent items: those of one customer are alike, for
        which p-values and intervals then allow. Without, orders are taken as independent.
    target
        Only rules that lead to this item alone.
    confidence
        Coverage of the intervals of lift.

    Notes
    -----
    A pair that too few orders hold was looked at all the same, so that the family counts every
    candidate: all pairs of frequent items, all triples of frequent pairs, with all their splits.
    Those that never became frequent enter Benjamini and Hochberg's procedure as p = 1, which
    keeps the false discovery rate. A split and its mirror image are one test.
    """
    orders_of = dict(zip(itemsets.table["itemset"], itemsets.table["orders"], strict=True))
    rows = [
        (antecedent, consequent, count, orders_of[antecedent], orders_of[consequent])
        for itemset, count in orders_of.items()
        for antecedent, consequent in _splits(itemset, target)
    ]
    names = ["antecedents", "consequents", "orders", "antecedent_orders", "consequent_orders"]
    table = pd.DataFrame({n: pd.Series([r[i] for r in rows], dtype=object if i < 2 else "int64")
                          for i, n in enumerate(names)})  # fmt: skip
    table = _judged(table, itemsets.orders, orders, confidence)
    tested = sum(n * (2 ** (size - 1) - 1) for size, n in itemsets.searched.items() if size > 1)
    table["q"] = _q_over_family(table, tested)
    table["improvement"] = _improvement(table)
    order = ["lift_low", "orders", "confidence"]
    return Rules(_sorted(table, order), tested, itemsets.orders)


def _splits(
    itemset: tuple[str, ...], target: str | None
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    if target is not None:
        rest = tuple(item for item in itemset if item != target)
        return [(rest, (target,))] if target in itemset and rest else []
    return [
        (left, tuple(item for item in itemset if item not in left))
        for size in range(1, len(itemset))
        for left in combinations(itemset, size)
    ]


def _judged(
    table: pd.DataFrame, n: int, orders: Numbered | None, confidence: float
) -> pd.DataFrame:
    counts = [table[n] for n in ("orders", "antecedent_orders", "consequent_orders")]
    if orders is None:
        low, high = lift_interval(*counts, orders=n, confidence=confidence)
        measured = metrics(*counts, orders=n)
    else:
        ends = clustered_lift(orders, table, confidence=confidence)
        low, high = ends["low"].to_numpy(), ends["high"].to_numpy()
        measured = metrics(*counts, orders=n, worth=design_effects(orders, table))
    return pd.concat([table, measured], axis=1).assign(lift_low=low, lift_high=high)


def _q_over_family(table: pd.DataFrame, tested: int) -> Any:
    """Return q of each rule, mirror images tested once and the unseen as p = 1."""
    sides = zip(table["antecedents"], table["consequents"], strict=True)
    splits = pd.Series([tuple(sorted(s)) for s in sides], dtype=object, index=table.index)
    once = ~splits.duplicated()
    p = table.loc[once, "p"].to_numpy()
    unseen = np.ones(max(0, tested - len(p)))
    q = dict(zip(splits[once], q_values(np.concatenate([p, unseen]))[: len(p)], strict=True))
    return splits.map(q).astype("float64")


def _improvement(table: pd.DataFrame) -> list[float]:
    """Return what each antecedent adds over its parts (Bayardo, Agrawal and Gunopulos 1999)."""
    keys = list(zip(table["antecedents"], table["consequents"], strict=True))
    known = dict(zip(keys, table["confidence"], strict=True))
    base = table["consequent support"].to_numpy()
    gains = []
    for (antecedent, consequent), alone in zip(keys, base, strict=True):
        parts = (
            known.get((part, consequent), 0.0)
            for size in range(1, len(antecedent))
            for part in combinations(antecedent, size)
        )
        gains.append(float(known[antecedent, consequent] - max([alone, *parts])))
    return gains


def prune(rules: Rules, *, min_improvement: float = 0.01) -> pd.DataFrame:
    """Return the rules whose antecedent adds something to all its parts.

    Parameters
    ----------
    rules
        All rules, so that the parts are there to compare with.
    min_improvement
        Points of confidence, as a fraction, that the whole antecedent must add.
    """
    table = rules.table
    return table[table["improvement"] >= min_improvement].reset_index(drop=True)


def _sorted(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    names = {"left": "antecedents", "right": "consequents"}
    keys = {key: table[side].map("\x1f".join) for key, side in names.items()}
    ordered = table.assign(**keys).sort_values(
        [*by, "left", "right"], ascending=[False] * len(by) + [True, True]
    )
    return ordered.drop(columns=["left", "right"]).reset_index(drop=True)


def metrics(
    both: npt.ArrayLike,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    orders: int,
    worth: npt.ArrayLike = 1.0,
) -> pd.DataFrame:
    """Return all metrics of rules A -> B from how many orders hold A, B and both.

    Parameters
    ----------
    both, a, b
        Orders with both sides, with the antecedent, with the consequent.
    orders
        All orders.
    worth
        Orders that tell no more than one independent one, as `alike.design_effects` has it.

    Returns
    -------
    pandas.DataFrame
        Named and defined as in mlxtend: antecedent support, consequent support, support,
        confidence, lift, representativity, leverage, conviction (infinite where the confidence
        is 1), zhangs_metric, jaccard, certainty, kulczynski. Also cosine and imbalance_ratio
        (Wu, Chen and Han 2010, Re-examination of interestingness measures, table 3 and
        section 4), and p, that of Fisher's exact test for more than chance on orders / worth.
    """
    both, a, b = (np.asarray(v, dtype=np.float64) for v in (both, a, b))
    k = np.asarray(worth, dtype=np.float64)
    s, sa, sb = both / orders, a / orders, b / orders
    confidence, leverage = s / sa, s - sa * sb
    return pd.DataFrame(
        {
            "antecedent support": sa,
            "consequent support": sb,
            "support": s,
            "confidence": confidence,
            "lift": confidence / sb,
            "representativity": np.ones_like(s),
            "leverage": leverage,
            "conviction": _conviction(both, a, sb),
            "zhangs_metric": _ratio(leverage, np.maximum(s * (1 - sa), sa * (sb - s))),
            "jaccard": both / (a + b - both),
            "certainty": _ratio(confidence - sb, 1 - sb),
            "kulczynski": (both / a + both / b) / 2,
            "cosine": both / np.sqrt(a * b),
            "imbalance_ratio": np.abs(a - b) / (a + b - both),
            "p": fisher_more(both / k, a / k, b / k, orders / k),
        }
    )


def _conviction(both: Floats, a: Floats, sb: Floats) -> Floats:
    misses = (a - both) / a
    return np.divide(1 - sb, misses, out=np.full_like(a, np.inf), where=misses > 0)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Return the ratio; 0 where nothing could be said, as mlxtend has it."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)


def lift_interval(
    both: npt.ArrayLike,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    orders: int,
    confidence: float = 0.95,
) -> tuple[Floats, Floats]:
    """Return the ends of the interval of a lift, orders taken as independent.

    By the delta method on its logarithm, whose variance over n orders with shares p is
    (1/p_ab - 1/p_a - 1/p_b + 2 p_ab / (p_a p_b) - 1) / n. NaN where no order holds both.
    """
    both, a, b = (np.asarray(v, dtype=np.float64) for v in (both, a, b))
    none = both == 0
    s, sa, sb = np.where(none, 1.0, both) / orders, a / orders, b / orders
    lift = s / (sa * sb)
    variance = np.maximum(1 / s - 1 / sa - 1 / sb + 2 * lift - 1, 0) / orders
    reach = np.exp(normal_quantile(confidence) * np.sqrt(variance))
    return np.where(none, np.nan, lift / reach), np.where(none, np.nan, lift * reach)
