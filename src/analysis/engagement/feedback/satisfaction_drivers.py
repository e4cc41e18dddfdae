"""What satisfaction goes with (late delivery, channel, ...), and what customers do after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from analysis.engagement.feedback.response_rates import band
from analysis.engagement.feedback.survey_rows import SCALES, Surveys, promoted
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile, q_values, two_sided_p
from analysis.stats.net_promoter import clustered_mean
from analysis.stats.proportions import stratified_difference, wilson_interval
from analysis.stats.sizes import FEWEST_ANSWERS, FEWEST_FOR_A_SPREAD, FEWEST_LEARNT, too_small
from analysis.stats.types import Floats, Integers
from analysis.tables.engine import Tables
from analysis.tables.lines import midnight
from analysis.tables.periods import Period


@dataclass(frozen=True)
class Drivers:
    """What a score goes with.

    Parameters
    ----------
    kind
        The score that is explained.
    effects
        By driver: effect on the score (of yes against no, or of one standard deviation more),
        low, high, p, q, answers (how many have it, for yes and no), unit.
    explained
        Share of the variance of scores that all drivers together explain.
    answers
        Answers looked at.
    late
        By channel and for all: late and other deliveries, mean scores, difference, low, high;
        without rows where deliveries are not known.
    """

    kind: str
    effects: pd.DataFrame
    explained: float
    answers: int
    late: pd.DataFrame


def explain(
    tables: Tables, surveys: Surveys, *, kind: str = "csat", confidence: float = 0.95
) -> Drivers:
    """Return what the score of an order goes with.

    Raises
    ------
    NotApplicable
        If the answers do not name their orders, or are too few.
    """
    rows = surveys.of(kind)
    rows = rows[rows["answered"] & rows["order_id"].notna()].reset_index(drop=True)
    if len(rows) < FEWEST_LEARNT:
        raise NotApplicable(
            f"{len(rows)} satisfaction scores name the order they are about; {FEWEST_LEARNT} are "
            "needed to tell what they go with."
        )
    facts = rows.merge(_orders(tables), on="order_id", how="left")
    terms = _terms(facts)
    design = np.column_stack([np.ones(len(facts)), *(values for values, _, _ in terms.values())])
    y, who = facts["score"].to_numpy("float64"), facts["customer"].to_numpy()
    beta, error, explained = _regress(design, y, who)
    reach = normal_quantile(confidence) * error[1:]
    p = two_sided_p(beta[1:] / error[1:])
    effects = pd.DataFrame(
        {
            "driver": list(terms),
            "effect": beta[1:],
            "low": beta[1:] - reach,
            "high": beta[1:] + reach,
            "p": p,
            "q": q_values(p),
            "answers": [count for _, count, _ in terms.values()],
            "unit": [unit for _, _, unit in terms.values()],
        }
    )
    order = effects["effect"].abs().sort_values(ascending=False, kind="stable").index
    effects = effects.loc[order].reset_index(drop=True)
    return Drivers(kind, effects, explained, len(rows), _late(facts, confidence))


def _orders(tables: Tables) -> pd.DataFrame:
    """Return what is known of the orders that were scored."""
    lines = tables.order_lines
    named = tables.feedback.filter(tables.feedback.order_id.notnull()).select("order_id").distinct()
    mine = lines.semi_join(named, "order_id").filter(lines.quantity > 0)
    sums = {"net": mine.net_amount.cast("float64").sum(), "lines": mine.count()}
    if "list_amount" in lines.columns:
        sums["listed"] = mine.list_amount.cast("float64").sum()
    orders = mine.group_by("order_id").agg(**sums).to_pandas()
    if "orders" in tables:
        columns = [c for c in _DELIVERY if c in tables.orders.columns]
        parts = tables.orders.semi_join(named, "order_id").select("order_id", *columns)
        orders = orders.merge(parts.to_pandas(), on="order_id", how="left")
    return orders


_DELIVERY = ("promised_on", "delivered_at", "device", "payment_method")


def is_late(facts: pd.DataFrame) -> pd.Series:
    """Return whether each delivery came after the promised day; missing where not known."""
    if not {"promised_on", "delivered_at"} <= set(facts.columns):
        return pd.Series(pd.NA, facts.index, dtype="boolean")
    promised, came = pd.to_datetime(facts["promised_on"]), pd.to_datetime(facts["delivered_at"])
    late = (came.dt.normalize() > promised).astype("boolean")
    return late.mask(promised.isna() | came.isna())


Term = tuple[Floats, float, str]


def _terms(facts: pd.DataFrame) -> dict[str, Term]:
    """Return the drivers by name: values, how many have it (NaN for amounts), unit."""
    flags: dict[str, Floats] = {"late delivery": is_late(facts).fillna(False).to_numpy("float64")}
    for column, words in (("channel", "bought by"), ("payment_method", "paid by")):
        if column in facts:
            common = facts[column].value_counts()
            for name in common.index[1:]:
                flags[f"{words} {name}"] = (facts[column] == name).to_numpy("float64")
    amounts = {"orders in the half-year before": np.log1p(facts["orders_before"])}
    amounts["value of the order"] = np.log1p(facts["net"].clip(lower=0).fillna(0.0))
    if "listed" in facts:
        share = 1 - facts["net"] / facts["listed"].where(facts["listed"] > 0)
        amounts["share discounted"] = share.clip(0, 1).fillna(0.0)
    fewest = FEWEST_ANSWERS
    found: dict[str, Term] = {
        name: (values, float(values.sum()), "yes against no")
        for name, values in flags.items()
        if fewest <= values.sum() <= len(values) - fewest
    }
    for name, column in amounts.items():
        values = column.to_numpy("float64")
        if values.std() > 0:
            found[name] = ((values - values.mean()) / values.std(), np.nan, "1 standard deviation")
    return found


def _regress(design: Floats, y: Floats, who: Integers) -> tuple[Floats, Floats, float]:
    """Return coefficients, their errors by customer, and the share explained (least squares)."""
    inverse = np.linalg.pinv(design.T @ design)
    beta = inverse @ (design.T @ y)
    off = y - design @ beta
    scores = np.zeros((int(who.max()) + 1, design.shape[1]))
    np.add.at(scores, who, design * off[:, None])
    g, n, k = len(np.unique(who)), len(y), design.shape[1]
    small = g / (g - 1) * (n - 1) / (n - k)
    covariance = small * inverse @ (scores.T @ scores) @ inverse
    total = float(((y - y.mean()) ** 2).sum())
    explained = 1 - float((off**2).sum()) / total if total else np.nan
    return beta, np.sqrt(np.diag(covariance)), explained


def _late(facts: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Return the scores of late and other deliveries: within channels over all, and by channel."""
    late = is_late(facts)
    known = facts[late.notna()].assign(late=late[late.notna()].astype(bool))
    lines = []
    for channel, mine in known.groupby("channel"):
        line = _against(mine[mine["late"]]["score"], mine[~mine["late"]]["score"])
        if line is not None:
            lines.append({"channel": channel, **line})
    columns = ["channel", "n_late", "n_other", "late", "other", "difference", "error"]
    table = pd.DataFrame(lines, columns=columns)
    told = table[~too_small(table[["n_late", "n_other"]].min(axis=1), FEWEST_ANSWERS)]
    if len(table) > 1 and table[["n_late", "n_other"]].sum().min() >= FEWEST_ANSWERS:
        told = pd.concat([_within(table), told], ignore_index=True)
    reach = normal_quantile(confidence) * told["error"]
    return told.assign(low=told["difference"] - reach, high=told["difference"] + reach)


def _within(table: pd.DataFrame) -> pd.DataFrame:
    """Return the difference within channels, each weighted as the Mantel-Haenszel estimate does."""
    late, other = table["n_late"].to_numpy("float64"), table["n_other"].to_numpy("float64")
    weight = late * other / (late + other)
    weight = weight / weight.sum()
    means = {name: float((weight * table[name]).sum()) for name in ("late", "other", "difference")}
    error = float(np.sqrt((weight**2 * table["error"] ** 2).sum()))
    sums = {"n_late": int(late.sum()), "n_other": int(other.sum())}
    return pd.DataFrame([{"channel": "all, within channels", **sums, **means, "error": error}])


def _against(late: pd.Series, other: pd.Series) -> dict[str, float] | None:
    """Return both means and their difference; None where the spread of either is not known."""
    if min(len(late), len(other)) < FEWEST_FOR_A_SPREAD:
        return None
    error = float(np.sqrt(late.var() / len(late) + other.var() / len(other)))
    if not error > 0:
        return None
    return {
        "n_late": len(late), "n_other": len(other), "late": late.mean(), "other": other.mean(),
        "difference": late.mean() - other.mean(), "error": error,
    }  # fmt: skip


GROUPS = {
    "nps": ("detractor (0 to 6)", "passive (7, 8)", "promoter (9, 10)"),
    "csat": ("1 or 2", "3", "4 or 5"),
}


@dataclass(frozen=True)
class After:
    """What followed a score.

    Parameters
    ----------
    follow
        Days followed after the answer.
    groups
        By kind and group of scores: customers, silent (share without an order in the days after)
        with interval, spend (mean net amount) with interval.
    compared
        By kind: silent share of the lowest group less that of the highest, as it is and among
        customers with as many orders before, with intervals.
    """

    follow: int
    groups: pd.DataFrame
    compared: pd.DataFrame


def follow_up(tables: Tables, surveys: Surveys, *, follow: int, confidence: float = 0.95) -> After:
    """Return what customers did in the days after their first answer of the period.

    Raises
    ------
    NotApplicable
        If too few answers can be followed so long.
    """
    groups, compared = [], []
    for kind, names in GROUPS.items():
        if kind in surveys.refused:
            continue
        rows = _followed(tables, surveys, kind, follow)
        sizes = rows["group"].value_counts()
        if sizes.get(0, 0) < FEWEST_ANSWERS or sizes.get(2, 0) < FEWEST_ANSWERS:
            continue
        groups.append(_groups(rows, kind, names, confidence))
        compared += _compared(rows, kind, confidence)
    if not groups:
        raise NotApplicable(
            f"Fewer than {FEWEST_ANSWERS} customers of the lowest or the highest scores can be "
            f"followed for {follow} days."
        )
    return After(follow, pd.concat(groups, ignore_index=True), pd.DataFrame(compared))


def _followed(tables: Tables, surveys: Surveys, kind: str, follow: int) -> pd.DataFrame:
    rows = surveys.rows
    last = pd.Timestamp(surveys.period.end) - timedelta(days=follow + 1)
    low, high = SCALES[kind]
    mine = (rows["kind"] == kind) & rows["answered"] & rows["customer_id"].notna()
    standard = (rows["low"] == low) & (rows["high"] == high)
    rows = rows[mine & standard & (rows["answered_on"] <= last)]
    rows = rows.drop_duplicates("customer_id").reset_index(drop=True)
    if rows.empty:
        return rows.assign(group=pd.Series(dtype="int64"))
    place = promoted(rows["score"]) if kind == "nps" else np.sign(rows["score"] - 3).to_numpy()
    later = _later(tables, rows, surveys.period, follow)
    found = rows[["customer", "customer_id", "orders_before"]].assign(group=place.astype(int) + 1)
    found["spend"] = rows["customer_id"].map(later["net"]).fillna(0.0).to_numpy("float64")
    found["silent"] = ~rows["customer_id"].isin(later.index).to_numpy()
    return found


def _later(tables: Tables, rows: pd.DataFrame, period: Period, follow: int) -> pd.DataFrame:
    """Return the net amount of each customer in the days after the answer, of those who ordered."""
    lines = tables.order_lines
    said = tables.feedback.filter(tables.feedback.score.notnull()).select("customer_id").distinct()
    inside = lines.filter(
        lines.quantity > 0,
        lines.ordered_at >= midnight(period.start),
        lines.ordered_at < midnight(period.end),
    ).semi_join(said, "customer_id")
    days = inside.group_by("customer_id", day=inside.ordered_at.truncate("D")).agg(
        net=inside.net_amount.cast("float64").sum()
    )
    joined = days.to_pandas().merge(rows[["customer_id", "answered_on"]], on="customer_id")
    gap = (pd.to_datetime(joined["day"]) - joined["answered_on"]).dt.days
    return joined[(gap > 0) & (gap <= follow)].groupby("customer_id")[["net"]].sum()


def _groups(
    rows: pd.DataFrame, kind: str, names: tuple[str, ...], confidence: float
) -> pd.DataFrame:
    lines = []
    for place, name in enumerate(names):
        mine = rows[rows["group"] == place]
        if len(mine) < FEWEST_ANSWERS:
            continue
        low, high = wilson_interval(mine["silent"].sum(), len(mine), confidence=confidence)
        spend = clustered_mean(mine["spend"], mine["customer"], confidence=confidence)
        lines.append(
            {
                "kind": kind, "group": name, "customers": len(mine),
                "silent": mine["silent"].mean(), "silent_low": low[0], "silent_high": high[0],
                "spend": spend.value, "spend_low": spend.low, "spend_high": spend.high,
            }
        )  # fmt: skip
    return pd.DataFrame(lines)


def _compared(rows: pd.DataFrame, kind: str, confidence: float) -> list[dict[str, object]]:
    ends = rows[rows["group"] != 1]
    found = []
    bands = band(ends["orders_before"]).astype(str)
    for name, stratum in (("as it is", pd.Series("all", ends.index)), ("like with like", bands)):
        counted = ends.groupby([stratum.rename("stratum"), "group"])["silent"].agg(["sum", "size"])
        wide = counted.unstack("group", fill_value=0)
        wide = wide.reindex(
            columns=pd.MultiIndex.from_product([["sum", "size"], [0, 2]]), fill_value=0
        )
        gap = stratified_difference(
            *(wide[(what, end)].to_numpy("float64") for end in (0, 2) for what in ("sum", "size")),
            confidence=confidence,
        )  # fmt: skip
        found.append(
            {
                "kind": kind, "comparison": name, "lowest": gap.first, "highest": gap.second,
                "difference": gap.value, "low": gap.low, "high": gap.high,
                "n_lowest": gap.n_first, "n_highest": gap.n_second,
            }
        )  # fmt: skip
    return found
