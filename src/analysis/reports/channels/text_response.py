"""What attribution, fatigue, frequency, preferences and consents say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.engagement.channels.attribution import HOLDOUT
from analysis.engagement.channels.fatigue import SATURATED, UNDER
from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.engagement.channels.attribution import Attribution
    from analysis.engagement.channels.contact_preferences import Consents, Preferences
    from analysis.engagement.channels.fatigue import DoseCurve, Fatigue

#: From this p on arms differ no more than chance usually makes them.
_LIKELY = 0.05
#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]


def credit_table(found: Attribution, *, visits: bool = False) -> pd.DataFrame:
    """Return the credits, a channel a row and a model a column; of visits as well, or with cost."""
    credits = found.with_visits if visits else found.credits
    wide = credits.pivot(index="channel", columns="model", values="orders").reset_index()
    if not visits:
        wide = wide.merge(found.spent, "left", "channel")
    return wide.sort_values("last", ascending=False, ignore_index=True)


def tested_table(found: Attribution) -> pd.DataFrame:
    """Return the same for the tested messages, with the holdout's orders and interval."""
    wide = found.tested.pivot(index="channel", columns="model", values="orders").reset_index()
    held = found.tested[found.tested["model"] == HOLDOUT].set_index("channel")
    return wide.assign(
        holdout_low=wide["channel"].map(held["low"]), holdout_high=wide["channel"].map(held["high"])
    ).sort_values("holdout", ascending=False, ignore_index=True)


def _totals(found: Attribution) -> tuple[float, float, float, float]:
    """Return orders by last touch and by the holdout on the tested messages, with its interval."""
    held = found.tested[found.tested["model"] == HOLDOUT]
    last = float(found.tested.loc[found.tested["model"] == "last", "orders"].sum())
    total = float(held["orders"].sum())
    return last, total, total - found.reach, total + found.reach


def attribution_headline(found: Attribution) -> str:
    """Return the headline on how far credit is from cause."""
    if found.tested.empty:
        return "Seven rules of giving credit; none of them knows what would have come anyway"
    last, total, _, _ = _totals(found)
    return (
        f"Where it could be tested, messages caused {words.number(total)} orders; last touch "
        f"credits them with {words.number(last)}"
    )


def attribution_finding(found: Attribution) -> Fields | None:
    """Return the finding on the orders that attribution credits and the holdout denies."""
    if found.tested.empty:
        return None
    last, total, low, high = _totals(found)
    if last <= 0:
        return None
    return {
        "key": "caused_of_credited",
        "sentence": "orders were caused by tested messages for every order that last touch credits "
        f"them with{words.unsure(low, high)}: do not move a budget on attribution alone",
        "value": total / last, "low": low / last, "high": high / last, "n": int(last),
        "noun": "order", "decimals": 2, "alert": bool(high / last < 1),
    }  # fmt: skip


def visits_reading(found: Attribution) -> str:
    """Return what messages are credited with where visits from elsewhere are touches as well."""
    messages = set(found.credits["channel"])
    rows = found.with_visits[found.with_visits["channel"].isin(messages)]
    said = []
    for model, name in (("first", "first touch"), ("last", "last touch"), ("markov", "Markov")):
        alone, beside = (t.loc[t["model"] == model, "orders"].sum() for t in (found.credits, rows))
        said.append(f"{words.number(alone)} and {words.number(beside)} by {name}")
    every = found.with_visits.loc[found.with_visits["model"] == "last", "orders"].sum()
    return (
        "Known to messages alone, the models credit them with every order that one preceded; with "
        f"visits from elsewhere among the touches ({words.count(every, 'order')} in all), it is "
        f"{words.listing(said)}. What is not observed is credited to what is."
    )


def attribution_reading(found: Attribution) -> str:
    """Return how paths are formed and what the models have in common."""
    share = found.conversions / max(found.paths, 1)
    return (
        f"{words.count(found.paths, 'path')}, {words.percent(share)} end in an order; the Markov "
        f"chain gives {words.percent(found.chain)}, as it must. Every model divides the same "
        f"{words.count(found.conversions, 'order')} among the channels: they differ in whom they "
        "credit, and all credit orders that would have come without any message."
    )


def slope_table(found: Fatigue, slopes: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the slopes, of all or of segments, with words for what they are."""
    rows = found.slopes if slopes is None else slopes
    what = {
        "opened": "Opening, log odds (like with like)",
        "unsubscribed": "Opting out, share of delivered",
    }
    return rows.assign(what=rows["measure"].map(what))


def fatigue_by_segment(found: Fatigue) -> str:
    """Return in how many segments fatigue is shown, and whether they differ from each other."""
    said = []
    for measure, word in (("opened", "opening falls"), ("unsubscribed", "opting out rises")):
        rows = found.by_segment[found.by_segment["measure"] == measure]
        if len(rows) < 2:
            continue
        shown = rows["high"] < 0 if measure == "opened" else rows["low"] > 0
        apart = rows["low"].max() > rows["high"].min()
        said.append(
            f"Looked at all at once, {word} with messages in {int(shown.sum())} of {len(rows)} "
            f"segments; they {'differ' if apart else 'are not shown to differ'} from each other."
        )
    return " ".join(said)


def fatigue_headline(found: Fatigue) -> str:
    """Return the headline on what one more message does to opening."""
    rows = found.slopes.set_index("measure")
    if "opened" in rows.index:
        row = rows.loc["opened"]
        if row["high"] < 0:
            less = 1 - np.exp(row["effect"])
            return (
                f"Every message more in the days before goes with {words.percent(less, 0)} lower "
                "odds of opening the next"
            )
        return (
            "No significant fatigue in opening" if row["low"] < 0 else "Opening rises with messages"
        )
    return "Opting out against the messages just before"


def fatigue_findings(found: Fatigue) -> list[Fields]:
    """Return the findings on opening and on opting out."""
    said = []
    for row in found.slopes.to_dict("records"):
        odds = row["measure"] == "opened"
        ends = {
            name: float(np.expm1(row[column]) if odds else row[column])
            for name, column in (("value", "effect"), ("low", "low"), ("high", "high"))
        }
        told: Fields = {"n": int(row["messages"]), "noun": "message", **ends}
        if odds:
            told |= {"key": "fatigue", "unit": words.PERCENT, "direction": "up_good"}
            told["sentence"] = (
                "is the difference in the odds of opening the next message that goes with one more "
                "in the days before, among customers with about as many messages"
                + words.unsure(row["low"], row["high"])
            )
        else:
            told |= {"key": "opt_out", "unit": words.POINTS, "direction": "up_bad", "decimals": 2}
            told["sentence"] = (
                "more of the messages delivered are followed by opting out, with every message "
                f"more in the days before{words.unsure(row['low'], row['high'])}"
            )
        said.append(told)
    return said


def dose_headline(found: DoseCurve) -> str:
    """Return the headline on the frequency that pays."""
    first = str(found.doses["variant"].iloc[0])
    if found.best == first:
        lowest, last = found.doses.iloc[0], found.doses.iloc[-1]
        return (
            f"No higher frequency is shown to earn more than {first}; at {last['variant']} "
            f"{words.percent(last['left'])} opt out, at {first} {words.percent(lowest['left'])}"
        )
    return f"{found.best} earns more than {first}; no higher frequency is shown to earn more still"


def dose_finding(found: DoseCurve) -> Fields:
    """Return the finding on customers who get more than pays."""
    rows = found.classes.set_index("class")
    over = rows.loc[SATURATED]
    got = found.members.loc[found.members["class"] == SATURATED, "messages"]
    many = f"{words.count(got.min(), 'message')} or more" if len(got) else "too many messages"
    below = int(rows.loc[UNDER, "customers"])
    rest = f"; {words.count(below, 'customer')} got fewer" if below else ""
    return {
        "key": "saturated",
        "sentence": f"of customers written to, and not opted out, got {many} in the last 28 days: "
        f"more than {found.best}, above which no randomised frequency is shown to earn more{rest}",
        "value": float(over["share"]), "unit": words.PERCENT, "n": int(rows["customers"].sum()),
        "noun": "customer", "direction": "up_bad", "alert": bool(over["share"] > 0),
    }  # fmt: skip


def dose_reading(found: DoseCurve, currency: str) -> str:
    """Return what the most frequent variant gained and cost."""
    last = found.doses.iloc[-1]
    return (
        f"Randomised, so these are effects. Against {found.doses['variant'].iloc[0]}, "
        f"{last['variant']} brought {words.money(last['net_gain'], 2, currency, signed=True)} a "
        f"customer after cost ({words.interval(last['net_low'], last['net_high'], 2, currency)}) "
        f"and {words.points(abs(last['left_gain']), signed=False)} "
        f"{'more' if last['left_gain'] >= 0 else 'fewer'} opted out. Orders before differ "
        f"{'no ' if found.balance_p >= _LIKELY else ''}more than chance usually makes them "
        f"(p {words.chance(found.balance_p, 2)})."
    )


def preference_headline(found: Preferences) -> str:
    """Return the headline on how much customers differ in what reaches them."""
    ranked = found.channels.sort_values("chosen", ascending=False)
    hours = (
        "the hour makes no difference that can be seen"
        if found.hours["hour"].size < 2 or not found.hours_p < 0.01
        else "and hours differ"
    )
    shares = ranked["chosen"] / max(int(ranked["chosen"].sum()), 1)
    first = [
        f"{channel} for {words.percent(share, 0)}"
        for channel, share in zip(ranked["channel"].head(3), shares.head(3), strict=True)
    ]
    alone = f", {words.percent(found.alone, 0)} of whom one channel alone was used for"
    return (
        f"Answered best of those used: {words.listing(first)} of customers"
        f"{alone if found.alone > 0 else ''}; {hours}"
    )


def preference_reading(found: Preferences) -> str:
    """Return how single customers were drawn towards the rest."""
    return (
        f"Response is {found.response}. A customer's own share is drawn towards the channel's as "
        "far as customers do not differ more than chance; where the number of messages after which "
        "their own say outweighs it is large, they hardly do. The hour is left open where hours do "
        "not differ. A channel without consent today is chosen for nobody who has another."
    )


def consent_headline(found: Consents) -> str:
    """Return the headline on messages sent without consent."""
    without, messages = int(found.table["without"].sum()), int(found.table["messages"].sum())
    if not without:
        return f"All {words.count(messages, 'message')} went to customers who had consented"
    return f"{words.count(without, 'message')} went out without consent at the time"


def consent_finding(found: Consents) -> Fields:
    """Return the finding on messages sent without consent."""
    from analysis.stats.proportions import wilson_interval

    without, messages = int(found.table["without"].sum()), int(found.table["messages"].sum())
    low, high = wilson_interval([without], [messages])
    lagging = int(found.table["lagging"].fillna(0).sum()) if "lagging" in found.table else 0
    detail = (
        f"{words.count(lagging, 'consent')} withdrawn since still stand in the register"
        if lagging
        else None
    )
    return {
        "key": "without_consent",
        "sentence": "of messages by channels whose consents are recorded went to customers without "
        "consent at the time",
        "value": without / messages if messages else None, "low": float(low[0]),
        "high": float(high[0]), "unit": words.PERCENT, "n": messages, "noun": "message",
        "direction": "up_bad", "alert": without > 0, "decimals": 2,
        "detail": detail or ("no messages by these channels" if not messages else None),
    }  # fmt: skip
