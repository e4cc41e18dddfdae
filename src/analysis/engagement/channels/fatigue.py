"""The frequency that pays: what more messages brought, where the frequency was drawn at random.

Without a draw a dose curve is confounded: the keen get more messages. Then nobody is called
saturated, and the report says so.

Fatigue: how the answer to a message changes with the messages just before it.

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
from analysis.engagement.channels.contact_events import REGULAR, order_times
from analysis.errors import NotApplicable
from analysis.stats.multiplicity import bonferroni, normal_quantile, student_quantile
from analysis.stats.proportions import ClusterSums, clustered_interval
from analysis.stats.sizes import FEWEST_CUSTOMERS, FEWEST_TO_LEARN
from analysis.tables.engine import held
from analysis.tables.lines import lines_in, midnight
from analysis.tables.margin import MICROS

if TYPE_CHECKING:
    from analysis.engagement.channels.contact_events import Contacts
    from analysis.stats.types import Floats
    from analysis.tables.engine import Tables

SATURATED, ON_TARGET, UNDER = "saturated", "on target", "under"
#: Chance of a difference before the start, as large, below which variants were not drawn.
_UNLIKE = 0.001
_MONTH = 28.0


@dataclass(frozen=True)
class DoseCurve:
    """What each frequency brought to customers who had bought before it began.

    Parameters
    ----------
    doses
        A row a variant, fewest messages first: variant, customers, messages (each in 28 days),
        orders, margin, cost (each customer, whole period), left (share that opted out), left_low,
        left_high; against the lowest: net_gain, net_low, net_high (margin less cost, all at once),
        left_gain, left_gain_low, left_gain_high; before (orders in the year before).
    best
        The frequency that pays: the lowest of which none higher is shown to earn more.
    classes
        Customers by their messages in the last 28 days against it: class, customers, share.
    members
        customer_id, messages, class.
    balance_p
        Chance that drawn variants differ as much in orders before they began.
    """

    doses: pd.DataFrame
    best: str
    classes: pd.DataFrame
    members: pd.DataFrame
    balance_p: float


def measure(
    tables: Tables, contacts: Contacts, *, variants: tuple[str, ...], confidence: float = 0.95
) -> DoseCurve:
    """Return the dose curve of ``variants``, which were drawn at random for each customer.

    Raises
    ------
    NotApplicable
        If no variants were drawn, if fewer than two had enough customers, or if customers of the
        variants bought differently before.
    """
    if not variants or "variant" not in contacts.known:
        raise NotApplicable(
            "The frequency of messages was not randomised: who gets more of them differs from who "
            "gets fewer, so a dose curve would be confounded, and nobody is called saturated."
        )
    people = _people(tables, contacts, variants).to_pandas()
    sizes = people.groupby("variant").size()
    kept = sizes[sizes >= FEWEST_CUSTOMERS].index
    if len(kept) < 2:
        raise NotApplicable(
            f"Fewer than two of the drawn frequencies reached {FEWEST_CUSTOMERS} customers who had "
            "bought before."
        )
    people = people[people["variant"].isin(kept)]
    balance = _balance(people)
    if balance < _UNLIKE:
        raise NotApplicable(
            "Customers of the frequencies that are said to be drawn at random bought differently "
            "before they began; they are not comparable."
        )
    doses = _doses(people, contacts.period.days, confidence)
    best = _best(doses)
    members = _members(contacts, doses, best)
    counts = members.groupby("class").size().reindex([UNDER, ON_TARGET, SATURATED], fill_value=0)
    classes = pd.DataFrame(
        {"class": counts.index, "customers": counts.to_numpy(),
         "share": counts.to_numpy() / max(len(members), 1)}
    )  # fmt: skip
    return DoseCurve(doses, best, classes, members, balance)


def _people(tables: Tables, contacts: Contacts, variants: tuple[str, ...]) -> ibis.Table:
    """Return customer_id, variant, messages, cost, left, orders, margin, before."""
    rows = contacts.rows.filter(contacts.rows.variant.isin(variants))
    each = rows.group_by("customer_id").agg(
        variant=rows.variant.min(),
        variants=rows.variant.nunique(),
        messages=rows.count(),
        cost=rows.cost_cents.sum() / 100,
        left=rows.unsubscribed.max(),
    )
    each = each.filter(each.variants == 1)
    start = midnight(contacts.period.start)
    orders = order_times(tables)
    earlier = orders.filter(orders["at"] < start, orders["at"] >= start - ibis.interval(days=364))
    before = earlier.group_by("customer_id").agg(before=earlier.count())
    lines = lines_in(tables, contacts.period)
    sold = lines.filter(lines.customer_id.notnull())
    bought = sold.group_by("customer_id").agg(
        margin=sold.margin_micros.sum() / MICROS,
        orders=sold.order_id.nunique(where=sold.quantity > 0),
    )
    both = each.join(before, "customer_id").left_join(bought, "customer_id")
    return both.select(
        "customer_id", "variant", "messages", "left", "before", cost=both.cost.cast("float64"),
        margin=ibis.coalesce(both.margin, 0).cast("float64"), orders=ibis.coalesce(both.orders, 0),
    ).order_by("customer_id")  # fmt: skip


def _balance(people: pd.DataFrame) -> float:
    """Return the p of equal orders before, by a one-way analysis of variance of their logarithm."""
    from scipy.stats import f_oneway

    groups = [np.log1p(part["before"].to_numpy(float)) for _, part in people.groupby("variant")]
    p = float(f_oneway(*groups).pvalue)
    return p if np.isfinite(p) else 1.0


def _doses(people: pd.DataFrame, days: int, confidence: float) -> pd.DataFrame:
    from analysis.stats.proportions import newcombe, wilson_interval

    # Orders before cannot be changed by messages after: they take their part of the noise away.
    people = people.assign(net=people["margin"] - people["cost"])
    past = np.log1p(people["before"].to_numpy(float))
    slope = np.cov(past, people["net"])[0, 1] / max(past.var(ddof=1), 1e-12)
    people = people.assign(adjusted=people["net"] - slope * (past - past.mean()))
    groups = {str(name): part for name, part in people.groupby("variant")}
    order = sorted(groups, key=lambda name: float(groups[name]["messages"].mean()))
    lowest = groups[order[0]]
    z = normal_quantile(1 - (1 - confidence) / (len(order) - 1))
    rows = []
    for name in order:
        part = groups[name]
        n, left = len(part), int(part["left"].sum())
        low, high = (float(np.ravel(e)[0]) for e in wilson_interval(left, n, confidence=confidence))
        gain = part["adjusted"].mean() - lowest["adjusted"].mean()
        error = np.sqrt(part["adjusted"].var() / n + lowest["adjusted"].var() / len(lowest))
        quits = newcombe(left, n, lowest["left"].sum(), len(lowest), z=z)
        own = name == order[0]
        rows.append(
            (
                name, n, part["messages"].mean() * _MONTH / days, part["orders"].mean(),
                part["margin"].mean(), part["cost"].mean(), left / n, low, high,
                *((np.nan,) * 6 if own else (gain, gain - z * error, gain + z * error,
                                             *(float(v) for v in quits))),
                part["before"].mean(),
            )
        )  # fmt: skip
    names = ["variant", "customers", "messages", "orders", "margin", "cost", "left", "left_low",
             "left_high", "net_gain", "net_low", "net_high", "left_gain", "left_gain_low",
             "left_gain_high", "before"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _best(doses: pd.DataFrame) -> str:
    """Return the highest frequency that is shown to earn more than the lowest, else the lowest.

    Of several, the one with the largest gain.
    """
    shown = doses[doses["net_low"] > 0]
    if shown.empty:
        return str(doses["variant"].iloc[0])
    return str(shown.sort_values("net_gain", ascending=False)["variant"].iloc[0])


def _members(contacts: Contacts, doses: pd.DataFrame, best: str) -> pd.DataFrame:
    """Return customers of the period with their messages in the last 28 days and their class."""
    rows = contacts.rows
    since = midnight(contacts.period.end) - ibis.interval(days=int(_MONTH))
    each = rows.group_by("customer_id").agg(
        messages=(rows["at"] >= since).cast("int64").sum(), left=rows.unsubscribed.max()
    )
    people = each.filter(each.left == 0).order_by("customer_id").to_pandas()
    place = int(doses.index[doses["variant"] == best][0])
    dose = doses["messages"].to_numpy(float)
    upper = np.sqrt(dose[place] * dose[place + 1]) if place + 1 < len(dose) else np.inf
    lower = np.sqrt(dose[place] * dose[place - 1]) if place else 0.0
    n = people["messages"].to_numpy(float)
    klass = np.where(n > np.ceil(upper), SATURATED, np.where(n < np.floor(lower), UNDER, ON_TARGET))
    return people.assign(**{"class": klass})[["customer_id", "messages", "class"]]


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
