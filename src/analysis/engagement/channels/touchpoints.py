"""Paths to an order: which messages came before it, in which order, how long before.

A path ends with an order and holds the delivered messages since the customer's last order, none
older than the look-back. Messages that no order followed are a path without a conversion. Paths
stay in the engine; what leaves it are sums by channel and batch of customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.channels.contact_events import order_times
from analysis.errors import NotApplicable
from analysis.tables.engine import exact_sum, held, seconds
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.engagement.channels.contact_events import Contacts
    from analysis.stats.types import Floats
    from analysis.tables.engine import Tables

#: Batches of customers that the bootstrap draws from.
BATCHES = 100
#: Most channels that sets are formed of.
MOST_CHANNELS = 30
POSITIONAL = ("first", "last", "linear", "time_decay", "position")

#: Before the source of a visit, as a channel.
VISIT = "visit from "
_DAY = 86_400.0


@dataclass(frozen=True)
class Touchpoints:
    """Sums over paths, batch by batch of customers.

    Parameters
    ----------
    channels
        Channels, in the order of the columns.
    positional
        By model of `POSITIONAL`: conversions credited, batches x channels.
    steps
        Weighted steps of the paths, batches x states x states. States: start, the channels,
        conversion, no conversion.
    sets
        Channel sets (bit masks) that converting paths hold.
    set_conversions
        Conversions of each set, batches x sets.
    paths, conversions
        How many of either, all batches.
    """

    channels: tuple[str, ...]
    positional: dict[str, Floats]
    steps: Floats
    sets: tuple[int, ...]
    set_conversions: Floats
    paths: float
    conversions: float


def fetch(
    tables: Tables,
    contacts: Contacts,
    *,
    lookback_days: int = 30,
    half_life_days: float = 7.0,
    tested: pd.DataFrame | None = None,
    visits: bool = False,
) -> Touchpoints:
    """Return the paths to the orders of a period.

    Parameters
    ----------
    tables
        A study's tables.
    contacts
        Messages of the period; those delivered are touches.
    lookback_days
        Messages older than that at the order are forgotten.
    half_life_days
        Days in which the weight of a message halves, for time decay.
    tested
        promotion_id and arm of messages to restrict the touches to, with the orders in the
        promotions' own days.
    visits
        Visits of known customers are touches as well, by where they came from; without those that
        came directly, and those from a channel of messages, which the message stands for.

    Raises
    ------
    NotApplicable
        If no message was delivered.
    """
    sent = _sent(contacts, tested)
    if visits:
        sent = sent.union(_visits(tables, contacts).cast(sent.schema()))
    touches = _touches(tables, contacts, lookback_days, sent)
    return summed(touches, half_life_days=half_life_days)


def _visits(tables: Tables, contacts: Contacts) -> ibis.Table:
    """Return the visits of the period by known customers, by their source."""
    if not tables.has("page_views", "customer_id", "source"):
        raise NotApplicable("Where visits come from is not known of any customer.")
    views = tables.page_views
    start, end = midnight(contacts.period.start), midnight(contacts.period.end)
    views = views.filter(views.viewed_at >= start, views.viewed_at < end)
    each = views.group_by("session_id").agg(
        customer_id=views.customer_id.max(), source=views.source.min(), at=views.viewed_at.min()
    )
    by_message = contacts.rows.select(source="channel").distinct()
    each = each.filter(each.customer_id.notnull(), each.source.notnull(), each.source != "direct")
    each = each.anti_join(by_message, "source")
    return each.select("customer_id", channel=ibis.literal(VISIT) + each.source, at="at",
                       order=ibis.literal(0, "int8"))  # fmt: skip


def _sent(contacts: Contacts, tested: pd.DataFrame | None) -> ibis.Table:
    """Return the messages delivered: customer_id, channel, at, order (0)."""
    rows = contacts.rows
    sent = rows.filter(rows.delivered == 1)
    if tested is not None:
        wanted = [str(p) for p in tested["promotion_id"].unique()]
        sent = sent.filter(sent.promotion_id.isin(wanted))
    return sent.select("customer_id", "channel", at="at", order=ibis.literal(0, "int8"))


def _touches(
    tables: Tables, contacts: Contacts, lookback_days: int, sent: ibis.Table
) -> ibis.Table:
    """Return the touches: customer_id, journey, channel, place, places, age, conversions, nulls."""
    start, end = midnight(contacts.period.start), midnight(contacts.period.end)
    orders = order_times(tables)
    orders = orders.filter(orders["at"] >= start, orders["at"] < end)
    orders = orders.semi_join(sent.select("customer_id").distinct(), "customer_id")
    orders = orders.select(
        "customer_id", channel=ibis.null("string"), at="at", order=ibis.literal(1, "int8")
    )
    line = sent.union(orders.cast(sent.schema()))
    ways = {"group_by": "customer_id", "order_by": ["at", "order", "channel"]}
    before = ibis.window(following=0, **ways)
    line = line.mutate(
        journey=line.order.cast("int64").sum().over(before) - line.order.cast("int64"),
        ordered_at=line.order.cast("boolean")
        .ifelse(line["at"], None)
        .min()
        .over(ibis.window(preceding=0, **ways)),
    )
    touch = line.filter(line.order == 0)
    age = (seconds(touch.ordered_at) - seconds(touch["at"])) / _DAY
    touch = touch.mutate(age=age)
    touch = touch.filter(touch.age.isnull() | (touch.age <= lookback_days))
    journey = {"group_by": ["customer_id", "journey"], "order_by": ["at", "channel"]}
    touch = touch.mutate(place=ibis.row_number().over(ibis.window(**journey)))
    both = touch.mutate(
        places=touch.place.count().over(ibis.window(group_by=["customer_id", "journey"])),
        conversions=touch.ordered_at.notnull().cast("float64"),
        nulls=touch.ordered_at.isnull().cast("float64"),
        age=ibis.coalesce(touch.age, 0.0),
    )
    return both.join(_batches(both), "customer_id")


def _batches(touches: ibis.Table) -> ibis.Table:
    people = touches.select("customer_id").distinct()
    number = ibis.row_number().over(ibis.window(order_by="customer_id"))
    return people.mutate(batch=number % BATCHES)


def summed(touches: ibis.Table, *, half_life_days: float = 7.0) -> Touchpoints:
    """Return the sums of ``touches``, as of `fetch`."""
    touches = held(_weighted(touches, half_life_days))
    names = touches.select("channel").distinct().order_by("channel").to_pandas()["channel"]
    channels = tuple(map(str, names))
    if not channels:
        raise NotApplicable("No message was delivered, so no order can be credited to one.")
    if len(channels) > MOST_CHANNELS:
        raise NotApplicable(
            f"There are {len(channels)} channels; attribution compares {MOST_CHANNELS} at most."
        )
    place = {name: number for number, name in enumerate(channels)}
    sets, by_set = _by_set(touches, place)
    ends = touches.filter(touches.place == touches.places - 1)
    sums = ends.agg(conversions=ends.conversions.sum(), nulls=ends.nulls.sum()).to_pandas()
    conversions, nulls = (float(sums[c].iloc[0]) for c in ("conversions", "nulls"))
    return Touchpoints(
        channels,
        _positional(touches, place),
        _steps(touches, place),
        sets,
        by_set,
        conversions + nulls,
        conversions,
    )


def _weighted(touches: ibis.Table, half_life: float) -> ibis.Table:
    """Return the touches with the weight that each positional model gives them in their path."""
    first, last = touches.place == 0, touches.place == touches.places - 1
    n = touches.places.cast("float64")
    middle = ibis.cases((n > 2, 0.2 / (n - 2)), else_=0.0)
    ends = ibis.cases((n == 1, 1.0), (n == 2, 0.5), else_=0.4)
    fading = (-np.log(2) / half_life * touches.age).exp()
    rows = touches.mutate(
        first=first.cast("float64"),
        last=last.cast("float64"),
        linear=1 / n,
        position=(first | last).ifelse(ends, middle),
        fading=fading,
    )
    whole = ibis.window(group_by=["customer_id", "journey"], order_by="place", rows=(None, None))
    return rows.mutate(time_decay=rows.fading / rows.fading.sum().over(whole))


def _positional(touches: ibis.Table, place: dict[str, int]) -> dict[str, Floats]:
    sums = {m: exact_sum(touches[m] * touches.conversions) for m in POSITIONAL}
    table = touches.group_by("batch", "channel").agg(**sums).order_by("batch", "channel")
    frame = table.to_pandas()
    found = {m: np.zeros((BATCHES, len(place))) for m in POSITIONAL}
    column = frame["channel"].map(place).to_numpy()
    for model, sums_of in found.items():
        sums_of[frame["batch"].to_numpy(), column] = frame[model].to_numpy()
    return found


def _steps(touches: ibis.Table, place: dict[str, int]) -> Floats:
    """Return how often each state follows each, batch by batch."""
    order = ibis.window(group_by=["customer_id", "journey"], order_by="place")
    rows = touches.mutate(after=touches.channel.lead().over(order))
    weight = rows.conversions + rows.nulls
    inner = rows.group_by("batch", "channel", "after").agg(
        weight=weight.sum(),
        begins=weight.sum(where=rows.place == 0),
        conversions=rows.conversions.sum(where=rows.after.isnull()),
        nulls=rows.nulls.sum(where=rows.after.isnull()),
    )
    frame = inner.order_by("batch", "channel", "after").to_pandas()
    size = len(place) + 3
    steps = np.zeros((BATCHES, size, size))
    batch = frame["batch"].to_numpy()
    one = frame["channel"].map(place).to_numpy() + 1
    goes = frame["after"].notna().to_numpy()
    two = frame.loc[goes, "after"].map(place).to_numpy(np.int64) + 1
    np.add.at(steps, (batch[goes], one[goes], two), frame.loc[goes, "weight"].to_numpy(float))
    np.add.at(steps, (batch, 0, one), frame["begins"].fillna(0).to_numpy(float))
    for state, name in ((size - 2, "conversions"), (size - 1, "nulls")):
        np.add.at(steps, (batch, one, state), frame[name].fillna(0).to_numpy(float))
    return steps


def _by_set(touches: ibis.Table, place: dict[str, int]) -> tuple[tuple[int, ...], Floats]:
    """Return the channel sets of converting paths, and their conversions batch by batch."""
    converting = touches.filter(touches.conversions > 0)
    once = converting.group_by("batch", "customer_id", "journey", "channel").agg(
        conversions=converting.conversions.max()
    )
    bits = ibis.cases(*((once.channel == c, 1 << n) for c, n in place.items()), else_=0)
    paths = once.mutate(bit=bits.cast("int64")).group_by("batch", "customer_id", "journey")
    paths = paths.agg(mask=ibis._.bit.sum(), conversions=ibis._.conversions.max())
    table = paths.group_by("batch", "mask").agg(conversions=paths.conversions.sum())
    frame = table.order_by("batch", "mask").to_pandas()
    sets = tuple(sorted(map(int, frame["mask"].unique())))
    found = np.zeros((BATCHES, len(sets)))
    column = frame["mask"].map({mask: n for n, mask in enumerate(sets)}).to_numpy(np.int64)
    found[frame["batch"].to_numpy(), column] = frame["conversions"].to_numpy()
    return sets, found
