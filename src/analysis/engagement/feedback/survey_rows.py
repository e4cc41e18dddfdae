"""Who was asked what, who answered, and with which score: one row an invitation or review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import ibis
import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.errors import NotApplicable
from analysis.tables.engine import Tables
from analysis.tables.lines import midnight
from analysis.tables.periods import Period

#: Kinds with a score, and the scale each has where the table states none.
SCALES: dict[str, tuple[float, float]] = {
    "nps": (0, 10),
    "csat": (1, 5),
    "ces": (1, 7),
    "review": (1, 5),
}
#: Kinds that customers are invited to; reviews come by themselves.
ASKED = ("nps", "csat", "ces")
#: From this score on a customer is a promoter; up to that one a detractor. NPS knows no other
#: scale than 0 to 10.
PROMOTER, DETRACTOR = 9, 6
#: Days up to the invitation whose orders tell who is asked.
BEFORE_DAYS = 182


@dataclass(frozen=True)
class Surveys:
    """Invitations, answers and reviews of a period.

    Parameters
    ----------
    rows
        One row an invitation or review: kind, customer (a code), asked_on, month, wave, channel,
        product_id, product (its name), order_id, orders_before, region, segment, answered_on,
        answered, score (NaN without answer), low and high (the scale).
    off_scale
        By kind, scores that lie off their scale and are left out: rows, lowest, highest, scale.
    refused
        By kind, why it cannot be read at all.
    period
        The days in which they were asked, or came.
    knows_asked
        Whether invitations are known, answered or not.
    """

    rows: pd.DataFrame
    off_scale: pd.DataFrame
    refused: dict[str, str]
    period: Period
    knows_asked: bool

    def of(self, kind: str) -> pd.DataFrame:
        """Return the rows of a kind; NotApplicable where there are none."""
        if kind in self.refused:
            raise NotApplicable(self.refused[kind])
        rows = self.rows[self.rows["kind"] == kind]
        if not rows["answered"].any():
            raise NotApplicable(f"No {NAMES[kind]} was given from {self.period}.")
        return rows.reset_index(drop=True)


NAMES = {
    "nps": "recommendation score (NPS)",
    "csat": "satisfaction score (CSAT)",
    "ces": "effort score (CES)",
    "review": "rating",
}


@without("segments")
def fetch(tables: Tables, period: Period, *, segments: pd.DataFrame | None = None) -> Surveys:
    """Return the scores of a period and who was asked for them.

    An answer that came after the period counts as none; an invitation belongs to the day it was
    made.

    Parameters
    ----------
    tables
        A study's tables; needs feedback and order_lines.
    period
        Days in which they were asked, or came.
    segments
        Each customer's RFM segment at the end of the period: customer_id, rfm.

    Raises
    ------
    NotApplicable
        If the study has no feedback, or none in the period.
    """
    feedback = tables.feedback
    known = [c for c in _WANTED if c in feedback.columns]
    rows = feedback.select(*known).filter(feedback.kind.isin(list(SCALES)))
    rows = rows.mutate(**{c: ibis.null(t) for c, t in _WANTED.items() if c not in known})
    rows = rows.mutate(asked_at=ibis.coalesce(rows.invited_at, rows.submitted_at))
    start, end = midnight(period.start), midnight(period.end)
    rows = rows.filter(rows.asked_at >= start, rows.asked_at < end)
    frame = _with_history(tables, rows, period).to_pandas()
    if frame.empty:
        raise NotApplicable(f"Nobody was asked or gave a score from {period}.")
    return _checked(_typed(frame.assign(segment=_segment(frame, segments)), period), period)


def _segment(frame: pd.DataFrame, segments: pd.DataFrame | None) -> pd.Series:
    if segments is None or "rfm" not in segments:
        return pd.Series(None, frame.index, dtype=object)
    return frame["customer_id"].map(segments.set_index("customer_id")["rfm"]).astype(object)


def count_kinds(tables: Tables, period: Period) -> pd.DataFrame:
    """Return what there is, by kind: asked or given, answers, with words, customers.

    Raises
    ------
    NotApplicable
        If the study has no feedback, or none in the period.
    """
    feedback = tables.feedback
    rows = feedback.select(
        "kind",
        who=_column(feedback, "customer_id", "string"),
        given=feedback.submitted_at < midnight(period.end),
        said=_column(feedback, "text", "string").length().fill_null(0) > 0,
        at=ibis.coalesce(_column(feedback, "invited_at", "timestamp"), feedback.submitted_at),
    )
    rows = rows.filter(rows["at"] >= midnight(period.start), rows["at"] < midnight(period.end))
    counted = rows.group_by("kind").agg(
        rows=rows.count(),
        answers=rows.given.fill_null(False).sum(),
        texts=rows.said.sum(),
        customers=rows.who.nunique(),
    )
    found = counted.order_by("kind").to_pandas()
    if found.empty:
        raise NotApplicable(f"Nobody was asked or said anything from {period}.")
    return found


def _column(rows: ibis.Table, name: str, kind: str) -> ibis.Value:
    return rows[name] if name in rows.columns else ibis.null(kind)


_WANTED = {
    "feedback_id": "string", "kind": "string", "customer_id": "string", "submitted_at": "timestamp",
    "invited_at": "timestamp", "score": "float64", "product_id": "string", "channel": "string",
    "wave": "string", "order_id": "string", "scale_min": "float64", "scale_max": "float64",
}  # fmt: skip


def _with_history(tables: Tables, rows: ibis.Table, period: Period) -> ibis.Table:
    """Return the rows with the orders in the days up to each, and the customer's region."""
    lines = tables.order_lines
    since = midnight(period.start - timedelta(days=BEFORE_DAYS))
    bought = lines.filter(lines.quantity > 0, lines.customer_id.notnull())
    bought = bought.filter(bought.ordered_at >= since, bought.ordered_at < midnight(period.end))
    orders = bought.group_by("customer_id", "order_id").agg(moment=bought.ordered_at.min())
    asked = rows.select("feedback_id", "customer_id", "asked_at")
    pairs = asked.join(
        orders.rename(buyer="customer_id"), [asked.customer_id == orders.customer_id]
    )
    days = ibis.interval(days=BEFORE_DAYS)
    pairs = pairs.filter(pairs.moment < pairs.asked_at, pairs.moment >= pairs.asked_at - days)
    counted = pairs.group_by("feedback_id").agg(orders_before=pairs.count())
    found = rows.left_join(counted, "feedback_id").drop("feedback_id_right")
    if tables.has("products", "name"):
        goods = tables.products.select(article="product_id", product="name").distinct(on="article")
        found = found.left_join(goods, found.product_id == goods.article).drop("article")
    if tables.has("customers", "region"):
        people = tables.customers.select(person="customer_id", region="region").distinct(
            on="person"
        )
        found = found.left_join(people, found.customer_id == people.person).drop("person")
    return found


def _typed(frame: pd.DataFrame, period: Period) -> pd.DataFrame:
    end = pd.Timestamp(period.end)
    late = frame["submitted_at"].notna() & (frame["submitted_at"] >= end)
    answered = frame["submitted_at"].notna() & ~late & frame["score"].notna()
    alone = "guest " + frame["feedback_id"].astype(str)
    who = frame["customer_id"].astype(object).where(frame["customer_id"].notna(), alone)
    ordered = frame.assign(who=who.astype(str)).sort_values(["asked_at", "feedback_id"])
    known = ordered["submitted_at"].notna()
    kept = ordered[known | ordered["invited_at"].notna()]
    asked = kept["asked_at"]
    low, high = (kept["kind"].map({k: v[end] for k, v in SCALES.items()}) for end in (0, 1))
    return pd.DataFrame(
        {
            "kind": kept["kind"].astype(str),
            "customer": pd.factorize(kept["who"], sort=True)[0],
            "customer_id": kept["customer_id"],
            "asked_on": asked.dt.normalize(),
            "month": asked.dt.strftime("%Y-%m"),
            "wave": kept["wave"],
            "channel": kept["channel"],
            "product_id": kept["product_id"],
            "product": _names(kept),
            "order_id": kept["order_id"],
            "region": kept.get("region"),
            "segment": kept["segment"],
            "orders_before": kept["orders_before"].fillna(0).astype("int64"),
            "invited": kept["invited_at"].notna(),
            "answered_on": kept["submitted_at"].dt.normalize(),
            "answered": answered.reindex(kept.index),
            "score": kept["score"].where(answered.reindex(kept.index)).astype("float64"),
            "low": kept["scale_min"].astype("float64").fillna(low),
            "high": kept["scale_max"].astype("float64").fillna(high),
        }
    ).reset_index(drop=True)


def _names(rows: pd.DataFrame) -> pd.Series:
    """Return the product's name, with its key where several bear it; the key where it has none."""
    if "product" not in rows:
        return rows["product_id"]
    pairs = rows[["product_id", "product"]].drop_duplicates()
    shared = rows["product"].isin(pairs["product"][pairs["product"].duplicated()])
    written = rows["product"].where(~shared, rows["product"] + " (" + rows["product_id"] + ")")
    return written.fillna(rows["product_id"])


def _checked(rows: pd.DataFrame, period: Period) -> Surveys:
    """Return the surveys without scores off their scale, which are counted."""
    outside = rows["score"].notna() & (
        (rows["score"] < rows["low"]) | (rows["score"] > rows["high"])
    )
    whole = rows["kind"].isin(["nps"]) & rows["score"].notna() & (rows["score"] % 1 != 0)
    wrong = outside | whole
    found = [
        {
            "kind": kind,
            "rows": len(bad),
            "lowest": bad["score"].min(),
            "highest": bad["score"].max(),
            "scale": f"{bad['low'].min():g} to {bad['high'].max():g}",
            "answers": int((rows["kind"] == kind).to_numpy()[rows["answered"].to_numpy()].sum()),
        }
        for kind, bad in rows[wrong].groupby("kind")
    ]
    kept = rows[~wrong].reset_index(drop=True)
    asked = kept[kept["kind"].isin(ASKED)]
    knows = bool(len(asked)) and bool((asked["invited"] & ~asked["answered"]).any())
    columns = ["kind", "rows", "lowest", "highest", "scale", "answers"]
    return Surveys(kept, pd.DataFrame(found, columns=columns), _refused(kept), period, knows)


def _refused(rows: pd.DataFrame) -> dict[str, str]:
    """Return, by kind, why its scores cannot be read."""
    refused = {}
    for kind, mine in rows[rows["answered"]].groupby("kind"):
        scales = sorted(set(zip(mine["low"], mine["high"], strict=True)))
        words = " and ".join(f"{low:g} to {high:g}" for low, high in scales)
        if kind == "nps" and scales != [SCALES["nps"]]:
            refused["nps"] = (
                f"The net promoter score is defined on a scale of 0 to 10; these answers were "
                f"given on {words}."
            )
        elif len(scales) > 1:
            refused[str(kind)] = (
                f"Answers to one question were given on different scales ({words}); they cannot "
                "be counted together."
            )
    return refused


def promoted(score: pd.Series) -> np.ndarray:
    """Return 1 for a promoter, -1 for a detractor, 0 for a passive customer."""
    values = score.to_numpy("float64")
    return np.where(values >= PROMOTER, 1.0, np.where(values <= DETRACTOR, -1.0, 0.0))
