"""What a tier's threshold does: who tops up to reach it, and what reaching it changes.

Customers who end their year at the threshold more often than the rest of the distribution says
have bought up to it. Where they have, those just above are not like those just below, and the
effect of the tier cannot be read from the two; where the density does not jump, it can.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.stats import discontinuity
from analysis.stats.sizes import FEWEST_AT_THRESHOLD
from analysis.stats.types import Floats
from analysis.tables.lines import lines_in
from analysis.tables.margin import cents
from analysis.tables.periods import Period

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.engagement.points.points_ledger import Reconciliation
    from analysis.tables.engine import Tables

#: Bins on either side of a threshold, and the degree of the polynomial.
BINS, DEGREE = 24, 4

#: p of the density test below which no effect is read from a threshold.
SORTED = 0.05


@dataclass(frozen=True)
class Crossing:
    """What is looked at where a threshold is crossed.

    Parameters
    ----------
    outcome, before, made_up
        What the outcome, the placebo before and that of a made-up threshold are called.
    seen
        Why nothing is read where the density jumps.
    at
        The made-up threshold, in medians of the distance of those beyond the true one.
    """

    outcome: str = "sales after"
    before: str = "sales in the first half of the year"
    made_up: str = "sales after, at a made-up threshold"
    seen: str = "customers sort themselves to the upper side, so that the two sides are not alike"
    at: float = 0.5


TIERS = Crossing()


@dataclass(frozen=True)
class ThresholdRules:
    """How thresholds are looked at.

    Parameters
    ----------
    below, above
        Region of bunching on either side, as shares of the threshold.
    outcome_days
        Days after a year over which its outcome is counted.
    draws, seed
        Resamples of the bunching estimate.
    confidence
        Of the intervals.
    """

    below: float = 0.15
    above: float = 0.05
    outcome_days: int = 182
    draws: int = 500
    seed: int = 0
    confidence: float = 0.95


@dataclass(frozen=True)
class Thresholds:
    """What the thresholds do.

    Parameters
    ----------
    years
        begins_on, ends_on, customers: the qualifying years that are over.
    bunching
        tier, threshold, customers (in the bins), above, above_error, missing, missing_error,
        share (of those who reached it in the region), reason.
    density
        tier, jump, error, p, below, above: of the density, outside nobody.
    effects
        tier, outcome, effect, low, high, p, bandwidth, below, above, placebo (should be none),
        reason.
    counts
        tier, amount (lower end of the bin), customers, expected: for the chart.
    """

    years: pd.DataFrame
    bunching: pd.DataFrame
    density: pd.DataFrame
    effects: pd.DataFrame
    counts: pd.DataFrame


def thresholds(
    tables: Tables,
    books: Reconciliation,
    *,
    amounts: Mapping[str, float] | None = None,
    rules: ThresholdRules | None = None,
) -> Thresholds:
    """Return bunching, sorting and the effect at each tier's threshold.

    Parameters
    ----------
    tables
        A study's tables; needs tiers with their qualifying amounts and days, and order_lines.
    books
        The ledger: what counts is the points earned in the qualifying year.
    amounts
        Points that each tier needs; None reads them from the tiers.
    rules
        How thresholds are looked at.

    Raises
    ------
    NotApplicable
        If no qualifying year is over, or no threshold is known.
    """
    rules = rules or ThresholdRules()
    years = qualifying_years(tables, as_of=books.ledger.as_of)
    wanted = dict(amounts) if amounts else read_thresholds(tables)
    if not wanted:
        raise NotApplicable("No threshold is known: no tier was ever earned by an amount.")
    people = pd.concat([_year(tables, books, *year, rules) for year in years], ignore_index=True)
    found = [_one(people, tier, amount, rules) for tier, amount in sorted(
        wanted.items(), key=lambda item: item[1])]  # fmt: skip
    told = pd.DataFrame(
        [(*year, int((people["year"] == year[0]).sum())) for year in years],
        columns=["begins_on", "ends_on", "customers"],
    )
    return Thresholds(
        told,
        pd.DataFrame([one["bunching"] for one in found]),
        pd.DataFrame([one["density"] for one in found]),
        pd.DataFrame([row for one in found for row in one["effects"]]),
        pd.concat([one["counts"] for one in found], ignore_index=True),
    )


def qualifying_years(tables: Tables, *, as_of: date) -> list[tuple[date, date]]:
    """Return the qualifying years that are over: the first as the tiers have it, and on from it."""
    if not tables.has("tiers", "qualifying_from"):
        raise NotApplicable("The tiers do not say from when on amounts counted for them.")
    rows = tables.tiers
    rows = rows.filter(rows.qualifying_from.notnull(), rows.qualifying_from < rows.valid_from)
    counts = rows.group_by("qualifying_from", "valid_from").agg(n=rows.count())
    frame = counts.order_by(ibis.desc("n"), "qualifying_from").to_pandas()
    if frame.empty:
        raise NotApplicable("No tier was earned in a qualifying year yet.")
    common = frame[frame["n"] >= frame["n"].iloc[0] / 2].sort_values("qualifying_from").iloc[0]
    begins, ends = (pd.Timestamp(common[c]).date() for c in ("qualifying_from", "valid_from"))
    length, years = ends - begins, []
    while begins + length <= as_of:
        years.append((begins, begins + length))
        begins += length
    if not years:
        raise NotApplicable(f"No qualifying year is over by {as_of}.")
    return years


def read_thresholds(tables: Tables) -> dict[str, float]:
    """Return each tier's least qualifying amount, down to its second figure: 403 reads as 400."""
    if not tables.has("tiers", "qualifying_amount"):
        return {}
    rows = tables.tiers
    found = rows.group_by("tier").agg(least=rows.qualifying_amount.min().cast("float64"))
    frame = found.order_by("tier").to_pandas().dropna()
    least = {row.tier: float(row.least) for row in frame.itertuples() if row.least > 0}
    lowest = min(least.values(), default=0.0)
    return {tier: _two_figures(amount) for tier, amount in least.items()
            if amount >= lowest}  # fmt: skip


def _two_figures(amount: float) -> float:
    step = 10.0 ** (np.floor(np.log10(amount)) - 1)
    return float(np.floor(amount / step + 1e-9) * step)


def _year(
    tables: Tables, books: Reconciliation, begins: date, ends: date, rules: ThresholdRules
) -> pd.DataFrame:
    """Return who earned points in a year, how many, and what they bought before it and after."""
    lots = books.ledger.lots
    mine = lots.filter(
        lots.earned,
        lots.posted_on >= ibis.date(begins.isoformat()),
        lots.posted_on < ibis.date(ends.isoformat()),
    )
    sums = mine.group_by("customer_id").agg(
        amount=(mine.amount - mine.reversed).sum().cast("int64")
    )
    people = sums.order_by("customer_id").to_pandas()
    people = people.assign(amount=people["amount"] / 1_000, year=begins)
    last = ends + timedelta(days=rules.outcome_days)
    after = Period(ends, last) if last <= books.ledger.as_of else None
    early = Period(begins, begins + timedelta(days=(ends - begins).days // 2))
    for name, period in (("after", after), ("before", early)):
        people[name] = net_of(tables, period, people["customer_id"]) if period else np.nan
    return people


def net_of(tables: Tables, period: Period, customers: pd.Series) -> Floats:
    """Return the net sales of each customer in a period."""
    lines = lines_in(tables, period)
    known = lines.filter(lines.customer_id.notnull())
    sums = known.group_by("customer_id").agg(net=cents(known.net_amount).sum().cast("int64"))
    net = sums.to_pandas().set_index("customer_id")["net"] / 100
    return net.reindex(customers).fillna(0.0).to_numpy(float)


def _one(people: pd.DataFrame, tier: str, amount: float, rules: ThresholdRules) -> dict[str, Any]:
    distance = people["amount"].to_numpy(float) - amount
    width = max(np.round(amount * (rules.below + rules.above) / 8), 1.0)
    bins = int(min(BINS, np.floor(amount / width)))
    places = np.arange(-bins, bins)
    edges = width * np.arange(-bins, bins + 1)
    counts = np.histogram(distance, edges)[0]
    stay = {"tier": tier, "threshold": amount, "customers": int(counts.sum())}
    below = int(np.ceil(rules.below * amount / width))
    above = int(np.ceil(rules.above * amount / width)) - 1
    if counts.sum() < FEWEST_AT_THRESHOLD or bins < below + DEGREE + 2:
        return _too_few(stay, tier)
    found = discontinuity.bunching(
        counts, places, degree=DEGREE, below=below, above=max(above, 0), draws=rules.draws,
        seed=rules.seed,
    )  # fmt: skip
    reached = counts[(places >= 0) & (places <= max(above, 0))].sum()
    reach = min(rules.below * amount, amount)
    jumped = discontinuity.density_jump(distance, reach=reach, bins=max(int(reach // width), 4))
    shown = pd.DataFrame(
        {"tier": tier, "threshold": amount, "amount": amount + edges[:-1], "width": width,
         "customers": counts, "expected": found.expected}
    )  # fmt: skip
    return {
        "bunching": stay | {
            "above": found.above, "above_error": found.error[0], "missing": found.missing,
            "missing_error": found.error[1],
            "share": found.above / reached if reached else np.nan, "reason": "",
        },
        "density": {"tier": tier, "jump": jumped.jump, "error": jumped.error, "p": jumped.p,
                    "below": jumped.below, "above": jumped.above},
        "effects": [{"tier": tier} | row for row in effects_at(people, distance, jumped.p,
                                                             confidence=rules.confidence)],
        "counts": shown,
    }  # fmt: skip


def _too_few(stay: dict[str, Any], tier: str) -> dict[str, Any]:
    reason = f"fewer than {FEWEST_AT_THRESHOLD} customers near it"
    none = dict.fromkeys(("above", "above_error", "missing", "missing_error", "share"), np.nan)
    return {
        "bunching": stay | none | {"reason": reason},
        "density": {"tier": tier, "jump": np.nan, "error": np.nan, "p": np.nan,
                    "below": 0, "above": 0},
        "effects": [{"tier": tier} | no_effect(TIERS.outcome, False, reason)],
        "counts": pd.DataFrame(
            columns=["tier", "threshold", "amount", "width", "customers", "expected"]
        ),
    }  # fmt: skip


def effects_at(
    people: pd.DataFrame,
    distance: Floats,
    p: float,
    *,
    confidence: float,
    crossing: Crossing = TIERS,
) -> list[dict[str, Any]]:
    """Return the effect of crossing a threshold, and two that must be none, unless people sort.

    Parameters
    ----------
    people
        after, before: sales of each customer; after may be missing.
    distance
        From the threshold; zero or more is beyond it.
    p
        Of the jump of the density: below ``SORTED`` nothing is read.
    confidence
        Of the intervals.
    crossing
        What is looked at.
    """
    if p < SORTED:
        return [no_effect(crossing.outcome, False, crossing.seen)]
    known = people["after"].notna().to_numpy()
    if known.sum() < FEWEST_AT_THRESHOLD:
        return [no_effect(crossing.outcome, False, "no outcome for long enough afterwards yet")]
    found = []
    after, before = (people[c].to_numpy(float)[known] for c in ("after", "before"))
    near = distance[known]
    fake = near - crossing.at * np.median(near[near > 0]) if (near > 0).any() else near
    for outcome, x, y, placebo in (
        (crossing.outcome, near, after, False),
        (crossing.before, near, before, True),
        (crossing.made_up, fake[near > 0], after[near > 0], True),
    ):
        if min((x < 0).sum(), (x >= 0).sum()) < FEWEST_AT_THRESHOLD / 4:
            found.append(no_effect(outcome, placebo, "too few customers on one side"))
            continue
        one = discontinuity.jump(x, y, confidence=confidence)
        found.append(
            {"outcome": outcome, "effect": one.effect, "low": one.low,
             "high": one.high, "p": one.p, "bandwidth": one.bandwidth, "below": one.below,
             "above": one.above, "placebo": placebo, "reason": ""}
        )  # fmt: skip
    return found


def no_effect(outcome: str, placebo: bool, reason: str) -> dict[str, Any]:
    """Return the line of an effect that is not read, with its reason."""
    none = dict.fromkeys(("effect", "low", "high", "p", "bandwidth"), np.nan)
    return {"outcome": outcome} | none | {
        "below": 0, "above": 0, "placebo": placebo, "reason": reason,
    }  # fmt: skip
