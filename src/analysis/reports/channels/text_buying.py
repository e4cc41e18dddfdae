"""What buying channels, acquisition and intervals between events say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.reporting.notebook import words

if TYPE_CHECKING:
    from analysis.engagement.channels.acquisition_cost import Acquisition
    from analysis.engagement.channels.buying_channels import BuyingChannels

Fields = dict[str, Any]


def mix_headline(found: BuyingChannels) -> str:
    """Return the headline on the mix and what moved most."""
    first = found.mix.iloc[0]
    said = f"{words.percent(first['share'], 0)} of orders come through {first['channel']}"
    known = found.mix.dropna(subset=["change"])
    if not known["change"].any():
        return said
    moved = known.loc[known["change"].abs().idxmax()]
    return (
        f"{said}; {moved['channel']} moved most against the period before, another season, "
        f"{words.points(moved['change'])}"
    )


def omnichannel_finding(found: BuyingChannels, currency: str) -> Fields | None:
    """Return the finding on customers who buy through several channels."""
    row = found.omnichannel.iloc[0]
    if not np.isfinite(row["adjusted"]):
        return None
    return {
        "key": "omnichannel",
        "sentence": "is the margin of customers of several channels above that of customers of one "
        f"with about as many orders{words.unsure(row['low'], row['high'])}; not counting orders it "
        f"would look like {words.money(row['gap'], 2, currency)}",
        "value": float(row["adjusted"]), "low": float(row["low"]), "high": float(row["high"]),
        "unit": currency, "n": int(row["customers"]), "noun": "customer", "decimals": 2,
        "detail": "an association, not an effect: who likes the shop uses more of its channels",
    }  # fmt: skip


def buying_reading(found: BuyingChannels, currency: str) -> str:
    """Return what the worth of several channels rests on."""
    row = found.omnichannel.iloc[0]
    return (
        f"Customers of several channels bring {words.money(abs(row['gap']), 2, currency)} "
        f"{'more' if row['gap'] >= 0 else 'less'} than customers of one, but who orders often has "
        "more occasions to use another channel: among customers with about as many orders the gap "
        f"is {words.money(row['adjusted'], 2, currency, signed=True)}"
        f"{words.unsure(row['low'], row['high'])}. Customers chose their channels: winning them "
        "for a second one need not bring either."
    )


def acquisition_table(found: Acquisition) -> pd.DataFrame:
    """Return the costs with the months after which they are earned back."""
    names = {"media_spend": "media over new customers", "acquisition_cost": "as stated"}
    both = found.costs.merge(found.paid_back, "left", "channel")
    return both.assign(basis=both["basis"].replace(names)).sort_values(
        "customers", ascending=False, ignore_index=True
    )


def acquisition_headline(found: Acquisition, currency: str) -> str:
    """Return the headline on the dearest channel that is paid for."""
    paid = found.costs[found.costs["cost"] > 0]
    if paid.empty:
        return "What new customers bring, by how they were won"
    dear = paid.sort_values("cost").iloc[-1]
    back = found.paid_back.set_index("channel")["months"].get(dear["channel"], np.nan)
    cheap = paid.sort_values("cost").iloc[0]
    seen = found.payback.loc[found.payback["channel"] == dear["channel"], "month"].max()
    when = (
        f", earned back in month {words.number(back)}"
        if np.isfinite(back)
        else f", not earned back in {words.count(int(seen), 'month')}"
        if np.isfinite(seen)
        else ""
    )
    other = f"; through {cheap['channel']} {words.money(cheap['cost'], 2, currency)}"
    return (
        f"A customer won through {dear['channel']} costs {words.money(dear['cost'], 2, currency)}"
        f"{when}{other if len(paid) > 1 else ''}"
    )


def acquisition_finding(found: Acquisition, currency: str) -> Fields | None:
    """Return the finding on the cost of a new customer over all paid channels."""
    bought = found.costs[found.costs["basis"] == "media_spend"]
    if bought.empty:
        return None
    from scipy.stats import chi2

    money, n = float(bought["media"].sum()), int(bought["customers"].sum())
    ends = (chi2.ppf(0.975, 2 * n + 2) / 2, chi2.ppf(0.025, 2 * n) / 2)
    late = found.paid_back[found.paid_back["channel"].isin(bought["channel"])]
    open_ = late.loc[late["months"].isna(), "channel"].tolist()
    tail = f"; not earned back within what is seen: {words.listing(open_)}" if open_ else ""
    return {
        "key": "cost_per_new_customer",
        "sentence": f"of media is spent for a new customer of {words.listing(bought['channel'])}"
        + tail,
        "value": money / n, "low": money / ends[0], "high": money / ends[1], "unit": currency,
        "n": n, "noun": "new customer", "direction": "up_bad", "decimals": 2, "alert": bool(open_),
        "at_stake": _not_earned(found, open_),
        "otherwise": "as much would not be earned back again, were new customers like these",
    }  # fmt: skip


def _not_earned(found: Acquisition, channels: list[str]) -> float | None:
    """Return what newcomers of channels cost beyond the margin that they are seen to bring."""
    last = found.payback[found.payback["channel"].isin(channels)].groupby("channel").last()
    won = found.costs.set_index("channel")["customers"].reindex(last.index)
    return float(((last["cost"] - last["margin"]) * won).sum()) if len(last) else None


def acquisition_reading() -> str:
    """Return what the cost of a new customer is and is not."""
    return (
        "Media over customers who name the channel: an average, not what one more customer would "
        "cost, and silent about those who would have come anyway. What is stated counts with the "
        "rewards of both sides of a referral, where these are more. Only customers followed for "
        "the whole of a month count in it."
    )


def _half(days: float) -> str:
    told = f"within {words.number(days, 1)} days" if np.isfinite(days) else "later than can be seen"
    return f"Half of all orders are followed by another {told}, counting those still open as open"


def events_reading(again: pd.DataFrame, back: pd.DataFrame) -> str:
    """Return how soon the next order comes, and how many come back within a month."""
    gap, row = again.iloc[0], back.iloc[0]
    return (
        f"{_half(gap['days_50'])} (Kaplan-Meier). Of {words.count(gap['events'], 'order')} "
        f"{words.number(gap['followed'])} were followed within the period. Of "
        f"{words.count(row['customers'], 'customer')} whose first order of the period was so long "
        f"ago, {words.percent(row['share'])} ordered again between day {row['first_day']} and "
        f"{row['last_day']} after it; they may have been customers before."
    )
