"""The named segments of the trade, as rules over scores: exhaustive and disjoint, or refused.

A rule is text, so that it can stand in a params file: ``Champions: r 5, v 4-5`` reads recency
score 5, value score (frequency and monetary together) 4 or 5; ``newcomer yes`` or ``no`` asks
whether the customer was first seen less than ``new_days`` ago. What a rule does not mention is
free.

Whether the names of RFM segments are borne out, and what to call those that are not.

"Lost" says that a customer will not come back, "Champions" that one buys often. Quintiles cannot
know: where people come every other day, the last fifth by recency was there last week. A name
stands only where what followed, or the number of orders, bears it out; else the segment is called
by its place in the scores, which is true by construction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.answers import without
from analysis.customers.features.attributes import is_new
from analysis.customers.value.rfm import Cuts, require_spread, score
from analysis.errors import ParamsError
from analysis.stats.sizes import FEWEST_CUSTOMERS

#: The trade's segments for scores of one to five, the most valuable to keep first.
TRADE_RULES = (
    "Champions: r 5, v 4-5",
    "Loyal: r 3-4, v 4-5",
    "Potential loyalist: r 4-5, v 2-3, newcomer no",
    "New: r 4-5, v 1-3, newcomer yes",
    "Promising: r 4-5, v 1, newcomer no",
    "Need attention: r 3, v 3",
    "About to sleep: r 3, v 1-2",
    "Cannot lose: r 1-2, v 5",
    "At risk: r 1-2, v 3-4",
    "Hibernating: r 2, v 1-2",
    "Lost: r 1, v 1-2",
)

#: What each of the trade's segments means, and what the trade tries with it: a thing to test.
MEANING = {
    "Champions": (
        "Buy often, spend most, and bought most recently.",
        "Thanks and a request to recommend, against a discount of the same cost.",
    ),
    "Loyal": (
        "Buy often and spend much, and bought less recently than the best fifth.",
        "What is new in the departments they buy, against the regular offer.",
    ),
    "Potential loyalist": (
        "Recent by rank, in the middle groups by value.",
        "A membership or a second department, as a reason for one visit more.",
    ),
    "New": (
        "First seen a short while ago, and here lately.",
        "A welcome that makes the second visit easy.",
    ),
    "Promising": (
        "Recent by rank, in the lowest group by value.",
        "A small, cheap reason to come back.",
    ),
    "Need attention": (
        "In the middle group by recency and by value.",
        "A reminder with what they usually buy.",
    ),
    "About to sleep": ("Buy little, and it is a while since they came.", "A cheap reminder."),
    "Cannot lose": (
        "Among the best by value, and most did not come back in the next period.",
        "A personal call or letter.",
    ),
    "At risk": (
        "Good value, and most did not come back in the next period.",
        "An offer in what they used to buy.",
    ),
    "Hibernating": (
        "Bought little, and most did not come back in the next period.",
        "Cheap channels against none.",
    ),
    "Lost": (
        "Bought little, and most did not come back in the next period.",
        "A last cheap message against none.",
    ),
}

#: The same for segments whose name was not borne out, by their place in the scores.
MEANING |= {
    "High value, most recent": ("High in value, and bought most recently.", MEANING["Loyal"][1]),
    "High value, less recent": ("High in value, and bought less recently.", MEANING["Loyal"][1]),
    "Middle value, recent": (
        "Recent by rank, in the middle groups by value.",
        MEANING["Potential loyalist"][1],
    ),
    "Low value, recent": (
        "Recent by rank, in the lowest group by value, and no newcomers; their name among "
        "practitioners (promising) is not borne out.",
        MEANING["Promising"][1],
    ),
    "Top value, not recent": (
        "In the top value group, and in the two last by recency; their name among practitioners "
        "(cannot lose) is not borne out.",
        "A personal message.",
    ),
    "Good value, not recent": (
        "In the upper value groups, and in the two last by recency; their name among practitioners "
        "(at risk) is not borne out.",
        "An offer in what they usually buy.",
    ),
    "Low value, middling recency": ("Bought little, middling by recency.", "A cheap reminder."),
    "Low value, not recent": (
        "Bought little, last but one by recency; their name among practitioners (hibernating) is "
        "not borne out.",
        "Cheap channels against none.",
    ),
    "Low value, least recent": (
        "Bought little, last by recency; their name among practitioners (lost) is not borne out.",
        "Cheap channels against none.",
    ),
}

_PART = re.compile(r"^(r|v)\s+(\d+)(?:\s*-\s*(\d+))?$|^newcomer\s+(yes|no)$")


@dataclass(frozen=True)
class Rule:
    """One segment: inclusive ranges of both scores, and whether newcomers belong (None: both)."""

    name: str
    recency: tuple[int, int]
    value: tuple[int, int]
    newcomer: bool | None = None

    def holds(self, recency: np.ndarray, value: np.ndarray, newcomer: np.ndarray) -> np.ndarray:
        """Tell customer by customer whether the rule applies."""
        inside = (recency >= self.recency[0]) & (recency <= self.recency[1])
        inside &= (value >= self.value[0]) & (value <= self.value[1])
        return inside if self.newcomer is None else inside & (newcomer == self.newcomer)


def parse(rules: Sequence[str] | None = None, *, bins: int = 5) -> tuple[Rule, ...]:
    """Read rules and prove that every customer falls under exactly one.

    Parameters
    ----------
    rules
        One text a segment, as above; None takes the trade's.
    bins
        Highest score.

    Raises
    ------
    ParamsError
        Naming the rule that cannot be read, or a case that no rule or two rules claim.
    """
    read = tuple(_rule(text, bins) for text in (rules or TRADE_RULES))
    grid = np.indices((bins, bins, 2)).reshape(3, -1)
    recency, value, newcomer = grid[0] + 1, grid[1] + 1, grid[2] == 1
    claimed = np.array([rule.holds(recency, value, newcomer) for rule in read])
    wrong = np.flatnonzero(claimed.sum(axis=0) != 1)
    if len(wrong):
        case = wrong[0]
        names = [rule.name for rule, holds in zip(read, claimed[:, case], strict=True) if holds]
        raise ParamsError(
            f"rfm rules: r {recency[case]}, v {value[case]}, newcomer "
            f"{'yes' if newcomer[case] else 'no'} is claimed by "
            f"{' and '.join(names) if names else 'no rule'}; exactly one must claim it"
        )
    return read


def segment(
    features: pd.DataFrame,
    *,
    bins: int = 5,
    cuts: Cuts | None = None,
    rules: Sequence[str] | None = None,
    new_days: int = 90,
) -> pd.Series:
    """Score customers and name their segments.

    Parameters
    ----------
    features
        customer_id, recency_days, orders, net_amount, tenure_days.
    bins, cuts
        As in ``rfm.score``.
    rules
        As in ``parse``.
    new_days
        Days since the first purchase for which a customer is a newcomer; see ``newness.is_new``.

    Returns
    -------
    pandas.Series
        By row of ``features``, an ordered categorical; missing for customers without a purchase.
    """
    scores = score(features, bins=bins, cuts=cuts)
    tenure = features.set_index("customer_id")["tenure_days"].reindex(scores["customer_id"])
    newcomer = is_new(tenure, new_days=new_days).to_numpy()
    named = name_segments(scores, parse(rules, bins=bins), newcomer=newcomer)
    places = pd.Series(named.cat.codes.to_numpy(), scores["customer_id"])
    codes = features["customer_id"].map(places).fillna(-1).astype("int64")
    found = pd.Categorical.from_codes(codes, named.cat.categories, ordered=True)
    return pd.Series(found, features.index)


def named(
    features: pd.DataFrame,
    *,
    bins: int = 5,
    cuts: Cuts | None = None,
    rules: Sequence[str] | None = None,
    new_days: int = 90,
) -> pd.Series:
    """Return ``segment`` of customers who differ enough for its names.

    Raises
    ------
    NotApplicable
        As ``rfm.require_spread``.
    """
    require_spread(features, cuts=cuts)
    return segment(features, bins=bins, cuts=cuts, rules=rules, new_days=new_days)


def by_customer(features: pd.DataFrame) -> pd.DataFrame:
    """Return customer_id and rfm (text) of the customers who have a segment.

    Raises
    ------
    NotApplicable
        As ``rfm.require_spread``.
    """
    told = pd.DataFrame({"customer_id": features["customer_id"], "rfm": named(features)})
    return told.dropna().astype("str")


def name_segments(
    scores: pd.DataFrame, rules: Sequence[Rule], *, newcomer: pd.Series | np.ndarray
) -> pd.Series:
    """Return each customer's segment, an ordered categorical in the order of the rules.

    Parameters
    ----------
    scores
        ``rfm.score``: recency and value.
    rules
        From ``parse``.
    newcomer
        By row of ``scores``: first seen lately.
    """
    arrays = (scores["recency"].to_numpy(), scores["value"].to_numpy(), np.asarray(newcomer))
    names = [rule.name for rule in rules]
    chosen = np.select([rule.holds(*arrays) for rule in rules], np.arange(len(rules)), -1)
    return pd.Series(pd.Categorical.from_codes(chosen, names, ordered=True), scores.index)


def _rule(text: str, bins: int) -> Rule:
    name, _, conditions = text.partition(":")
    found: dict[str, tuple[int, int]] = {}
    newcomer = None
    for part in conditions.split(","):
        match = _PART.match(part.strip())
        if not match:
            raise ParamsError(
                f"rfm rules: {text!r}: cannot read {part.strip()!r}; write it as "
                "'Name: r 4-5, v 3, newcomer no'"
            )
        if match[4]:
            newcomer = match[4] == "yes"
        else:
            found[match[1]] = (int(match[2]), int(match[3] or match[2]))
    if not name.strip():
        raise ParamsError(f"rfm rules: {text!r} has no name before the colon")
    return Rule(name.strip(), found.get("r", (1, bins)), found.get("v", (1, bins)), newcomer)


#: Names that say that customers stay away, and what they are called where most came back.
STAY_AWAY = {
    "About to sleep": "Low value, middling recency",
    "Cannot lose": "Top value, not recent",
    "At risk": "Good value, not recent",
    "Hibernating": "Low value, not recent",
    "Lost": "Low value, least recent",
}

#: Names that say that customers buy often, and what they are called where they do not.
BUY_OFTEN = {"Champions": "High value, most recent", "Loyal": "High value, less recent"}

#: Names that promise that customers come again, and what they are called where fewer of them did.
COME_BACK = {"Potential loyalist": "Middle value, recent", "Promising": "Low value, recent"}

#: What every name is called that is not borne out.
NEUTRAL = {**STAY_AWAY, **BUY_OFTEN, **COME_BACK}

#: A segment stays away if surely fewer than this share of it bought in the next period.
MOST_RETURN = 0.5


@without("followed")
def borne_out(
    features: pd.DataFrame, groups: pd.Series, *, followed: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return what each segment may be called, with the evidence.

    Parameters
    ----------
    features
        One row a customer: orders.
    groups
        ``rfm_segments.segment`` by row of ``features``.
    followed
        ``group_summary.what_next`` of the same rules, formed before the last weeks; None where
        nobody could be followed.

    Returns
    -------
    pandas.DataFrame
        name (of the rules), shown (the same, or the neutral name), stands, followed (customers),
        bought, bought_high (share that bought in the next period, upper end of its interval),
        orders (median, of the segment). A name that says that customers stay away stands where
        the interval ends below one half and thirty customers were followed; one that promises
        that they come again where thirty were and not significantly fewer of them did than of all;
        one that says that they buy often where at least half of them ordered more than the median
        customer.
    """
    next_of = {} if followed is None else followed.set_index("group").to_dict("index")
    usual = features.loc[groups.notna(), "orders"].median()
    orders = features["orders"].groupby(groups, observed=False).median()
    everybody = np.nan
    if followed is not None and followed["customers"].sum():
        everybody = float(np.average(followed["bought"], weights=followed["customers"]))
    rows = [
        _evidence(
            str(name), next_of.get(str(name), {}), float(orders.get(name, np.nan)), usual, everybody
        )
        for name in groups.cat.categories
    ]
    columns = ["name", "shown", "stands", "followed", "bought", "bought_high", "orders"]
    return pd.DataFrame(rows, columns=columns)


def _evidence(
    name: str, after: Mapping[str, Any], orders: float, usual: float, everybody: float
) -> tuple[Any, ...]:
    known = int(after.get("customers", 0))
    high = float(after.get("bought_high", np.nan))
    stands = True
    if name in STAY_AWAY:
        stands = known >= FEWEST_CUSTOMERS and high < MOST_RETURN
    if name in COME_BACK:
        stands = known >= FEWEST_CUSTOMERS and high >= everybody
    if name in BUY_OFTEN:
        stands = orders > usual
    shown = name if stands else NEUTRAL[name]
    return name, shown, stands, known, float(after.get("bought", np.nan)), high, orders


def renamed(groups: pd.Series, names: pd.DataFrame) -> pd.Series:
    """Return segments under the names of ``borne_out``."""
    shown = names.set_index("name")["shown"].to_dict()
    return groups.cat.rename_categories(shown)


def renamed_table(table: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Return a table of segments with its ``group`` under the names of ``borne_out``."""
    shown = names.set_index("name")["shown"].to_dict()
    return table.assign(group=table["group"].replace(shown))
