"""What became of messages, what they caused, and how far to trust it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.reporting.notebook import words
from analysis.stats.sizes import FEWEST_CUSTOMERS

if TYPE_CHECKING:
    from analysis.engagement.channels.contact_events import Contacts
    from analysis.engagement.channels.contact_rates import ContactRates
    from analysis.engagement.channels.fatigue import DoseCurve
    from analysis.engagement.channels.holdout_lift import HoldoutLift
    from analysis.reporting.notebook.report import TrustLine

#: Fields of a finding, as `Report.finding` takes them.
Fields = dict[str, Any]

#: Rates that are saved with their intervals, but would make the shown tables too wide.
_SAVED_ONLY = ("bounced", "complained")


def sent(contacts: Contacts) -> str:
    """Return how much was sent, to whom, and which odd times were met."""
    odd = contacts.oddities[contacts.oddities["messages"] > 0]
    said = (
        f"{words.count(contacts.messages, 'message')} to "
        f"{words.count(contacts.customers, 'customer')}, {contacts.period}. "
    )
    if odd.empty:
        return (
            said + "No open before its delivery, no click without an open, no clocks that differ."
        )
    several = words.listing(
        f"{words.count(n, 'message')} {what}"
        for what, n in zip(odd["what"], odd["messages"], strict=True)
    )
    return said + f"Odd: {several}; the table names the rule used."


SEGMENTS_AT_ONCE = (
    "Segments of the year before the period; the intervals hold for all rows of a column at once."
)


def segments_reading(rates: ContactRates) -> str:
    """Return which segments answer otherwise than all customers of the channel, told all at once.

    Orders are left out: whoever bought much before buys much after, message or not.
    """
    rows = rates.rates
    for measure in ("clicked", "opened"):
        mine = rows[(rows["by"] == "segment") & (rows["measure"] == measure)]
        if len(mine) > 1:
            every = rows[(rows["by"] == "channel") & (rows["measure"] == measure)]
            usual = mine["channel"].map(every.set_index("channel")["share"])
            more, less = mine[mine["low"] > usual], mine[mine["high"] < usual]
            return (
                f"Of {len(mine)} pairs of segment and channel, looked at all at once, shown to be "
                f"{measure} more than the channel's messages as a whole: {_named(more)}; less: "
                f"{_named(less)}."
            )
    return ""


def _named(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "none"
    names = (rows["group"] + " by " + rows["channel"]).tolist()
    return words.listing(names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} others"])


def wide_rates(table: pd.DataFrame, by: str, top: int = 30) -> tuple[pd.DataFrame, list[str]]:
    """Return the rates of a breakdown, a group a row, with the measures there are."""
    rows = table[table["by"] == by]
    if by != "channel" and by != "all":
        rows = rows.assign(group=rows["group"] + ", " + rows["channel"])
    measures = [str(m) for m in rows["measure"].unique() if m not in _SAVED_ONLY]
    wide = rows.pivot(index="group", columns="measure", values=["share", "low", "high", "of"])
    found = {"group": wide.index}
    sent_by = "delivered" if "delivered" in measures else measures[0]
    found["sent"] = wide["of"][sent_by].astype(int).to_numpy()
    for measure in measures:
        found[measure] = wide["share"][measure].to_numpy()
        found[f"{measure}_low"] = wide["low"][measure].to_numpy()
        found[f"{measure}_high"] = wide["high"][measure].to_numpy()
    frame = pd.DataFrame(found)
    if by == "hour":
        return frame, measures
    return frame.sort_values("sent", ascending=False, ignore_index=True).head(top), measures


def _channels(rates: ContactRates, measure: str) -> pd.DataFrame:
    rows = rates.rates
    rows = rows[(rows["by"] == "channel") & (rows["measure"] == measure)]
    return rows[rows["customers"] >= FEWEST_CUSTOMERS].sort_values("share", ascending=False)


def rates_headline(rates: ContactRates) -> str:
    """Return the headline on the channel that is clicked most and least."""
    for measure, word in (("clicked", "clicked"), ("opened", "opened"), ("bought", "ordered on")):
        rows = _channels(rates, measure)
        if len(rows) >= 2:
            best, last = rows.iloc[0], rows.iloc[-1]
            if best["share"] == last["share"]:
                return f"All channels are {word} alike, {words.percent(best['share'])} of messages"
            return (
                f"{_name(best['channel'])} is {word} most, {words.percent(best['share'])} of those "
                f"delivered, {last['channel']} least, {words.percent(last['share'])}"
            )
        if len(rows) == 1:
            one = rows.iloc[0]
            return f"{words.percent(one['share'])} of messages by {one['channel']} are {word}"
    return "What became of the messages"


def _name(channel: object) -> str:
    text = str(channel)
    return text.upper() if text == "sms" else text[:1].upper() + text[1:]


def rates_finding(rates: ContactRates) -> Fields | None:
    """Return the finding on clicks over all channels."""
    rows = rates.rates
    rows = rows[(rows["by"] == "all") & (rows["measure"] == "clicked")]
    if rows.empty or rows["customers"].iloc[0] < FEWEST_CUSTOMERS:
        return None
    row = rows.iloc[0]
    return {
        "key": "clicked", "sentence": "of messages delivered are clicked",
        "value": float(row["share"]), "low": float(row["low"]), "high": float(row["high"]),
        "unit": words.PERCENT, "n": int(row["customers"]), "noun": "customer",
        "direction": "up_good", "decimals": 2,
    }  # fmt: skip


def rates_reading(rates: ContactRates, days: int) -> str:
    """Return what orders after a message mean, and how far opens may be believed."""
    said = []
    after, before = (_channels(rates, m).set_index("channel") for m in ("bought", "bought_before"))
    if len(after):
        gaps = [
            f"{c}: {words.percent(after.loc[c, 'share'])} after, "
            f"{words.percent(before.loc[c, 'share'])} before"
            for c in after.index
        ]
        said.append(
            f"Orders within {days} days after a message are not its effect: as many days before it "
            f"customers ordered as well ({'; '.join(gaps)})."
        )
    unsure = rates.opens[rates.opens["of_unknown_make"] > 0]
    for row in unsure.to_dict("records"):
        by = f"{words.percent(row['opened'] / max(row['delivered'], 1))} opened by {row['channel']}"
        if row["basis"] == "bounds only":
            said.append(
                f"Of {by}, it is not known which were mail programs': persons opened between "
                f"{words.percent(row['real_low'])} and {words.percent(row['real_high'])}."
            )
        else:
            said.append(
                f"Of {by}, persons account for {words.percent(row['real'])} "
                f"({words.interval(row['real_low'], row['real_high'], 1)}): where the program does "
                "not say, clicks stand for them, taking for granted that persons click alike."
            )
    return " ".join(said)


def comparable(lift: HoldoutLift) -> pd.DataFrame:
    """Return the ranking of the promotion that compares most channels, of equals the last."""
    ranking = lift.ranking
    if ranking.empty:
        return ranking
    sizes = ranking.groupby("promotion_id")["channel"].size()
    return ranking[ranking["promotion_id"] == sizes[sizes == sizes.max()].index[-1]]


def lift_title(lift: HoldoutLift, currency: str) -> str | None:
    """Return the title: which channel earns most after its cost."""
    ranking = comparable(lift)
    if ranking.empty:
        return None
    best = ranking.iloc[0]
    gross = ranking.sort_values("before_cost").iloc[0]
    tied = ranking.loc[ranking["tied"], "channel"].tolist()
    tail = (
        f"; {gross['channel']}, first before cost, earns less"
        if gross["channel"] not in tied
        else ""
    )
    if not (ranking["net_low"] > 0).any():
        return "No channel is shown to earn more than its messages cost"
    if len(tied) == len(ranking):
        return "After the cost of the message no channel is shown to earn more than another"
    if len(tied) > 1:
        return f"After the cost of the message {words.listing(tied)} earn most{tail}"
    return (
        f"After its cost a message by {best['channel']} earns most, "
        f"{words.money(best['net'], 2, currency)} a customer{tail}"
    )


def lift_headline(lift: HoldoutLift, currency: str) -> str:
    """Return the headline on what messages earned against the holdout."""
    ranking = comparable(lift)
    if ranking.empty:
        usable = lift.arms[lift.arms["reason"] == ""]
        if usable["net"].isna().all():
            return "What messages caused against the holdout; what they cost is not recorded"
        paid = int((usable["net_low"] > 0).sum())
        return (
            f"{paid} of {words.count(len(usable), 'tested arm')} earned more than its messages cost"
        )
    tied = ranking.loc[ranking["tied"], "channel"].tolist()
    best = ranking.iloc[0]
    if not (ranking["net_low"] > 0).any():
        return f"{_name(best['channel'])} is first after cost, but not shown to earn its own cost"
    if len(tied) == len(ranking):
        return (
            f"{_name(best['channel'])} is first after cost, but no two channels can be told apart"
        )
    if len(tied) > 1:
        return (
            f"After cost {best['channel']} is first, but {words.listing(tied)} cannot be told apart"
        )
    return (
        f"After cost {best['channel']} earns {words.money(best['net'], 2, currency)} a customer, "
        "more than any other channel tested"
    )


def lift_finding(lift: HoldoutLift, currency: str) -> Fields | None:
    """Return the finding on the best channel after cost."""
    ranking = comparable(lift)
    if ranking.empty:
        return None
    best = ranking.iloc[0]
    gross = ranking.sort_values("before_cost").iloc[0]
    moved = gross["channel"] != best["channel"]
    rivals = ranking.loc[ranking["tied"], "channel"].tolist()[1:]
    sentence = (
        f"of margin per customer in the categories on offer, while {best['name']} ran, is what a "
        f"message by {best['channel']} caused after its cost"
        f"{words.unsure(best['net_low'], best['net_high'])}, the most"
    )
    if rivals:
        sentence += f" (with {words.listing(rivals)}, which cannot be told apart from it)"
    if moved:
        sentence += (
            f"; {gross['channel']} brings most before cost, but costs "
            f"{words.money(gross['cost'], 2, currency)} a message and keeps "
            f"{words.money(gross['net'], 2, currency)}"
        )
    return {
        "key": "best_channel", "sentence": sentence, "value": float(best["net"]),
        "low": float(best["net_low"]), "high": float(best["net_high"]), "unit": currency,
        "n": int(ranking["treated"].sum()), "noun": "customer",
        "alert": bool(moved and not gross["tied"]), "decimals": 2,
        "at_stake": float((best["net"] - gross["net"]) * gross["treated"]) if moved else None,
        "otherwise": f"the next such messages by {gross['channel']} keep as little"
        if moved
        else None,
    }  # fmt: skip


def lift_reading(lift: HoldoutLift) -> str:
    """Return what the effects rest on and which tests had to be left out."""
    left_out = lift.arms[lift.arms["reason"] != ""]
    said = [
        "Intention to treat: the arms were randomised, and all who were assigned are compared, "
        "written to or not. Counted are orders and margin in the categories on offer (all "
        "purchases where none are named) during the promotion. What is taken from other categories "
        "or later weeks, and fixed costs, report 06 takes off: its net return of a promotion is "
        "what is left of the margin here, and may be below zero where this is above."
    ]
    for row in left_out.to_dict("records"):
        said.append(f"{row['name']} gives no verdict: {row['reason']}.")
    several = lift.arms["channel"].eq("several").sum()
    if several:
        said.append(f"{words.count(several, 'arm')} used several channels at once.")
    return " ".join(said)


def trust(
    contacts: Contacts, lift: HoldoutLift | None, dose: DoseCurve | None, margin: str
) -> list[TrustLine]:
    """Return what a reader should know before relying on the report."""
    odd = int(contacts.oddities["messages"].sum())
    lines: list[TrustLine] = [
        ("Margin", None, margin),
        (
            "Times",
            odd == 0,
            f"{words.count(odd, 'message')} with odd times, counted by the rules named above."
            if odd
            else "No message has odd times.",
        ),
        (
            "Cause",
            lift is not None,
            "Effects are told for messages whose customers were randomised against a holdout."
            if lift is not None
            else "No message was held out at random: nothing here is an effect.",
        ),
        (
            "Frequency",
            dose is not None,
            "Frequencies were randomised."
            if dose is not None
            else "Frequencies were not randomised: fatigue compares like with like, which is less.",
        ),
    ]
    if lift is not None and (lift.arms["reason"] != "").any():
        left = lift.arms.loc[lift.arms["reason"] != "", "name"].unique()
        lines.append(("Tests", False, f"Left out: {words.listing(left)}."))
    return lines


def arm_table(lift: HoldoutLift) -> pd.DataFrame:
    """Return the tested arms with one name each."""
    alone = lift.arms.groupby("promotion_id")["arm"].transform("size") == 1
    label = lift.arms["name"].where(alone, lift.arms["name"] + ": " + lift.arms["arm"])
    return lift.arms.assign(label=label)
