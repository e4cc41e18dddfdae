"""Fatigue: how the answer to a message changes with the messages just before it.

Customers who get many messages differ from those who get few. Like is therefore compared with like:
within a channel, among customers with about as many messages in all, some messages happen to
follow closely on others and some do not. The slopes come from a logistic regression (opening) and
a linear one (opting out) on counts of such cells, their errors from batches of customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.engagement.channels.contact_events import REGULAR
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import bonferroni, student_quantile
from analysis.stats.proportions import ClusterSums, clustered_interval
from analysis.stats.sizes import FEWEST_TO_LEARN
from analysis.tables.engine import held

if TYPE_CHECKING:
    from analysis.engagement.channels.contact_events import Contacts
    from analysis.stats.types import Floats

#: Messages before are shown one by one up to this many; slopes know them all up to the second.
MOST_BEFORE, _MOST_KNOWN = 8, 90
#: Classes by a customer's number of messages; batches of customers that errors come from.
_CLASSES, _BATCHES = 4, 40
_ROUNDS = 30
_SLOPES = ["measure", "effect", "base", "low", "high", "messages"]


@dataclass(frozen=True)
class Fatigue:
    """Response by messages in the days before.

    Parameters
    ----------
    curve
        A row a channel, number of messages before (capped at `MOST_BEFORE`) and measure (opened,
        clicked, unsubscribed): hits, of, share, low, high.
    slopes
        measure, effect (opened: change of the log odds a message before, like with like;
        unsubscribed: change of the share), base (share of unsubscribed without one before), low,
        high, messages.
    by_segment
        The same slopes by segment: segment, measure, effect, base, low, high, messages, customers;
        intervals hold for all segments of a measure at once. Empty without segments.
    regular_only
        Whether opting out is read from messages without a promotion alone.
    """

    curve: pd.DataFrame
    slopes: pd.DataFrame
    by_segment: pd.DataFrame
    regular_only: bool


@without("segments")
def judge(
    contacts: Contacts, *, segments: pd.DataFrame | None = None, confidence: float = 0.95
) -> Fatigue:
    """Return the fatigue seen in ``contacts``.

    Parameters
    ----------
    contacts
        Messages.
    segments
        customer_id and rfm, formed on days before the messages; None: no slopes by segment.
    confidence
        Coverage of the intervals.

    Raises
    ------
    NotApplicable
        If neither opens nor opt-outs are recorded, or no message followed closely on another.
    """
    measures = [m for m in ("opened", "clicked", "unsubscribed") if f"{m}_at" in contacts.known]
    if not {"opened", "unsubscribed"} & set(measures):
        raise NotApplicable("Neither opens nor opt-outs are recorded, so fatigue cannot be seen.")
    cells = _cells(contacts).to_pandas()
    if cells["before"].nunique() < 2:
        raise NotApplicable(
            f"No two messages to one customer lie within {contacts.recent_days} days, so fatigue "
            "cannot be seen."
        )
    regular = bool((cells["regular"] == 1).mean() > 0 and "promotion_id" in contacts.known)
    slopes = _slopes(cells, measures, regular, confidence)
    curve = _curve(contacts, measures, confidence)
    parts = _by_segment(contacts, segments, measures, regular, confidence)
    return Fatigue(curve, slopes, parts, regular)


def _slopes(
    cells: pd.DataFrame, measures: Sequence[str], regular: bool, confidence: float
) -> pd.DataFrame:
    rows = []
    if "opened" in measures:
        rows.append(_opening(cells, confidence))
    if "unsubscribed" in measures:
        mine = cells[cells["regular"] == 1] if regular else cells
        rows.append(_leaving(mine, confidence))
    return pd.DataFrame(rows, columns=_SLOPES)


def _by_segment(
    contacts: Contacts, segments: pd.DataFrame | None, measures: Sequence[str], regular: bool,
    confidence: float,
) -> pd.DataFrame:  # fmt: skip
    """Return the slopes of every segment that is large enough, their intervals all at once."""
    columns = ["segment", *_SLOPES, "customers"]
    if segments is None:
        return pd.DataFrame(columns=columns)
    rows = contacts.rows.join(ibis.memtable(segments), "customer_id")
    sizes = rows.group_by("rfm").agg(n=rows.customer_id.nunique()).order_by("rfm").to_pandas()
    sizes = sizes[sizes["n"] >= FEWEST_TO_LEARN]
    level, parts = bonferroni(confidence, len(sizes)), []
    for name, size in zip(sizes["rfm"], sizes["n"], strict=True):
        cells = _cells(replace(contacts, rows=rows.filter(rows.rfm == name))).to_pandas()
        if cells["before"].nunique() > 1:
            found = _slopes(cells, measures, regular, level)
            parts.append(found.assign(segment=name, customers=size)[columns])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _cells(contacts: Contacts) -> ibis.Table:
    """Return counts by batch, channel, class of customer, kind and messages before."""
    rows = contacts.rows
    rows = rows.filter(rows.delivered == 1)
    # Who has opted out and is written to all the same has had messages that are not on record.
    earlier = ibis.window(group_by="customer_id", order_by="at", preceding=(None, 1))
    rows = rows.mutate(gone=rows.unsubscribed.max().over(earlier))
    rows = rows.filter(ibis.coalesce(rows.gone, 0) == 0)
    rows = rows.mutate(regular=(rows.campaign == REGULAR).cast("int64"))
    people = rows.group_by("customer_id").agg(total=rows.count())
    number = ibis.row_number().over(ibis.window(order_by="customer_id"))
    klass = ibis.ntile(_CLASSES).over(ibis.window(order_by=["total", "customer_id"]))
    people = held(people.mutate(batch=number % _BATCHES, klass=klass))
    both = rows.join(people, "customer_id")
    both = both.mutate(before=ibis.least(both.before, _MOST_KNOWN))
    by = ["batch", "channel", "klass", "regular", "before"]
    counted = both.group_by(by).agg(
        n=both.count(), opened=both.opened.sum(), left=both.unsubscribed.sum()
    )
    return counted.order_by(by)


def _curve(contacts: Contacts, measures: Sequence[str], confidence: float) -> pd.DataFrame:
    rows = contacts.rows
    rows = rows.filter(rows.delivered == 1)
    rows = rows.mutate(before=ibis.least(rows.before, MOST_BEFORE))
    each = rows.group_by("channel", "before", "customer_id").agg(
        n=rows.count().cast("float64"), **{m: rows[m].sum().cast("float64") for m in measures}
    )
    sums = {"n": each.n.sum(), "nn": (each.n * each.n).sum(), "m": each.count()}
    for m in measures:
        x = each[m]
        sums |= {f"{m}_x": x.sum(), f"{m}_xx": (x * x).sum(), f"{m}_xn": (x * each.n).sum()}
    table = each.group_by("channel", "before").agg(**sums).order_by("channel", "before").to_pandas()
    return pd.concat([_shares(table, m, confidence) for m in measures], ignore_index=True)


def _shares(table: pd.DataFrame, measure: str, confidence: float) -> pd.DataFrame:
    """Return the shares of one measure with intervals that take whole customers."""
    own = {k: table[f"{measure}_{k}"].to_numpy(float) for k in ("x", "xx", "xn")}
    totals = own | {k: table[k].to_numpy(float) for k in ("n", "nn", "m")}
    low, high, _ = clustered_interval(ClusterSums.of(**totals), confidence=confidence)
    return pd.DataFrame(
        {
            "channel": table["channel"], "before": table["before"], "measure": measure,
            "hits": own["x"].astype(int), "of": table["n"].astype(int),
            "share": own["x"] / table["n"], "low": low, "high": high,
        }
    )  # fmt: skip


def _opening(cells: pd.DataFrame, confidence: float) -> tuple[object, ...]:
    """Return the slope of the log odds of opening, within channel and class of customer."""
    stratum, _ = pd.factorize(cells["channel"] + "/" + cells["klass"].astype(str))
    design = np.column_stack([cells["before"].to_numpy(float), np.eye(stratum.max() + 1)[stratum]])
    n, k = (cells[c].to_numpy(float) for c in ("n", "opened"))
    beta = np.zeros(design.shape[1])
    share = np.clip(k.sum() / n.sum(), 1e-6, 1 - 1e-6)
    beta[1:] = np.log(share / (1 - share))
    for _ in range(_ROUNDS):
        mean = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        weight = n * mean * (1 - mean)
        information = design.T @ (design * weight[:, None]) + 1e-8 * np.eye(len(beta))
        step = np.linalg.solve(information, design.T @ (k - n * mean))
        beta = beta + np.clip(step, -2, 2)
    score = design * (k - n * mean)[:, None]
    error = _sandwich(information, score, cells["batch"].to_numpy())
    reach = float(student_quantile(confidence, _BATCHES - 1)) * error[0]
    return ("opened", beta[0], np.nan, beta[0] - reach, beta[0] + reach, int(n.sum()))


def _leaving(cells: pd.DataFrame, confidence: float) -> tuple[object, ...]:
    """Return the slope of the share that opts out: base + slope x messages before."""
    n, k = (cells[c].to_numpy(float) for c in ("n", "left"))
    x = cells["before"].to_numpy(float)
    design = np.column_stack([x, np.ones(len(x))])
    mean = np.full(len(x), max(k.sum() / n.sum(), 1e-9))
    beta = np.zeros(2)
    for _ in range(_ROUNDS):
        weight = n / np.maximum(mean, 1e-5)
        information = design.T @ (design * weight[:, None]) + 1e-12 * np.eye(2)
        beta = np.linalg.solve(information, design.T @ (weight * k / n))
        mean = np.maximum(design @ beta, 1e-5)
    score = design * ((k - n * (design @ beta)) / mean)[:, None]
    # Opting out is rare: with few of them the spread of batches is known worse than chance is.
    error = np.maximum(
        _sandwich(information, score, cells["batch"].to_numpy()),
        np.sqrt(np.diag(np.linalg.inv(information))),
    )
    reach = float(student_quantile(confidence, _BATCHES - 1)) * error[0]
    return ("unsubscribed", beta[0], beta[1], beta[0] - reach, beta[0] + reach, int(n.sum()))


def _sandwich(information: Floats, score: Floats, batch: np.ndarray) -> Floats:
    """Return standard errors from the spread of the scores of batches of customers."""
    sums = np.zeros((_BATCHES, score.shape[1]))
    np.add.at(sums, batch, score)
    inverse = np.linalg.inv(information)
    middle = sums.T @ sums * _BATCHES / (_BATCHES - 1)
    return np.sqrt(np.diag(inverse @ middle @ inverse))
