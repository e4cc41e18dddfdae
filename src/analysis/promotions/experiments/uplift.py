"""For whom a promotion works: T-, X- and DR-learner, what their ranking is worth, and subgroups.

Every prediction is for a customer that the model has not seen, so that what it is worth (Qini,
AUUC, whether it beats treating all) can be measured on the same customers. Groups are exploratory:
drawn towards all, corrected for the search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.experiments import adjustment
from analysis.promotions.experiments.adjustment import Effect
from analysis.promotions.outcomes import moments
from analysis.promotions.outcomes.outcomes import CONTROL, COVARIATES
from analysis.promotions.outcomes.purchases import GROUPS, MEASURES
from analysis.stats.multiplicity import normal_quantile, q_values, two_sided_p
from analysis.stats.random_effects import shrink
from analysis.stats.resampling import percentile_interval
from analysis.stats.sizes import FEWEST_CUSTOMERS, FEWEST_TO_LEARN
from analysis.stats.types import Flags, Floats, Integers

LEARNERS = ("T-learner", "X-learner", "DR-learner")

_FOLDS = 5


def inputs(people: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of customers from before the start, as numbers.

    An attribute that hardly anybody states, or all state alike, is left out: nothing can be learnt
    from it, and a model that leaves a part of the customers out may see no value of it at all.

    Parameters
    ----------
    people
        Both arms, one row a customer, with the columns ``before_...`` of outcomes.
    groups
        ``segments.with_past``, the rows in the same order.
    """
    past = [f"before_{group}{measure}" for group in GROUPS for measure in MEASURES]
    numbers = people[past].astype(float)
    coded = {}
    for name in groups.columns.drop("customer_id"):
        codes = pd.Categorical(groups[name]).codes.astype(float)
        known = codes[codes >= 0]
        if len(known) < FEWEST_CUSTOMERS or len(np.unique(known)) < 2:
            continue
        coded[f"attribute {name}"] = np.where(codes < 0, np.nan, codes)
    return pd.concat([numbers, pd.DataFrame(coded, index=people.index)], axis=1)


def predict(people: pd.DataFrame, known: pd.DataFrame, metric: str, *, seed: int) -> pd.DataFrame:
    """Return every customer's predicted effect, by each learner, from models that left them out.

    Parameters
    ----------
    people
        Both arms, one row a customer.
    known
        ``inputs``.
    metric
        Column whose effect is predicted.
    seed
        Of the folds.

    Returns
    -------
    pandas.DataFrame
        customer_id, one column a learner, and score: an unbiased reading of the customer's own
        effect (augmented inverse probability weighting), noisy for one, right on average.

    Raises
    ------
    NotApplicable
        With fewer than `FEWEST_TO_LEARN` customers in an arm.

    Notes
    -----
    T and X: Künzel, Sekhon, Bickel and Yu (2019), PNAS 116(10), 4156-4165; DR: Kennedy (2023),
    Electronic Journal of Statistics 17(2), 3008-3049. Base learner: gradient-boosted trees of
    depth three, held back by large leaves.
    """
    treated = people["arm"].ne(CONTROL).to_numpy()
    if min(treated.sum(), (~treated).sum()) < FEWEST_TO_LEARN:
        raise NotApplicable(
            f"Predicting who responds takes {FEWEST_TO_LEARN} customers or more in each arm."
        )
    x, y = known.to_numpy(dtype=float), people[metric].to_numpy(dtype=float)
    fold = _folds(treated, seed)
    found = {name: np.empty(len(y)) for name in (*LEARNERS, "score")}
    for k in range(_FOLDS):
        train, test = fold != k, fold == k
        chance = float(treated[train].mean())
        for name, values in _fold(x, y, treated, train, test, chance, fold).items():
            found[name][test] = values
    return pd.DataFrame({"customer_id": people["customer_id"].to_numpy(), **found})


def _folds(treated: Flags, seed: int) -> Integers:
    """Give folds at random, each with the same part of both arms."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(treated), dtype=np.int64)
    for side in (treated, ~treated):
        places = rng.permutation(np.flatnonzero(side))
        fold[places] = np.arange(len(places)) % _FOLDS
    return fold


def _fold(
    x: Floats, y: Floats, treated: Flags, train: Flags, test: Flags, chance: float, fold: Integers
) -> dict[str, Floats]:
    one, two = train & treated, train & ~treated
    with_it, without = _fit(x[one], y[one]), _fit(x[two], y[two])
    mu1, mu0 = with_it(x[test]), without(x[test])
    gain1 = _fit(x[one], y[one] - without(x[one]))
    gain0 = _fit(x[two], with_it(x[two]) - y[two])
    direct = _fit(x[train], _own_scores(x, y, treated, train, chance, fold))
    own = treated[test]
    return {
        LEARNERS[0]: mu1 - mu0,
        LEARNERS[1]: chance * gain0(x[test]) + (1 - chance) * gain1(x[test]),
        LEARNERS[2]: direct(x[test]),
        "score": _score(y[test], own, mu1, mu0, chance),
    }


def _own_scores(
    x: Floats, y: Floats, treated: Flags, train: Flags, chance: float, fold: Integers
) -> Floats:
    """Return the scores of the training customers, each from the other half of them."""
    half = fold % 2 == 0
    scores = np.empty(len(y))
    for side in (half, ~half):
        fitted, left = train & ~side, train & side
        mu1 = _fit(x[fitted & treated], y[fitted & treated])(x[left])
        mu0 = _fit(x[fitted & ~treated], y[fitted & ~treated])(x[left])
        scores[left] = _score(y[left], treated[left], mu1, mu0, chance)
    return scores[train]


def _score(y: Floats, own: Flags, mu1: Floats, mu0: Floats, chance: float) -> Floats:
    right = np.where(own, (y - mu1) / chance, -(y - mu0) / (1 - chance))
    return mu1 - mu0 + right


def _fit(x: Floats, y: Floats) -> Callable[[Floats], Floats]:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model: Any = HistGradientBoostingRegressor(
        max_iter=40, max_depth=3, min_samples_leaf=60, l2_regularization=10.0, early_stopping=False
    )
    with threadpool_limits(limits=1):
        model.fit(x, y)
    return lambda rows: np.asarray(model.predict(rows), dtype=float)


_BATCH = 100


def curve(predicted: Floats, scores: Floats) -> Floats:
    """Return what treating the best ranked brings a customer of all, by share treated.

    Customers with equal predictions come in an order that has nothing to do with the outcome:
    their scores count as their mean.
    """
    order = np.argsort(-predicted, kind="stable")
    ranked = _ties_averaged(predicted[order], scores[order])
    return np.concatenate([[0.0], np.cumsum(ranked)]) / len(scores)


def _ties_averaged(predicted: Floats, scores: Floats) -> Floats:
    starts = np.flatnonzero(np.r_[True, predicted[1:] != predicted[:-1]])
    sizes = np.diff(np.r_[starts, len(predicted)])
    return np.repeat(np.add.reduceat(scores, starts) / sizes, sizes)


def auuc(predicted: Floats, scores: Floats) -> float:
    """Return the area under `curve`."""
    gained = curve(predicted, scores)
    return float((gained[:-1] + gained[1:]).sum() / 2 / len(scores))


def qini(predicted: Floats, scores: Floats) -> float:
    """Return the area between `curve` and treating the same share at random.

    Radcliffe (2007), Direct Marketing Analytics Journal, 14-21, on doubly robust scores, which
    makes it a rank-weighted average effect: Yadlowsky, Fleming, Shah, Brunskill and Wager (2025),
    J. Am. Statist. Assoc. 120(549), 38-51.
    """
    return auuc(predicted, scores) - float(scores.mean()) / 2


def judge(
    predicted: pd.DataFrame,
    learners: Sequence[str],
    *,
    cost: float,
    confidence: float,
    seed: int,
    resamples: int = 500,
) -> pd.DataFrame:
    """Return what each learner's ranking is worth, with intervals for all of them together.

    Parameters
    ----------
    predicted
        ``uplift.predict``: one column a learner, and score.
    learners
        Columns to judge.
    cost
        What treating a customer costs beyond what the measure has in it already.
    confidence
        For all learners at once (Bonferroni).
    seed, resamples
        Of the bootstrap over customers.

    Returns
    -------
    pandas.DataFrame
        learner, auuc, qini with qini_low, qini_high, treated (share that the learner would treat:
        predicted above cost), value (what that brings a customer of all), gain (over treating
        all, or nobody where that is better) with gain_low, gain_high, offered (gain_low > 0).
    """
    level = 1 - (1 - confidence) / len(learners)
    scores = predicted["score"].to_numpy(dtype=float)
    n = len(scores)
    weights = _weights(n, resamples, np.random.default_rng(seed))
    rows = []
    for name in learners:
        ranked = predicted[name].to_numpy(dtype=float)
        chosen = ranked > cost
        gains = np.where(chosen, scores - cost, 0.0)
        plain = np.maximum(0.0, (scores - cost).mean())
        redrawn = _redrawn(ranked, scores, gains, cost, weights)
        low, high = percentile_interval(redrawn, confidence=level)
        rows.append(
            {
                "learner": name,
                "auuc": auuc(ranked, scores),
                "qini": qini(ranked, scores),
                "qini_low": low[0],
                "qini_high": high[0],
                "treated": float(chosen.mean()),
                "value": float(gains.mean()),
                "gain": float(gains.mean() - plain),
                "gain_low": low[1],
                "gain_high": high[1],
                "offered": bool(low[1] > 0),
            }
        )
    return pd.DataFrame(rows)


def _weights(n: int, resamples: int, rng: np.random.Generator) -> list[Floats]:
    sizes = [min(_BATCH, resamples - done) for done in range(0, resamples, _BATCH)]
    return [rng.multinomial(n, np.full(n, 1 / n), size=size).astype(float) for size in sizes]


def _redrawn(
    ranked: Floats, scores: Floats, gains: Floats, cost: float, weights: Sequence[Floats]
) -> Floats:
    """Return Qini and the gain over the better of all and nobody, resample by resample."""
    order = np.argsort(-ranked, kind="stable")
    own = _ties_averaged(ranked[order], scores[order])
    n, found = len(scores), []
    for drawn in weights:
        sorted_weights = drawn[:, order]
        running = np.cumsum(sorted_weights * own, axis=1) / n
        area = np.sum(running * sorted_weights, axis=1) / n - (sorted_weights**2 @ own) / 2 / n**2
        everybody = drawn @ scores / n
        best = np.maximum(0.0, everybody - cost)
        found.append(np.column_stack([area - everybody / 2, drawn @ gains / n - best]))
    return np.vstack(found)


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
    people: pd.DataFrame, own: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_], metric: str
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
