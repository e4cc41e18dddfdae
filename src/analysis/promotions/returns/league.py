"""All promotions side by side: effects drawn together, and what to repeat, change or stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.returns.roi import AFTER, EXTRA, NEIGHBOURS, Return
from analysis.stats import random_effects

if TYPE_CHECKING:
    from analysis.promotions.observational.synthetic_control import Everybody
    from analysis.promotions.returns.incremental_return import Returns
    from analysis.tables.engine import Tables


#: How the comparison came about. Only the first shows what promotions cause; kinds are never mixed.
BY_LOT, CHOSEN, FOR_ALL = "by lot", "chosen", "for all"

REPEAT, CHANGE, STOP, AGAIN = "repeat", "change", "stop", "test again"
HOLD_OUT = "test by lot"

#: Probability of a positive return below which a promotion that sells more should be changed.
_DOUBTFUL = 0.2

#: Share of the extra sales that must come from elsewhere before a promotion counts as moving them.
_MOVED = 0.5

_SEASONS = ("winter", "spring", "summer", "autumn")


def rows(tables: Tables, returns: Returns, everybody: Everybody) -> pd.DataFrame:
    """Return one row a promotion and arm whose effect is known.

    Returns
    -------
    pandas.DataFrame
        promotion_id, arm, label, kind (`BY_LOT`, `CHOSEN`, `FOR_ALL`), mechanic, channel
        (``none`` where no message is known), season (of the first day, northern hemisphere), lift
        and error: of contribution margin a customer over what would have come anyway; for
        promotions for everybody, of the net sales of the products on offer.
    """
    found = []
    channels = _channels(tables)
    for key, effects in returns.effects.items():
        lift, error = effects.relative("margin")
        row = _facts(returns.table, key)
        kind = BY_LOT if effects.randomised else CHOSEN
        row |= {"kind": kind, "channel": channels.get(key, "none"), "lift": lift, "error": error}
        found.append(row)
    for promotion_id, one in everybody.found.items():
        row = _facts(everybody.table, (promotion_id, ""))
        error = (one.high - one.low) / (2 * 1.96)
        row |= {"kind": FOR_ALL, "channel": "none", "lift": one.lift, "error": error}
        found.append(row)
    columns = ["promotion_id", "arm", "label", "kind", "mechanic", "channel", "season"]
    table = pd.DataFrame(found, columns=[*columns, "lift", "error"])
    table = table.astype({"lift": "float64", "error": "float64"})
    return table[np.isfinite(table["lift"]) & (table["error"] > 0)].reset_index(drop=True)


def _facts(table: pd.DataFrame, key: tuple[str, str]) -> dict[str, object]:
    mine = table[table["promotion_id"] == key[0]]
    if "arm" in mine.columns:
        mine = mine[mine["arm"] == key[1]]
    row = mine.iloc[0]
    season = _SEASONS[row["starts_on"].month % 12 // 3]
    label = row["label"] if "label" in mine.columns else row["name"]
    facts = {"promotion_id": key[0], "arm": key[1], "label": label, "season": season}
    return {**facts, "mechanic": row["mechanic"] or "not stated"}


def _channels(tables: Tables) -> dict[tuple[str, str], str]:
    """Return the channel that most messages of a promotion's arm went through."""
    if not tables.has("contacts", "promotion_id"):
        return {}
    sent = tables.contacts.filter(tables.contacts.promotion_id.notnull())
    given = tables.assignments.select("promotion_id", "customer_id", "arm")
    both = sent.join(given, ["promotion_id", "customer_id"])
    counts = both.group_by("promotion_id", "arm", "channel").agg(n=both.count()).to_pandas()
    counts = counts.sort_values(["n", "channel"], ascending=[False, True])
    first = counts.drop_duplicates(["promotion_id", "arm"])
    return {(r["promotion_id"], r["arm"]): r["channel"] for r in first.to_dict("records")}


def shrunk(league: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Draw the effects of each kind together.

    Returns
    -------
    pandas.DataFrame
        The rows of ``league`` and: low, high (its own interval), shrunk, shrunk_low, shrunk_high
        (drawn towards the mean of its kind as far as it is uncertain; NaN where a kind has one
        promotion only). The largest shrunk first, kind by kind.
    """
    from analysis.stats.multiplicity import normal_quantile

    reach = normal_quantile(confidence)
    parts = []
    for kind in (BY_LOT, CHOSEN, FOR_ALL):
        part = league[league["kind"] == kind]
        if len(part):
            parts.append(_with_shrunk(part, confidence))
    unknown = dict.fromkeys(("shrunk", "shrunk_low", "shrunk_high"), np.nan)
    table = pd.concat(parts, ignore_index=True) if parts else league.assign(**unknown)
    ends = {
        "low": table["lift"] - reach * table["error"],
        "high": table["lift"] + reach * table["error"],
    }
    return table.assign(**ends)


def _with_shrunk(part: pd.DataFrame, confidence: float) -> pd.DataFrame:
    try:
        found = random_effects.pool(
            part["lift"].to_numpy(), part["error"].to_numpy(), confidence=confidence
        )
    except NotApplicable:
        return part.assign(shrunk=np.nan, shrunk_low=np.nan, shrunk_high=np.nan)
    columns = {"shrunk": found.shrunk, "shrunk_low": found.shrunk_low}
    part = part.assign(**columns, shrunk_high=found.shrunk_high)
    return part.sort_values(["shrunk", "promotion_id", "arm"], ascending=[False, True, True])


def by_group(league: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Pool the effects by mechanic, channel and season, within each kind.

    Returns
    -------
    pandas.DataFrame
        kind, by (``all``, ``mechanic``, ``channel``, ``season``), group, promotions, lift, low,
        high, p, share (of the spread that is between promotions), next_low, next_high. Groups of
        one promotion are left out; promotions for everybody are grouped by mechanic only, as the
        sales of what is on offer have no common scale.

    Raises
    ------
    NotApplicable
        If no two promotions of a kind have anything in common.
    """
    whole = league.assign(all="all of them")
    found = []
    for (kind, by), group, part in _groups(whole):
        if len(part) < 2 or group == "none" or (kind == FOR_ALL and by != "mechanic"):
            continue
        one = random_effects.pool(
            part["lift"].to_numpy(), part["error"].to_numpy(), confidence=confidence
        )
        ends = (one.mean, one.low, one.high, one.p, one.share, one.next_low, one.next_high)
        found.append((kind, by, group, len(part), *ends))
    if not found:
        raise NotApplicable("No two promotions of a kind share a mechanic, channel or season.")
    columns = ["kind", "by", "group", "promotions", "lift", "low", "high", "p", "share"]
    return pd.DataFrame(found, columns=[*columns, "next_low", "next_high"])


def _groups(league: pd.DataFrame) -> list[tuple[tuple[str, str], str, pd.DataFrame]]:
    return [
        ((kind, by), str(group), part)
        for kind in (BY_LOT, CHOSEN, FOR_ALL)
        for by in ("all", "mechanic", "channel", "season")
        for group, part in league[league["kind"] == kind].groupby(by)
    ]


def action(found: Return, *, sure: float = 0.975) -> tuple[str, str]:
    """Return what to do with a promotion, and why.

    Parameters
    ----------
    found
        Its return.
    sure
        Probability at which a return counts as positive, or as negative from the other side.

    Returns
    -------
    tuple of str
        ``repeat`` (it pays), ``stop`` (it loses), ``change`` (it sells more, but what it sells is
        taken from neighbours, from the weeks after or eaten by its cost), ``test again`` (whether
        it pays is open) or ``test by lot`` (its customers were chosen, so that nothing is proved);
        and the reason in words.
    """
    if not found.randomised:
        return HOLD_OUT, "chosen customers: hold out a control by lot"
    parts = found.waterfall.set_index("part")
    extra = float(parts.loc[EXTRA, "amount"])
    moved = [
        f"what it sells is taken {words}"
        for part, words in ((AFTER, "from the weeks after"), (NEIGHBOURS, "from its neighbours"))
        if parts.loc[part, "high"] < 0 and -parts.loc[part, "amount"] >= _MOVED * extra > 0
    ]
    sells = parts.loc[EXTRA, "low"] > 0
    if found.p_positive >= sure:
        return REPEAT, "it earns more than it costs"
    if found.p_positive <= 1 - sure:
        return STOP, moved[0] if moved else "it costs more than it earns"
    if moved or (sells and found.p_positive < _DOUBTFUL):
        return CHANGE, moved[0] if moved else "it sells more, but its cost eats that up"
    if sells:
        return AGAIN, "it sells more; whether it pays is still open"
    return AGAIN, "neither a gain nor a loss is shown"


def actions(returns: Returns) -> pd.DataFrame:
    """Return promotion_id, arm, label, randomised, net, p_positive, action and why."""
    found = [
        (*key, returns.label(key), one.randomised, one.net, one.p_positive, *action(one))
        for key, one in returns.returns.items()
    ]
    columns = ["promotion_id", "arm", "label", "randomised", "net", "p_positive", "action", "why"]
    order = {REPEAT: 0, CHANGE: 1, STOP: 2, AGAIN: 3, HOLD_OUT: 4}
    table = pd.DataFrame(found, columns=columns)
    rank = table["action"].map(order)
    return (
        table.assign(rank=rank)
        .sort_values(["rank", "net"], ascending=[True, False], kind="stable")
        .drop(columns="rank")
        .reset_index(drop=True)
    )
