"""The care list: who is written to on which occasion, within caps, each with a holdout.

A customer gets one message of care at most, and none beside the target list: who is on that list,
contacted or held out, is left alone. Service messages are no advertising: no cap stops them, and
they stand apart, beside whatever else is ruled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.errors import NotApplicable
from analysis.promotions.planning import due_occasions as due
from analysis.promotions.planning.due_occasions import Flow, entries
from analysis.promotions.planning.targeting import standing_holdout
from analysis.promotions.planning.targeting.contact_consent import contact_record
from analysis.tables.lines import midnight

if TYPE_CHECKING:
    from analysis.promotions.planning.targeting.channel_choice import Channels
    from analysis.promotions.planning.targeting.eligibility import Eligible
    from analysis.promotions.planning.targeting.target_list import TargetList
    from analysis.tables.engine import Tables

#: Kind of message of each occasion; the first of a customer's, in this order, is the one sent.
KIND_OF = {
    due.AFTER_SALE: "service",
    "points expiring": "service",
    due.BIRTHDAY: "care",
    due.ANNIVERSARY: "care",
    "near tier": "care",
    due.REPLENISHMENT: "promotion",
    due.WIN_BACK: "promotion",
    due.FESTIVAL: "care",
}

#: Rules of the target list that do not stop a message of a kind: none that is about consent.
SPARES = {
    "promotion": frozenset[str](),
    "care": frozenset({"stock", "margin"}),
    "service": frozenset({"contacted", "capped", "experiment", "control", "stock", "margin"}),
}

CONTACT, HOLD_OUT, LEAVE = "contact", "hold out", "leave alone"


@dataclass(frozen=True)
class CareRules:
    """How occasions are kept.

    Parameters
    ----------
    as_of
        The day of the list.
    days
        Days until the next one.
    holdout
        Occasion to the share of it that gets no message; an occasion not named is not kept.
    rest_days
        Days in which no second message of the same occasion goes out.
    most
        Most messages of one occasion on a list; those due first go first.
    festivals
        Festival to its day, MM-DD or YYYY-MM-DD.
    flows
        Flows, by name.
    """

    as_of: date
    days: int = 7
    holdout: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(KIND_OF, 0.1))
    rest_days: int = 90
    most: int = 10_000
    festivals: Mapping[str, str] = field(default_factory=dict)
    flows: Mapping[str, Mapping[str, str | float]] = field(default_factory=dict)

    def read_flows(self) -> list[Flow]:
        """Return the flows; ParamsError says what is wrong with one."""
        return [Flow.of(name, spec, tuple(KIND_OF)) for name, spec in self.flows.items()]


@dataclass(frozen=True)
class CareList:
    """The rulings on occasions.

    Parameters
    ----------
    rulings
        One row a customer with an occasion, and one more for a service message: customer_id, list
        (the occasion or flow), kind, ruling (contact, hold out, leave alone), reason, offer,
        channel, hour, contact_on, arm (target, holdout; empty where left alone), stratum, due_on,
        product_id, cost.
    table
        list, kind, due (customers), contact, held_out, left_alone, why (the commonest reason to
        leave alone).
    """

    rulings: pd.DataFrame
    table: pd.DataFrame

    @property
    def care(self) -> pd.DataFrame:
        """The rows that are care or promotion, one a customer."""
        return self.rulings[self.rulings["kind"] != "service"].reset_index(drop=True)

    @property
    def service(self) -> pd.DataFrame:
        """The service messages, one a customer."""
        return self.rulings[self.rulings["kind"] == "service"].reset_index(drop=True)


def one_ruling(listed: TargetList, care: CareList | None = None) -> pd.DataFrame:
    """Return the one ruling per customer: the target list's, else that of an occasion.

    Returns
    -------
    pandas.DataFrame
        The columns of ``TargetList.rulings`` and list (``targets``, or the occasion), sorted by
        customer_id.
    """
    rulings = listed.rulings.assign(list="targets")
    if care is None:
        return rulings
    told = care.care[care.care["arm"] != ""]
    free = rulings.loc[rulings["arm"] == "", "customer_id"]
    told = told[told["customer_id"].isin(free)].assign(basis="occasion")
    others = rulings[~rulings["customer_id"].isin(told["customer_id"])]
    names = [*rulings.columns, *(n for n in ("contact_on", "kind") if n not in rulings)]
    both = pd.concat([others, told], ignore_index=True).reindex(columns=names)
    return both.sort_values("customer_id", ignore_index=True)


@without("listed", "more")
def care_list(
    tables: Tables,
    left: Eligible,
    channels: Channels,
    rules: CareRules,
    *,
    listed: TargetList | None = None,
    more: pd.DataFrame | None = None,
) -> CareList:
    """Return the rulings on everybody with an occasion.

    Parameters
    ----------
    tables
        A study's tables.
    left
        Everybody, and which rule of the target list stops whom.
    channels
        How each is reached, in the same order.
    rules
        How occasions are kept.
    listed
        The target list; None: there is none.
    more
        Occasions that another report found.

    Raises
    ------
    NotApplicable
        If nobody has an occasion.
    """
    people = left.customers
    flows = rules.read_flows()
    found = due.due_occasions(
        tables, people, as_of=rules.as_of, days=rules.days, festivals=rules.festivals, more=more
    )
    kept = found[found["occasion"].isin(list(rules.holdout))]
    entered = [
        entries(tables, flow, people, found, as_of=rules.as_of, days=rules.days) for flow in flows
    ]
    every = pd.concat([kept, *(e for e in entered if len(e))], ignore_index=True)
    if every.empty:
        raise NotApplicable(
            f"No occasion falls due in the {rules.days} days from {rules.as_of} on."
        )
    rows = _ordered(every, flows, people)
    rows = rows.assign(before=_messaged(tables, rows, rules))
    rows = rows.assign(reason=_stopped(rows, left, listed))
    rows = _placed(rows, left, channels, _unreachable(tables, left))
    return _ruled(_once(_capped(rows, rules.most)), rules, flows, left)


def _ordered(every: pd.DataFrame, flows: Sequence[Flow], people: pd.DataFrame) -> pd.DataFrame:
    """Return the occasions with their kind, those of a customer in the order of their weight."""
    kinds = {**KIND_OF, **{flow.name: flow.kind for flow in flows}}
    offers = {flow.name: flow.offer for flow in flows}
    rank = {name: place for place, name in enumerate([*KIND_OF, *offers])}
    place = pd.Series(np.arange(len(people)), people["customer_id"])
    rows = every.assign(
        kind=every["occasion"].map(kinds),
        offer=[offers.get(o) or o for o in every["occasion"]],
        rank=every["occasion"].map(rank),
        row=every["customer_id"].map(place),
    )
    order = ["customer_id", "rank", "due_on"]
    return rows.sort_values(order, kind="stable", ignore_index=True)


def _messaged(tables: Tables, rows: pd.DataFrame, rules: CareRules) -> pd.Series:
    """Tell who had a message of the same occasion of late, or was held out of one."""
    first = rules.as_of - timedelta(days=rules.rest_days)
    seen: set[tuple[str, str]] = set()
    if tables.has("contacts", "occasion"):
        sent = tables.contacts
        sent = sent.filter(sent.sent_at >= midnight(first), sent.sent_at < midnight(rules.as_of))
        seen |= set(sent.select("customer_id", "occasion").distinct().to_pandas().itertuples(False))
    if "assignments" in tables:
        given = tables.assignments
        given = given.filter(
            given.assigned_at >= midnight(first), given.assigned_at < midnight(rules.as_of)
        )
        lists = given.filter(given.promotion_id.contains("-"))
        named = lists.mutate(list=lists.promotion_id.split("-")[0])
        frame = named.select("customer_id", "list").distinct().to_pandas()
        seen |= set(frame.itertuples(False))
    pairs = zip(rows["customer_id"], rows["occasion"], strict=True)
    return pd.Series([(c, o) in seen or (c, slug(o)) in seen for c, o in pairs], rows.index)


def slug(name: str) -> str:
    """Return the name of an occasion as its lists bear it."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _unreachable(tables: Tables, left: Eligible) -> set[tuple[str, str]]:
    """Return who opted out of which channel, or could not be reached through it."""
    rules = left.rules
    record = contact_record(tables, as_of=rules.as_of, days=rules.cap_days)
    if record.empty:
        return set()
    out = record[record["opted_out"].astype(bool) | record["bounced"].astype(bool)]
    return set(zip(out["customer_id"], out["channel"], strict=True))


def _stopped(rows: pd.DataFrame, left: Eligible, listed: TargetList | None) -> pd.Series:
    """Return why each is left alone; empty where nothing stops the message."""
    from analysis.promotions.planning.targeting.eligibility import SAYS

    rule = left.customers["stopped"].to_numpy()[rows["row"].to_numpy()]
    spared = [r in SPARES[k] for r, k in zip(rule, rows["kind"], strict=True)]
    on_list: pd.Series = pd.Series(dtype="object")
    if listed is not None:
        on_list = listed.listed["customer_id"]
    taken = rows["customer_id"].isin(on_list) & (rows["kind"] != "service")
    reasons = np.select(
        [(rule != "") & ~np.array(spared, dtype=bool), rows["before"], taken],
        [
            pd.Series(rule).map(SAYS).fillna("").to_numpy(),
            "had a message of this occasion of late",
            "on the target list, which goes before",
        ],
        "",
    )
    return pd.Series(reasons, rows.index, dtype="str")


def _placed(
    rows: pd.DataFrame, left: Eligible, channels: Channels, out: set[tuple[str, str]]
) -> pd.DataFrame:
    """Return the rows with the cheapest channel consented to, its hour and cost."""
    order = np.argsort(channels.costs, kind="stable")
    allowed = left.permission.allowed
    chosen, hours, costs = [], [], []
    for customer, row in zip(rows["customer_id"], rows["row"], strict=True):
        fits = [
            place
            for place in order
            if allowed.iat[row, allowed.columns.get_loc(channels.names[place])]
            and (customer, channels.names[place]) not in out
        ]
        best = int(fits[0]) if fits else -1
        chosen.append(channels.names[best] if fits else "")
        hours.append(int(channels.hour[row, best]) if fits else -1)
        costs.append(float(channels.costs[best]) if fits else 0.0)
    placed = rows.assign(channel=chosen, hour=hours, cost=costs)
    nowhere = (placed["reason"] == "") & (placed["channel"] == "")
    return placed.assign(reason=placed["reason"].mask(nowhere, "no channel that was consented to"))


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a customer, and one more for service: what nothing stops goes first."""
    service = rows["kind"] == "service"
    order = rows.assign(stopped=rows["reason"] != "", service=service).sort_values(
        ["customer_id", "service", "stopped", "rank", "due_on"], kind="stable"
    )
    once = order.drop_duplicates(["customer_id", "service"])
    return once.drop(columns=["stopped", "service"]).reset_index(drop=True)


def _capped(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the rows, those above the cap of their occasion left alone."""
    free = rows[rows["reason"] == ""].sort_values(["due_on", "customer_id"], kind="stable")
    place = free.groupby("occasion").cumcount().reindex(rows.index)
    return rows.assign(
        reason=rows["reason"].mask(place >= most, "others are due before, by the cap")
    )


def _ruled(rows: pd.DataFrame, rules: CareRules, flows: Sequence[Flow], left: Eligible) -> CareList:
    shares = {**rules.holdout, **{flow.name: flow.holdout for flow in flows}}
    free = rows["reason"] == ""
    held = pd.Series(False, rows.index)
    for name, part in rows[free].groupby("occasion", sort=True):
        held[part.index] = standing_holdout.hold_out(
            part["customer_id"].tolist(),
            part["occasion"],
            programme=f"{left.rules.programme}/{name}",
            share=shares[str(name)],
            as_of=rules.as_of,
            rotate_days=left.rules.rotate_days,
        )
    on = [max(d, rules.as_of).isoformat() for d in rows["due_on"]]
    table = rows.assign(
        ruling=np.select([free & ~held, free], [CONTACT, HOLD_OUT], LEAVE),
        reason=rows["reason"].mask(
            held, "held out at random, so that the occasion can be measured"
        ),
        arm=np.select([free & ~held, free], ["target", "holdout"], ""),
        contact_on=on,
        list=[slug(o) for o in rows["occasion"]],
        stratum=rows["occasion"],
        channel=rows["channel"].where(free, ""),
    )
    table["reason"] = table["reason"].mask(free & ~held, [f"{o} due" for o in rows["occasion"]])
    names = ["customer_id", "list", "kind", "ruling", "reason", "offer", "channel", "hour"]
    names += ["contact_on", "arm", "stratum", "due_on", "product_id", "cost"]
    return CareList(table[names].reset_index(drop=True), _summary(table))


def _summary(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, part in table.groupby("stratum", sort=True):
        alone = part.loc[part["arm"] == "", "reason"]
        counts = {
            "list": name,
            "kind": part["kind"].iloc[0],
            "due": len(part),
            "contact": int((part["arm"] == "target").sum()),
            "held_out": int((part["arm"] == "holdout").sum()),
            "left_alone": len(alone),
            "why": str(alone.mode().iloc[0]) if len(alone) else "",
        }
        rows.append(counts)
    return pd.DataFrame(rows)
