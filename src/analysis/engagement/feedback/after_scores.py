"""What customers do after they gave a score: who orders again, and how much they spend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from analysis.engagement.feedback.response_rates import band
from analysis.engagement.feedback.survey_rows import SCALES, Surveys, promoted
from analysis.errors import NotApplicable
from analysis.stats.proportions import stratified_difference, wilson_interval
from analysis.stats.sizes import FEWEST_ANSWERS
from analysis.stats.surveys.net_promoter import clustered_mean
from analysis.tables.engine import Tables
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

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
