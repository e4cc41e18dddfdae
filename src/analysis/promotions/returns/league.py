"""All promotions side by side: effects drawn together, and what to repeat, change or stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.errors import NotApplicable
from analysis.promotions.returns import roi
from analysis.promotions.returns.roi import Return
from analysis.stats import random_effects
from analysis.stats.sizes import FEWEST_PROMOTIONS

if TYPE_CHECKING:
    from analysis.promotions.experiments.experiments import Trials
    from analysis.promotions.observational.synthetic_control import Everybody
    from analysis.promotions.returns.incremental_return import Returns
    from analysis.tables.engine import Tables

#: How the comparison came about. Only the first shows what promotions cause; kinds are never mixed.
BY_LOT, CHOSEN, FOR_ALL = "randomised", "chosen", "for all"

REPEAT, CHANGE, STOP, AGAIN = "repeat", "change", "stop", "test again"
HOLD_OUT = "hold out a control"

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
        # The interval is wider above; an infinite end leaves the promotion out.
        error = (one.high - one.low) / (2 * 1.96)
        row |= {"kind": FOR_ALL, "channel": "none", "lift": one.lift, "error": error}
        found.append(row)
    columns = ["promotion_id", "arm", "label", "kind", "mechanic", "channel", "season"]
    table = pd.DataFrame(found, columns=[*columns, "lift", "error"])
    table = table.astype({"lift": "float64", "error": "float64"})
    known = np.isfinite(table[["lift", "error"]]).all(axis=1) & (table["error"] > 0)
    return table[known].reset_index(drop=True)


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
        (drawn towards the mean of its kind as far as it is uncertain; NaN where a kind has fewer
        than `FEWEST_PROMOTIONS`). The largest first, kind by kind.
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
    if len(part) < FEWEST_PROMOTIONS:
        part = part.sort_values(["lift", "promotion_id", "arm"], ascending=[False, True, True])
        return part.assign(shrunk=np.nan, shrunk_low=np.nan, shrunk_high=np.nan)
    found = random_effects.pool(
        part["lift"].to_numpy(), part["error"].to_numpy(), confidence=confidence
    )
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
        fewer than `FEWEST_PROMOTIONS` are left out; low and next_low end at -1, for nothing loses
        more than all that it has; promotions for everybody are grouped by
        mechanic only, as the sales of what is on offer have no common scale.

    Raises
    ------
    NotApplicable
        If no three promotions of a kind have anything in common.
    """
    whole = league.assign(all="all of them")
    found = []
    for (kind, by), group, part in _groups(whole):
        if (
            len(part) < FEWEST_PROMOTIONS
            or group == "none"
            or (kind == FOR_ALL and by != "mechanic")
        ):
            continue
        one = random_effects.pool(
            part["lift"].to_numpy(), part["error"].to_numpy(), confidence=confidence
        )
        low, next_low = (max(end, -1.0) for end in (one.low, one.next_low))  # all, and no more
        ends = (one.mean, low, one.high, one.p, one.share, next_low, one.next_high)
        found.append((kind, by, group, len(part), *ends))
    if not found:
        raise NotApplicable("No three promotions of a kind share a mechanic, channel or season.")
    columns = ["kind", "by", "group", "promotions", "lift", "low", "high", "p", "share"]
    return pd.DataFrame(found, columns=[*columns, "next_low", "next_high"])


def _groups(league: pd.DataFrame) -> list[tuple[tuple[str, str], str, pd.DataFrame]]:
    return [
        ((kind, by), str(group), part)
        for kind in (BY_LOT, CHOSEN, FOR_ALL)
        for by in ("all", "mechanic", "channel", "season")
        for group, part in league[league["kind"] == kind].groupby(by)
    ]


#: What to do after each verdict.
ACTIONS = {
    roi.PAID: REPEAT,
    roi.LOST: STOP,
    roi.MOVED: CHANGE,
    roi.NOTHING: STOP,
    roi.OPEN: AGAIN,
    roi.CHOSEN: HOLD_OUT,
}


@without("trials")
def actions(returns: Returns, trials: Trials | None = None) -> pd.DataFrame:
    """Return promotion_id, arm, label, randomised, net, verdict, action and why."""
    said = {} if trials is None else trials.verdicts.set_index("promotion_id")["verdict"].to_dict()
    found = [
        (*key, returns.label(key), one.randomised, one.net, *advice(one, said.get(key[0], "")))
        for key, one in returns.returns.items()
    ]
    columns = ["promotion_id", "arm", "label", "randomised", "net", "verdict", "action", "why"]
    order = {REPEAT: 0, CHANGE: 1, STOP: 2, AGAIN: 3, HOLD_OUT: 4}
    table = pd.DataFrame(found, columns=columns)
    rank = table["action"].map(order)
    return (
        table.assign(rank=rank)
        .sort_values(["rank", "net"], ascending=[True, False], kind="stable")
        .drop(columns="rank")
        .reset_index(drop=True)
    )


def advice(found: Return, trial: str = "") -> tuple[str, str, str]:
    """Return the verdict on a promotion or an arm (`roi.of_arm`), what to do with it, and why.

    To do is ``repeat`` (it pays), ``stop`` (it loses, or changed nothing worth finding), ``change``
    (what it sells is taken from neighbours or from the weeks after), ``test again`` (whether it
    pays is open) or ``test by lot`` (its customers were chosen, so that nothing is proved).
    """
    verdict, why = roi.of_arm(found, trial)
    return verdict, ACTIONS[verdict], why
