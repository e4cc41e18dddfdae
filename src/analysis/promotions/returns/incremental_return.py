"""The return of every promotion of a study, arm by arm."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.errors import NotApplicable
from analysis.promotions.observational.campaign import MEASURES
from analysis.promotions.observational.doubly_robust import Effects, by_lot
from analysis.promotions.outcomes import costs, outcomes
from analysis.promotions.outcomes.costs import Assumed
from analysis.promotions.outcomes.outcomes import CONTROL
from analysis.promotions.returns.roi import Return, returned

if TYPE_CHECKING:
    from analysis.promotions.experiments.experiments import Trials
    from analysis.promotions.observational.campaign import Campaigns
    from analysis.promotions.outcomes.outcomes import Spans
    from analysis.tables.engine import Tables

#: What customers were like before, to which randomised arms are adjusted.
BEFORE = ("before_margin", "before_orders", "before_offered_margin", "before_rival_margin")

#: Why a promotion whose messages have no cost has no return.
NO_COST = (
    "What contacting a customer costs is not stated: a column `cost` of contacts, `contact_cost` "
    "of promotions, or contact_cost under reports.06_promotions of the study's params would say it."
)

#: Promotion and arm.
Key = tuple[str, str]


@dataclass(frozen=True)
class Returns:
    """Returns and effects of all promotions whose effect could be estimated.

    Parameters
    ----------
    table
        One row a promotion and arm: promotion_id, name, arm, label, mechanic, goal, starts_on,
        customers, randomised, net, low, high, spent, roi, roi_low, roi_high, redemption,
        break_even, break_even_low, break_even_high, contact_basis, fixed_basis, reason
        (why there is no return).
    returns, effects
        By promotion and arm, in the order of the table.
    reason
        Why there is none; empty if there is one.
    """

    table: pd.DataFrame
    returns: Mapping[Key, Return]
    effects: Mapping[Key, Effects]
    reason: str

    def require(self) -> Return:
        """Return the return of `first`; NotApplicable if there is none."""
        if self.reason:
            raise NotApplicable(self.reason)
        return self.returns[self.first()]

    def first(self) -> Key:
        """Return the promotion and arm on which most was spent, randomised ones first."""
        return max(self.returns, key=lambda k: (self.returns[k].randomised, self.returns[k].spent))

    def label(self, key: Key) -> str:
        """Return what people call a promotion and its arm."""
        rows = self.table
        mine = rows[(rows["promotion_id"] == key[0]) & (rows["arm"] == key[1])]
        return str(mine["label"].iloc[0])


def fetch(
    tables: Tables,
    spans: Spans,
    promotions: pd.DataFrame,
    *,
    campaigns: Campaigns | None = None,
    assumed: Assumed,
    without: Mapping[str, str] | None = None,
    confidence: float = 0.95,
) -> Returns:
    """Return what every promotion sent to customers returned.

    Parameters
    ----------
    tables, spans
        A study's tables and the days looked at.
    promotions
        As `outcomes.overview`.
    campaigns
        Those that were not randomised, as far as they could be judged.
    assumed
        Costs where none are known.
    without
        Promotions whose effect may not be believed, and why: they get no return.
    confidence
        Coverage of intervals, of all arms of a promotion at once (Bonferroni).
    """
    sent = promotions[promotions["customers"] > 0]
    if sent.empty:
        return Returns(_table([]), {}, {}, "No promotion was sent to customers by name.")
    money = costs.by_arm(tables, assumed)
    drawn = _drawn_by_lot(tables, spans, sent)
    found: dict[Key, Return] = {}
    effects: dict[Key, Effects] = {}
    rows = []
    for promotion in sent.to_dict("records"):
        key = promotion["promotion_id"]
        arms = money.loc[money["promotion_id"] == key, "arm"].tolist()
        try:
            by_arm = _effects(promotion, drawn, campaigns, without or {})
        except NotApplicable as reason:
            rows += [_row(promotion, arm, arms, money, reason=str(reason)) for arm in arms]
            continue
        at_once = 1 - (1 - confidence) / len(arms)
        for arm in arms:
            effects[key, arm], redemption = by_arm[arm]
            its = costs.of_arm(money, key, arm)
            if np.isnan(its.contact):
                rows.append(_row(promotion, arm, arms, money, reason=NO_COST))
                continue
            one = returned(effects[key, arm], its, redemption=redemption, confidence=at_once)
            found[key, arm] = one
            rows.append(_row(promotion, arm, arms, money, one))
    why = "" if found else "No promotion's effect could be estimated, so none has a return."
    if effects and not found:
        why = f"No promotion has a net return. {NO_COST}"
    return Returns(_table(rows), found, effects, why)


@without("trials")
def withheld(trials: Trials | None) -> dict[str, str]:
    """Return the promotions whose checks take their verdict away, and why."""
    if trials is None:
        return {}
    said = {
        "no verdict": "The checks fail, so there is no verdict.",
        "still running": "Its days are not over.",
    }
    rows = trials.verdicts[trials.verdicts["verdict"].isin(list(said))]
    return dict(zip(rows["promotion_id"], rows["verdict"].map(said), strict=True))


def _drawn_by_lot(tables: Tables, spans: Spans, sent: pd.DataFrame) -> pd.DataFrame:
    """Return the customers of all randomised promotions, in one pass over the order lines."""
    mine = sent.loc[sent["randomised"], "promotion_id"].tolist()
    given = tables.assignments
    people = given.filter(given.promotion_id.isin(mine) if mine else given.promotion_id.isnull())
    rows = outcomes.compute(tables, spans, people=people)
    return rows.order_by("promotion_id", "customer_id").to_pandas()


def _effects(
    promotion: dict[Hashable, Any],
    drawn: pd.DataFrame,
    campaigns: Campaigns | None,
    without: Mapping[str, str],
) -> dict[str, tuple[Effects, float]]:
    """Return effects and redemptions a customer of every arm of one promotion."""
    key = str(promotion["promotion_id"])
    if key in without:
        raise NotApplicable(without[key])
    if not promotion["randomised"]:
        return _of_campaign(key, campaigns)
    people = drawn[drawn["promotion_id"] == key]
    control = people["arm"] == CONTROL
    if not control.any():
        raise NotApplicable("It has no control arm.")
    found = {}
    for arm, mine in people[~control].groupby("arm"):
        both = people[control | (people["arm"] == arm)]
        measures, before = (both[list(c)].to_numpy(float) for c in (MEASURES, BEFORE))
        effect = by_lot(MEASURES, measures, (both["arm"] == arm).to_numpy(), before)
        found[str(arm)] = effect, _redemption(mine)
    return found


def _of_campaign(key: str, campaigns: Campaigns | None) -> dict[str, tuple[Effects, float]]:
    if campaigns is None or key not in campaigns.judged:
        rows = campaigns.table if campaigns else None
        why = rows.loc[rows["promotion_id"] == key, "reason"] if rows is not None else ()
        raise NotApplicable(str(next(iter(why), "")) or "It was not randomised and not judged.")
    found = campaigns.judged[key]
    if not found.believable:
        raise NotApplicable("The comparison fails its checks, so nothing rests on it.")
    people = found.audience.people
    treated = people[people["treated"]]
    arms = treated["arm"].unique()
    return {str(arm): (found.effects, _redemption(treated)) for arm in arms}


def _redemption(people: pd.DataFrame) -> float:
    used = people["redemptions"]
    return float(used.mean()) if used.notna().any() else float("nan")


def _row(
    promotion: dict[Hashable, Any],
    arm: str,
    arms: list[str],
    money: pd.DataFrame,
    found: Return | None = None,
    *,
    reason: str = "",
) -> dict[str, object]:
    row = {c: promotion[c] for c in ("promotion_id", "name", "mechanic", "goal", "starts_on")}
    label = promotion["name"] if len(arms) == 1 else f"{promotion['name']}: {arm}"
    row |= {"arm": arm, "label": label, "randomised": promotion["randomised"], "reason": reason}
    row["customers"] = costs.of_arm(money, str(promotion["promotion_id"]), arm).customers
    if found is None:
        return row
    last = found.waterfall.iloc[-1]
    row |= {"low": last["low"], "high": last["high"]}
    row |= {"contact_basis": found.costs.contact_basis, "fixed_basis": found.costs.fixed_basis}
    same = ["net", "spent", "roi", "roi_low", "roi_high"]
    return row | {c: getattr(found, c) for c in [*same, *_PAYING]}


_FACTS = ["promotion_id", "name", "arm", "label", "mechanic", "goal", "starts_on", "customers"]
_FOUND = ["randomised", "net", "low", "high", "spent", "roi", "roi_low", "roi_high"]
_PAYING = ["redemption", "break_even", "break_even_low", "break_even_high"]
_COLUMNS = [*_FACTS, *_FOUND, *_PAYING, "contact_basis", "fixed_basis", "reason"]


def _table(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows).reindex(columns=_COLUMNS)
