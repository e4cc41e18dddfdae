"""Points, tiers and referrals by the segments of report 02, many looks accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.feedback.survey_scores import shown_and_withheld
from analysis.engagement.points.points_ledger import PARTS
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import normal_quantile, q_values
from analysis.stats.proportions import newcombe, p_value, wilson_interval
from analysis.stats.sizes import FEWEST_OF_A_SIDE
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.engagement.points.points_ledger import Reconciliation
    from analysis.tables.engine import Tables

#: What is compared: the share of whom, among whom.
MEASURES = {
    "member": ("have points", None),
    "redeemed": ("redeemed points", "member"),
    "referred": ("referred somebody", None),
}


@dataclass(frozen=True)
class BySegment:
    """Segments compared.

    Parameters
    ----------
    shares
        measure (words), segment, customers, hits, share, low, high, difference to all others,
        difference_low, difference_high, p and q over everything that is looked at.
    points
        segment, members, earned, redeemed, open (points per member; open at the end).
    withheld
        Segments withheld for being too few, by measure.
    """

    shares: pd.DataFrame
    points: pd.DataFrame
    withheld: pd.DataFrame


def by_segment(
    tables: Tables,
    books: Reconciliation,
    segments: pd.DataFrame,
    *,
    days: int = 364,
    confidence: float = 0.95,
) -> BySegment:
    """Compare the RFM segments in the ``days`` before the report's day.

    Parameters
    ----------
    tables
        A study's tables; referrals may be missing.
    books
        The ledger of points.
    segments
        Report 02's customers: customer_id, rfm.
    days
        Days in which points were redeemed and others referred.
    confidence
        Of the intervals.

    Raises
    ------
    NotApplicable
        If report 02 told no RFM segments.
    """
    if "rfm" not in segments or segments["rfm"].notna().sum() == 0:
        raise NotApplicable("Report 02 has told no RFM segments for this study.")
    people = segments.loc[segments["rfm"].notna(), ["customer_id", "rfm"]]
    people = people.rename(columns={"rfm": "segment"}).reset_index(drop=True)
    people = people.merge(_accounts(books, days), on="customer_id", how="left")
    people["member"] = people["earned"].notna()
    people["redeemed"] = people["spent"].fillna(0) > 0
    people["referred"] = people["customer_id"].isin(_referrers(tables, books, days))
    parts = [_shares(people, measure, confidence) for measure in MEASURES]
    shares = pd.concat([shown for shown, _ in parts], ignore_index=True)
    shares = shares.assign(q=q_values(shares["p"].to_numpy("float64")))
    return BySegment(shares, _points(people), pd.DataFrame([few for _, few in parts]))


def _accounts(books: Reconciliation, days: int) -> pd.DataFrame:
    """Return each account's points earned and spent in the days, and what is open."""
    ledger = books.ledger
    since = ibis.date((ledger.as_of - timedelta(days=days)).isoformat())
    rows, lots = ledger.entries, ledger.lots
    fresh = (rows.posted_on >= since).cast("int64")
    flows = rows.group_by("customer_id").agg(
        earned=((rows.kind == "earn").cast("int64") * fresh * rows.amount).sum().cast("int64"),
        spent=(-(rows.kind == "redeem").cast("int64") * fresh * rows.amount).sum().cast("int64"),
    )
    held = lots.group_by("customer_id").agg(open=lots.open.sum().cast("int64"))
    found = flows.left_join(held, "customer_id").drop("customer_id_right")
    return found.order_by("customer_id").to_pandas()


def _referrers(tables: Tables, books: Reconciliation, days: int) -> set[str]:
    if "referrals" not in tables:
        return set()
    rows, end = tables.referrals, books.ledger.as_of
    made = rows.filter(
        rows.referred_at >= midnight(end - timedelta(days=days)), rows.referred_at < midnight(end)
    )
    return set(made.select("referrer_id").distinct().to_pandas()["referrer_id"])


def _shares(
    people: pd.DataFrame, measure: str, confidence: float
) -> tuple[pd.DataFrame, dict[str, object]]:
    words, among = MEASURES[measure]
    rows = people if among is None else people[people[among]]
    counted = rows.groupby("segment")[measure].agg(["size", "sum"])
    shown, small = shown_and_withheld(counted["size"], FEWEST_OF_A_SIDE)
    n, x = (counted.loc[shown, c].to_numpy("float64") for c in ("size", "sum"))
    rest_n, rest_x = len(rows) - n, rows[measure].sum() - x
    low, high = wilson_interval(x, n, confidence=confidence)
    told = (rest_n >= FEWEST_OF_A_SIDE) & bool(rows[measure].any())
    against = newcombe(x, n, rest_x, np.maximum(rest_n, 1), z=normal_quantile(confidence))
    difference, down, up = (np.where(told, v, np.nan) for v in against)
    p = np.where(told, p_value(x, n, rest_x, np.maximum(rest_n, 1)), np.nan)
    frame = pd.DataFrame(
        {
            "measure": words, "segment": shown, "customers": n, "hits": x, "share": x / n,
            "low": low, "high": high, "difference": difference, "difference_low": down,
            "difference_high": up, "p": p,
        }
    )  # fmt: skip
    few = {"measure": words, "segments": len(small), "customers": int(counted["size"][small].sum())}
    return frame, few


def _points(people: pd.DataFrame) -> pd.DataFrame:
    """Return points per member by segment, of those with enough members."""
    mine = people[people["member"]]
    sums = mine.groupby("segment").agg(
        members=("customer_id", "size"), earned=("earned", "mean"), redeemed=("spent", "mean"),
        open=("open", "mean"),
    )  # fmt: skip
    shown, _ = shown_and_withheld(sums["members"], FEWEST_OF_A_SIDE)
    found = sums.loc[shown].fillna({"open": 0.0})
    found[["earned", "redeemed", "open"]] /= PARTS
    return found.reset_index()
