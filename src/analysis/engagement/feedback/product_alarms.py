"""Early warning on products: more returns, and more reviews that tell of a defect, than usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.engagement.feedback.text_topics import DEFECT, Topics
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import q_values
from analysis.stats.proportions import fisher_more
from analysis.stats.sizes import FEWEST_LINES_SOLD, FEWEST_OF_DEPARTMENT
from analysis.stats.types import Floats
from analysis.tables.engine import Tables
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

#: False discovery rate of alarms, and how many times the usual either sign must at least be.
RATE, LEAST_RATIO = 0.05, 1.5
#: Draws of a shop without a defective product.
DRAWS = 100


@dataclass(frozen=True)
class Alarms:
    """Products with signs of a defect.

    Parameters
    ----------
    products
        One row a product with enough sales: product_id, name, department, lines, returned,
        expected, return_ratio, reviews, bad (reviews with low stars or that tell of a defect),
        bad_expected, word_ratio, p, q, alarm, signs (returns, words, both), since (first month at
        whose end there would have been an alarm), and, as report 01 has them, rate (share of its
        orders that come back), usual_rate and faulty (called there, by returns alone); NaN
        without.
    false_alarms
        Share of draws, of the same sales and reviews with no product different from the others of
        its department, in which at least one product is called.
    spread
        By how much the returns of products scatter beyond chance (variance over Poisson's).
    """

    products: pd.DataFrame
    false_alarms: float
    spread: float


@dataclass(frozen=True)
class _Counts:
    """Lines, returns, reviews and bad ones by product (rows) and month (columns)."""

    lines: Floats
    returned: Floats
    reviews: Floats
    bad: Floats

    def until(self, month: int) -> _Counts:
        parts = (self.lines, self.returned, self.reviews, self.bad)
        return _Counts(*(v[:, : month + 1].sum(axis=1) for v in parts))


@without("topics", "rates")
def warn(
    tables: Tables,
    period: Period,
    *,
    topics: Topics | None = None,
    rates: pd.DataFrame | None = None,
    seed: int = 0,
) -> Alarms:
    """Return the products that come back, or are written of as broken, more than others do.

    Parameters
    ----------
    tables
        The study's tables.
    period
        Days looked at.
    topics
        Topics of the period's texts; without them returns alone are looked at.
    rates
        Return rates as report 01 published them; they decide nothing here.
    seed
        Seed of the simulated false alarms.

    Raises
    ------
    NotApplicable
        If nothing was returned and nothing written.
    """
    sales = _sales(tables, period)
    if not sales["returned"].sum() and topics is None:
        raise NotApplicable("Nothing was returned and nothing was written about a product.")
    months = pd.date_range(period.start, period.last_day, freq="MS").union(
        [pd.Timestamp(period.start).replace(day=1)]
    )
    products = _products(tables, sales)
    counts = _counts(sales, products, topics, months)
    groups = pd.factorize(products["department"])[0]
    found = _judged(counts.until(len(months) - 1), groups)
    called = [_judged(counts.until(m), groups)["alarm"] for m in range(len(months))]
    since = _since(np.array(called), months)
    table = _with_rates(products.assign(**found, since=since), rates)
    draws = _false_alarms(counts.until(len(months) - 1), groups, found["spread"][0], seed)
    spread = float(found["spread"][0])
    table = table.drop(columns="spread").sort_values(["p", "product_id"]).reset_index(drop=True)
    return Alarms(table, draws, spread)


def _with_rates(table: pd.DataFrame, rates: pd.DataFrame | None) -> pd.DataFrame:
    """Add what report 01 says of each product's returns."""
    if rates is None:
        return table.assign(rate=np.nan, usual_rate=np.nan, faulty=False)
    known = rates[["product_id", "rate", "usual", "faulty"]].rename(columns={"usual": "usual_rate"})
    both = table.merge(known, on="product_id", how="left")
    return both.assign(faulty=both["faulty"].eq(True))


def _sales(tables: Tables, period: Period) -> pd.DataFrame:
    """Return lines sold and returned by product and month."""
    lines = tables.order_lines
    inside = lines.filter(
        lines.ordered_at >= midnight(period.start), lines.ordered_at < midnight(period.end)
    )
    return (
        inside.mutate(month=inside.ordered_at.truncate("M"))
        .group_by("product_id", "month")
        .agg(lines=(inside.quantity > 0).sum(), returned=(inside.quantity < 0).sum())
        .to_pandas()
    )


def _products(tables: Tables, sales: pd.DataFrame) -> pd.DataFrame:
    """Return the products with enough lines sold, by their keys."""
    sold = sales.groupby("product_id")["lines"].sum()
    kept = sold[sold >= FEWEST_LINES_SOLD].index
    if not len(kept):
        raise NotApplicable(
            f"No product has {FEWEST_LINES_SOLD} lines sold, from which its returns are judged."
        )
    known = tables.products
    columns = ["product_id", "department", *(c for c in ("name",) if c in known.columns)]
    facts = known.select(*columns).to_pandas().drop_duplicates("product_id")
    frame = pd.DataFrame({"product_id": sorted(kept)}).merge(facts, on="product_id", how="left")
    name = frame["name"] if "name" in frame else pd.Series(None, frame.index, dtype=object)
    return pd.DataFrame(
        {
            "product_id": frame["product_id"],
            "name": name.fillna(frame["product_id"]),
            "department": frame["department"].fillna("unknown"),
        }
    )


def _counts(
    sales: pd.DataFrame, products: pd.DataFrame, topics: Topics | None, months: pd.DatetimeIndex
) -> _Counts:
    shape = (len(products), len(months))
    place = pd.Series(np.arange(len(products)), products["product_id"])

    def spread_out(rows: pd.DataFrame, weight: str) -> Floats:
        kept = rows[rows["product_id"].isin(place.index)]
        column = months.searchsorted(pd.to_datetime(kept["month"]), side="right") - 1
        found = np.zeros(shape)
        np.add.at(found, (place[kept["product_id"]].to_numpy(), np.maximum(column, 0)),
                  kept[weight].to_numpy("float64"))  # fmt: skip
        return found

    none = np.zeros(shape)
    said = _reviews(topics)
    return _Counts(
        spread_out(sales, "lines"),
        spread_out(sales, "returned"),
        none if said is None else spread_out(said, "reviews"),
        none if said is None else spread_out(said, "bad"),
    )


def _reviews(topics: Topics | None) -> pd.DataFrame | None:
    """Return the texts about products, and which tell of a defect or have low stars."""
    if topics is None:
        return None
    about = topics.rows["product_id"].notna()
    rows = topics.rows[about]
    bad = topics.flags[DEFECT].to_numpy()[about.to_numpy()] | rows["sorry"].to_numpy()
    return pd.DataFrame(
        {
            "product_id": rows["product_id"],
            "month": rows["submitted_at"].dt.to_period("M").dt.to_timestamp(),
            "reviews": 1.0,
            "bad": bad.astype("float64"),
        }
    )


def _judged(counts: _Counts, groups: np.ndarray) -> dict[str, Any]:
    """Return both signs of every product, their p-values together, and whether it is called."""
    expected = counts.lines * _usual_rate(counts, groups)
    spread = _spread(counts.returned, expected)
    p_returns = _upper_tail(counts.returned, expected, spread)
    bad, said = counts.bad.sum(), counts.reviews.sum()
    bad_expected = counts.reviews * np.divide(
        bad - counts.bad, said - counts.reviews, out=np.zeros_like(counts.bad),
        where=said > counts.reviews,
    )  # fmt: skip
    p_words = fisher_more(counts.bad, counts.reviews, np.full_like(counts.bad, bad), max(said, 1))
    p = _together(p_returns, p_words, counts.reviews > 0)
    q = q_values(p)
    return_ratio, word_ratio = _ratio(counts.returned, expected), _ratio(counts.bad, bad_expected)
    by_returns = (p_returns <= RATE) & (return_ratio >= LEAST_RATIO)
    by_words = (p_words <= RATE) & (word_ratio >= LEAST_RATIO) & (counts.bad >= 2)
    alarm = (q <= RATE) & (by_returns | by_words)
    both = by_returns & by_words
    signs = np.select([both, by_returns, by_words], ["both", "returns", "words"], "")

    return {
        "lines": counts.lines, "returned": counts.returned, "expected": expected,
        "return_ratio": return_ratio, "reviews": counts.reviews, "bad": counts.bad,
        "bad_expected": bad_expected, "word_ratio": word_ratio, "p": p, "q": q,
        "alarm": alarm, "signs": np.where(alarm, signs, ""), "spread": np.full(len(p), spread),
    }  # fmt: skip


def _ratio(seen: Floats, expected: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, seen / expected, np.where(seen > 0, np.inf, np.nan))


def _usual_rate(counts: _Counts, groups: np.ndarray) -> Floats:
    """Return the rate of returns of the other products of the department that come back at all."""
    back = counts.returned > 0
    lines, returned = np.where(back, counts.lines, 0.0), np.where(back, counts.returned, 0.0)
    size = np.bincount(groups, back)
    alone = size[groups] < FEWEST_OF_DEPARTMENT
    sums = [np.where(alone, v.sum(), np.bincount(groups, v)[groups]) for v in (lines, returned)]
    rest_lines, rest_returned = sums[0] - lines, sums[1] - returned
    return np.divide(rest_returned, rest_lines, out=np.zeros_like(lines), where=rest_lines > 0)


def _spread(returned: Floats, expected: Floats) -> float:
    """Return the variance of returns over Poisson's, from the middle of products, at least 1."""
    there = (expected >= 1) & (returned > 0)
    if there.sum() < FEWEST_OF_DEPARTMENT:
        return 1.0
    z = (returned[there] - expected[there]) / np.sqrt(expected[there])
    middle = float(np.median(np.abs(z - np.median(z))))
    return max(1.0, (1.4826 * middle) ** 2)


def _upper_tail(seen: Floats, expected: Floats, spread: float) -> Floats:
    """Return the chance of so many returns or more: Poisson, negative binomial if they scatter."""
    from scipy.stats import nbinom, poisson

    mean = np.maximum(expected, 1e-9)
    if spread <= 1.0 + 1e-9:
        tail = poisson.sf(seen - 1, mean)
    else:
        tail = nbinom.sf(seen - 1, mean / (spread - 1), 1 / spread)
    return np.where((seen > 0) & (expected > 0), tail, 1.0)


def _together(returns: Floats, words: Floats, said: np.ndarray) -> Floats:
    """Return Fisher's combination of both p-values; of returns alone where nobody wrote."""
    from scipy.stats import chi2

    logs = -2 * (np.log(np.maximum(returns, 1e-300)) + np.log(np.maximum(words, 1e-300)))
    return np.where(said, chi2.sf(logs, 4), returns)


def _since(called: np.ndarray, months: pd.DatetimeIndex) -> list[object]:
    """Return the month from which on every month's end had the alarm; NaT without one now."""
    since: list[object] = []
    for column in called.T:
        gaps = np.flatnonzero(~column)
        first = int(gaps[-1]) + 1 if len(gaps) else 0
        since.append(months[first] if column[-1] else pd.NaT)
    return since


def _false_alarms(counts: _Counts, groups: np.ndarray, spread: float, seed: int) -> float:
    """Return how often a shop in which no product differs from the others has an alarm."""
    rng = np.random.default_rng(seed)
    expected = np.where(counts.returned > 0, counts.lines * _usual_rate(counts, groups), 0.0)
    wrong = 0
    for _ in range(DRAWS):
        scatter = _gamma(expected, spread, rng)
        bad = rng.multivariate_hypergeometric(
            counts.reviews.astype(np.int64), int(counts.bad.sum()), method="marginals"
        )
        drawn = _Counts(
            counts.lines, rng.poisson(scatter).astype(float), counts.reviews, bad * np.float64(1)
        )
        wrong += bool(np.any(_judged(drawn, groups)["alarm"]))
    return wrong / DRAWS


def _gamma(mean: Floats, spread: float, rng: np.random.Generator) -> Floats:
    """Return means whose counts have ``spread`` times the variance of Poisson's."""
    if spread <= 1.0 + 1e-9:
        return mean
    shape = np.maximum(mean, 1e-9) / (spread - 1)
    return np.where(mean > 0, rng.gamma(shape, spread - 1), 0.0)
