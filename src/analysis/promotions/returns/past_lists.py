"""What past lists promised, and what they brought: every list held against its own holdout.

A list that came back (`analysis sent`) states for each of its customers what was promised before
the arm was drawn. Targets and those held out differ by the contact alone, so their difference is
what the list brought; less the contact's cost, it is what the promise was about. Everybody counts
as drawn, sent or not. Offer and channel were fixed before the arm, so each of them has its own
comparison within a list, and those of several lists are drawn together. Lists of one period of
rotation hold the same customers out: whoever is held out by chance of good customers is so in all
of them. What customers are beyond their past is therefore followed from list to list, and the
interval of several lists is as much wider as their luck is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from analysis.errors import NotApplicable
from analysis.promotions.experiments import adjustment
from analysis.promotions.outcomes import moments, outcomes
from analysis.promotions.outcomes.moments import Moments
from analysis.promotions.outcomes.outcomes import CONTROL, COVARIATES, Spans
from analysis.stats.multiplicity import normal_quantile
from analysis.stats.random_effects import pool
from analysis.stats.sizes import FEWEST_CUSTOMERS, FEWEST_PROMOTIONS
from analysis.tables.engine import held

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: What lists are compared by, beside each list as a whole.
GROUPS = ("channel", "depth", "stratum")

RUNNING = "its days are not over"
NO_HOLDOUT = "nobody was held out, so nothing can be compared"
SMALL = f"fewer than {FEWEST_CUSTOMERS} customers in an arm"

NONE_SENT = (
    "No list of this study has come back yet, so no promise can be held against what it brought. "
    "Once a list is sent, `analysis sent` records it."
)


@dataclass(frozen=True)
class PastLists:
    """Past lists, each with its promise and what was measured; money per customer of the list.

    Parameters
    ----------
    table
        One row a list, in order of its first day: promotion_id, name, starts_on, ends_on,
        customers, held_out, sent, not_sent (targets), sent_though_held_out, promised,
        promised_low, promised_high (incremental margin net of the contact's cost, foreseen),
        measured, low, high (the same, by its holdout), error, gap (measured less promised),
        gap_low, gap_high, kept (the promise lies within the measured interval), reason (why
        nothing was measured; empty otherwise).
    responses
        by (channel, depth, stratum), group, lists, n, n_control, promised, measured, low, high,
        next_low, next_high (of another list; NaN below three): drawn together over lists.
    all_lists
        The same columns, one row: all lists drawn together; empty below two lists.
    confidence
        Coverage of the intervals.
    """

    table: pd.DataFrame
    responses: pd.DataFrame
    all_lists: pd.DataFrame
    confidence: float

    @property
    def known(self) -> pd.DataFrame:
        """The lists that were measured."""
        return self.table[self.table["reason"] == ""].reset_index(drop=True)


def past_lists(
    tables: Tables, spans: Spans, *, measure: str = "margin", confidence: float = 0.95
) -> PastLists:
    """Return what every past list promised and brought.

    Parameters
    ----------
    tables
        A study's tables; needs assignments with promised_margin, promotions and order_lines.
    spans
        Days looked at.
    measure
        ``margin`` of the list's days, or ``margin_to_date`` with the weeks after.
    confidence
        Coverage of the intervals.

    Raises
    ------
    NotApplicable
        If no list has come back.
    """
    if not tables.has("assignments", "promised_margin"):
        raise NotApplicable(NONE_SENT)
    given = _of_lists(tables)
    facts = _facts(tables, given, spans)
    if facts.empty:
        raise NotApplicable(NONE_SENT)
    rows = list_rows(tables, spans)
    whole = _effects(rows, [], measure)
    table = facts.merge(whole, on="promotion_id", how="left")
    reach = normal_quantile(confidence)
    table = _judged(table.assign(reason=_reasons(table)), reach)
    known = table.loc[table["reason"] == "", "promotion_id"]
    parts = [
        _pooled(rows, _effects(rows, [by], measure), [by], measure, known, confidence)
        for by in GROUPS
        if by in rows.columns and len(known)
    ]
    together = _pooled(rows, whole, [], measure, known, confidence)
    responses = pd.concat(parts, ignore_index=True) if parts else together.iloc[:0]
    return PastLists(table, responses, together[together["lists"] > 1], confidence)


def _of_lists(tables: Tables) -> ibis.Table:
    rows = tables.assignments
    return rows.filter(rows.promised_margin.notnull(), rows.randomised)


def list_rows(tables: Tables, spans: Spans) -> ibis.Table:
    """Return what every customer of a list bought, and what the list knew of them, held.

    Returns
    -------
    ibis.Table
        ``outcomes.measured``, and of assignments promised, channel, depth, stratum, cost
        (0 where unknown).
    """
    bought = outcomes.measured(outcomes.compute(tables, spans, people=_of_lists(tables)))
    return held(_known_to_the_list(tables, bought))


def _known_to_the_list(tables: Tables, bought: ibis.Table) -> ibis.Table:
    """Return the rows of lists with what each list knew of its customers."""
    given = _of_lists(tables)
    wanted = {c: given[c] for c in GROUPS if c in given.columns}
    if "contact_cost" in given.columns:
        cost = given.contact_cost.cast("float64").fill_null(0.0)
    else:
        cost = ibis.literal(0.0)
    known = given.select(
        "promotion_id", "customer_id", promised=given.promised_margin, cost=cost, **wanted
    )
    keys = ["promotion_id", "customer_id"]
    return bought.inner_join(known, keys)


def _facts(tables: Tables, given: ibis.Table, spans: Spans) -> pd.DataFrame:
    """Return what each list was: its days, its customers and its promise."""
    target = given.arm != CONTROL
    reached = given.sent_at.notnull() if "sent_at" in given.columns else target
    ends = [f"promised_{end}" for end in ("low", "high") if f"promised_{end}" in given.columns]
    found = given.group_by("promotion_id").agg(
        customers=given.count(),
        held_out=(~target).cast("int64").sum(),
        sent=(target & reached).cast("int64").sum(),
        not_sent=(target & ~reached).cast("int64").sum(),
        sent_though_held_out=(~target & reached).cast("int64").sum(),
        promised=given.promised_margin.mean(),
        **{name: given[name].mean() for name in ends},
    )
    table = found.to_pandas()
    for name in ("promised_low", "promised_high"):
        table[name] = table.get(name, pd.Series(np.nan, table.index)).astype("float64")
    promotions = tables.promotions.select("promotion_id", "name", "starts_on", "ends_on")
    named = promotions.to_pandas().merge(table, on="promotion_id")
    days = {n: pd.to_datetime(named[n]) for n in ("starts_on", "ends_on")}
    as_of = pd.Timestamp(spans.as_of)
    named = named.assign(finished=days["ends_on"] < as_of)[days["starts_on"] < as_of]
    return named.sort_values(["starts_on", "promotion_id"], ignore_index=True)


def _effects(rows: ibis.Table, by: Sequence[str], measure: str) -> pd.DataFrame:
    """Return what each list brought, net of contacts, whole or group by group."""
    columns = list(dict.fromkeys([measure, "promised", "cost", *COVARIATES]))
    found = moments.by_arm(_grouped(rows, by), columns, by=["promotion_id", "arm", *by])
    names = ["promotion_id", *by]
    out = []
    for key, part in found.groupby(names, sort=True, dropna=False):
        arms = dict(zip(part["arm"], part["moments"], strict=True))
        control = arms.pop(CONTROL, None)
        target = moments.pooled(list(arms.values())) if arms else None
        out.append(dict(zip(names, key, strict=True)) | _measured(target, control, measure))
    return pd.DataFrame(out, columns=[*names, *_MEASURED])


_MEASURED = ["n", "n_control", "foreseen", "gross", "measured", "error"]


def _grouped(rows: ibis.Table, by: Sequence[str]) -> ibis.Table:
    return rows.mutate(**{c: rows[c].cast("string").fill_null("none") for c in by})


def _measured(target: Moments | None, control: Moments | None, measure: str) -> dict[str, Any]:
    sizes = [0 if arm is None else int(arm.n) for arm in (target, control)]
    unknown = dict.fromkeys(("foreseen", "gross", "measured", "error"), np.nan)
    head: dict[str, Any] = {"n": sizes[0], "n_control": sizes[1], **unknown}
    if target is None or control is None or min(sizes) < 2:
        return head
    used = adjustment.usable([target, control], COVARIATES).used
    effect = adjustment.regression(target, control, measure, used)
    everybody = moments.pooled([target, control])
    gross = float(effect.difference)
    return head | {
        "foreseen": float(everybody.figure("promised")[0]),
        "gross": gross,
        "measured": gross - float(everybody.figure("cost")[0]),
        "error": float(effect.error),
    }


def _reasons(table: pd.DataFrame) -> pd.Series:
    return pd.Series(
        np.select(
            [
                ~table["finished"],
                table["held_out"] == 0,
                table[["n", "n_control"]].min(axis=1) < FEWEST_CUSTOMERS,
            ],
            [RUNNING, NO_HOLDOUT, SMALL],
            "",
        ),
        table.index,
        dtype="str",
    )


def _judged(table: pd.DataFrame, reach: float) -> pd.DataFrame:
    known = table["reason"] == ""
    error = table["error"].where(known)
    measured = table["measured"].where(known)
    gap = measured - table["promised"]
    low, high = measured - reach * error, measured + reach * error
    return table.assign(
        measured=measured,
        error=error,
        low=low,
        high=high,
        gap=gap,
        gap_low=gap - reach * error,
        gap_high=gap + reach * error,
        kept=known & (low <= table["promised"]) & (table["promised"] <= high),
    ).drop(columns=["foreseen", "gross", "n", "n_control"])


def _pooled(
    rows: ibis.Table,
    effects: pd.DataFrame,
    by: list[str],
    measure: str,
    known: pd.Series,
    confidence: float,
) -> pd.DataFrame:
    """Return each group's effect, drawn together over the lists that can tell it."""
    enough = effects[["n", "n_control"]].min(axis=1) >= FEWEST_CUSTOMERS
    usable = effects[enough & effects["promotion_id"].isin(known) & (effects["error"] > 0)]
    usable = usable.assign(group=usable[by[0]] if by else "all lists")
    names = ["by", "group", "lists", "n", "n_control", "promised", "measured", "low", "high"]
    names += ["next_low", "next_high"]
    if usable.empty:
        return pd.DataFrame(columns=names)
    wider = _same_luck(rows, usable, by, measure)
    lines = [
        {
            "by": by[0] if by else "everything",
            "group": str(group),
            **_together(part, confidence, wider.get(group, 1.0)),
        }
        for group, part in usable.groupby("group", sort=True)
    ]
    return pd.DataFrame(lines, columns=names)


def _same_luck(
    rows: ibis.Table, effects: pd.DataFrame, by: Sequence[str], measure: str
) -> dict[Any, float]:
    """Return by group how much wider the interval is for customers that lists have in common.

    Each customer moves the mean over lists by the weighted sum of what they are beyond the arm's
    mean and their own past in every list; squared, these sums are its variance. Were lists of
    other customers each, only their own squares would be.
    """
    weight = effects[["promotion_id", *by]].assign(weight=1 / effects["error"] ** 2)
    named = _grouped(rows, by).inner_join(ibis.memtable(weight), ["promotion_id", *by])
    held = (named.arm == CONTROL).name("held")
    part = named.select(
        "promotion_id", "customer_id", "weight", *by, held,
        y=named[measure].cast("float64"), x=named[COVARIATES[0]].cast("float64").fill_null(0.0),
    )  # fmt: skip
    arm = ibis.window(group_by=["promotion_id", *by, "held"])
    part = part.mutate(
        n=part.count().over(arm), y=part.y - part.y.mean().over(arm),
        x=part.x - part.x.mean().over(arm),
    )  # fmt: skip
    both = ibis.window(group_by=["promotion_id", *by])
    slope = (part.x * part.y).sum().over(both) / (part.x * part.x).sum().over(both).nullif(0.0)
    own = part.weight * (part.y - slope.fill_null(0.0) * part.x) / part.n
    part = part.mutate(own=part.held.ifelse(-own, own))
    each = part.group_by(["customer_id", *by]).agg(
        moved=part.own.sum(), apart=(part.own * part.own).sum()
    )
    sums = each.group_by(list(by)) if by else each
    found = sums.agg(moved=(each.moved * each.moved).sum(), apart=each.apart.sum()).to_pandas()
    ratio = np.sqrt((found["moved"] / found["apart"].where(found["apart"] > 0)).fillna(1.0))
    groups = found[by[0]] if by else ["all lists"]
    return dict(zip(groups, ratio.clip(lower=1.0), strict=True))


def _together(part: pd.DataFrame, confidence: float, wider: float) -> dict[str, Any]:
    weight = 1 / part["error"].to_numpy() ** 2
    head = {
        "lists": len(part),
        "n": int(part["n"].sum()),
        "n_control": int(part["n_control"].sum()),
        "promised": float((part["foreseen"] * weight).sum() / weight.sum()),
    }
    effects, errors = part["measured"].to_numpy(float), part["error"].to_numpy(float)
    if len(part) < FEWEST_PROMOTIONS:  # too few to tell the spread between them: fixed effect
        mean, error = float((effects * weight).sum() / weight.sum()), float(weight.sum() ** -0.5)
        reach = normal_quantile(confidence) * error * wider
        ends = {"measured": mean, "low": mean - reach, "high": mean + reach}
        return head | ends | {"next_low": np.nan, "next_high": np.nan}
    found = pool(effects, errors, confidence=confidence)
    low, high, below, above = (
        found.mean + wider * (end - found.mean)
        for end in (found.low, found.high, found.next_low, found.next_high)
    )
    return head | {
        "measured": found.mean, "low": low, "high": high, "next_low": below, "next_high": above,
    }  # fmt: skip


def among(tables: Tables, promotions: Sequence[str]) -> list[str]:
    """Return which of the promotions are lists that came back."""
    if not tables.has("assignments", "promised_margin"):
        return []
    ids = _of_lists(tables).select("promotion_id").distinct().to_pandas()["promotion_id"]
    return [p for p in promotions if p in set(ids)]


def list_cells(
    tables: Tables,
    bought: ibis.Table,
    lists: Sequence[str],
    *,
    measure: str,
    states: tuple[str, str],
) -> pd.DataFrame:
    """Return what contacts of past lists brought, by channel, depth and state, before their cost.

    The finest groups come first; customers of groups too small for a comparison are compared
    together, by state alone.

    Parameters
    ----------
    tables
        A study's tables.
    bought
        ``outcomes.measured`` of the lists.
    lists
        Their promotion_id.
    measure
        Column of what they brought.
    states
        What customers with an order in the days before are called, and those without.

    Returns
    -------
    pandas.DataFrame
        promotion_id, arm (of the targets), channel (empty where several), depth, state, n,
        n_control, effect, error, own_variance (all of it: no two cells share their holdout).
    """
    names = ["promotion_id", "arm", "channel", "depth", "state", "n", "n_control"]
    names += ["effect", "error", "own_variance"]
    if not lists:
        return pd.DataFrame(columns=names)
    rows = _known_to_the_list(tables, bought.filter(bought.promotion_id.isin(list(lists))))
    rows = rows.mutate(state=(rows.before_orders > 0).ifelse(*states))
    for name in ("channel", "depth"):
        if name not in rows.columns:
            rows = rows.mutate(**{name: ibis.null("string")})
    fine = _cells(rows, ["channel", "depth", "state"], measure)
    enough = fine[["n", "n_control"]].min(axis=1) >= FEWEST_CUSTOMERS
    good, small = fine[enough], fine[~enough]
    if len(small):
        rest = _left(rows, small)
        coarse = _cells(rest, ["state"], measure).assign(channel="", depth=0.0)
        good = pd.concat([good, coarse[coarse[["n", "n_control"]].min(axis=1) >= FEWEST_CUSTOMERS]])
    return good.reset_index(drop=True)[names]


def _left(rows: ibis.Table, small: pd.DataFrame) -> ibis.Table:
    """Return the customers of the groups that are too small."""
    keys = ["promotion_id", "channel", "depth", "state"]
    named = rows.mutate(
        channel=rows.channel.fill_null("none"), depth=rows.depth.cast("float64").fill_null(0.0)
    )
    return named.semi_join(ibis.memtable(small[keys]), keys)


def _cells(rows: ibis.Table, by: list[str], measure: str) -> pd.DataFrame:
    found = _effects(rows, by, measure).rename(columns={"gross": "effect"})
    found = found.assign(arm="target", own_variance=found["error"] ** 2)
    if "depth" in found:
        found["depth"] = pd.to_numeric(found["depth"], errors="coerce").fillna(0.0)
    return found
