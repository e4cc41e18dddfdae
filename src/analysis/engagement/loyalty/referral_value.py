"""Referrals: how many, of what quality, how they chain, and what their rewards return."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pandas as pd

from analysis.engagement.loyalty import matched_groups, membership
from analysis.engagement.loyalty.matched_groups import Matched
from analysis.errors import NotApplicable
from analysis.stats.proportions import ClusterSums, clustered_interval, wilson_interval
from analysis.stats.sizes import FEWEST_REFERRALS
from analysis.tables.lines import midnight
from analysis.tables.margin import MICROS, cents, lines_with_margin

if TYPE_CHECKING:
    from analysis.tables.engine import Tables

#: Days within which an invitation that leads to somebody has done so.
COME_DAYS = 91


@dataclass(frozen=True)
class Referrals:
    """What referrals bring.

    Parameters
    ----------
    count, referrers
        Referrals before the day, and who made them.
    rate, rate_low, rate_high
        Share of new customers who were referred.
    newcomers
        New customers since the first referral.
    quality
        measure (orders, net, margin), in the first days of each: the fields of `Matched`, and
        ratio, ratio_low, ratio_high against like others.
    days
        Days of a customer's start that are compared.
    depths
        depth of the chain (1: by somebody not referred), customers.
    reproduction, reproduction_low, reproduction_high
        Referrals that a referred customer makes in the first days.
    generation
        Referred customers watched for all of these days.
    cost
        Rewards of both sides per referral; None where none is stated.
    surplus, surplus_low, surplus_high
        Margin in the first days beyond that of like others, less the rewards, per referral.
    invitations, come, come_low, come_high
        Invitations passed on long enough ago, and the share that led to somebody within
        ``COME_DAYS``; NaN where invitations that led to nobody are not recorded.
    oddities
        what, referrals: self-referrals, referrals both ways, rewarded without an order.
    """

    count: int
    referrers: int
    rate: float
    rate_low: float
    rate_high: float
    newcomers: int
    quality: pd.DataFrame
    days: int
    depths: pd.DataFrame
    reproduction: float
    reproduction_low: float
    reproduction_high: float
    generation: int
    cost: float | None
    surplus: float
    surplus_low: float
    surplus_high: float
    invitations: int
    come: float
    come_low: float
    come_high: float
    oddities: pd.DataFrame


def referrals(
    tables: Tables, *, as_of: date, days: int = 182, confidence: float = 0.95
) -> Referrals:
    """Return what referrals bring, referred customers against others who came in the same month.

    Parameters
    ----------
    tables
        A study's tables; needs referrals, order_lines and products.
    as_of
        First day not looked at.
    days
        Days of a customer's start that are compared; who came later is left out.
    confidence
        Of the intervals.

    Raises
    ------
    NotApplicable
        If the study has no referrals, or too few.
    """
    rows = tables.referrals
    made = rows.filter(rows.referred_at < midnight(as_of)).order_by("referred_id").to_pandas()
    if len(made) < FEWEST_REFERRALS:
        raise NotApplicable(
            f"{len(made)} referrals before {as_of}; {FEWEST_REFERRALS} are needed to tell a rate."
        )
    made["referred_at"] = pd.to_datetime(made["referred_at"])
    starts = _starts(tables, as_of, days)
    began = made["referred_at"].min().normalize() - pd.Timedelta(days=31)
    new = starts[starts["first_on"] >= began]
    brought = new["customer_id"].isin(made["referred_id"])
    low, high = wilson_interval(int(brought.sum()), len(new), confidence=confidence)
    whole = new[new["first_on"] <= pd.Timestamp(as_of) - pd.Timedelta(days=days)]
    quality = _quality(whole, set(made["referred_id"]), confidence)
    cost = _rewards(made)
    margin = quality.set_index("measure").loc["margin"]
    ends = [margin[c] - (cost or 0.0) for c in ("difference", "low", "high")]
    made_by, generation = _reproduction(made, as_of, days)
    reach = _poisson_reach(made_by, confidence)
    return Referrals(
        count=len(made), referrers=int(made["referrer_id"].nunique()),
        rate=float(brought.mean()), rate_low=float(low[0]), rate_high=float(high[0]),
        newcomers=len(new), quality=quality, days=days, depths=_depths(made),
        reproduction=made_by / generation if generation else float("nan"),
        reproduction_low=reach[0] / generation if generation else float("nan"),
        reproduction_high=reach[1] / generation if generation else float("nan"),
        generation=generation, cost=cost, surplus=ends[0], surplus_low=ends[1],
        surplus_high=ends[2], **_invited(tables, made, as_of, confidence),
        oddities=_oddities(made, _first_days(tables, made, as_of)),
    )  # fmt: skip


def _starts(tables: Tables, as_of: date, days: int) -> pd.DataFrame:
    """Return new customers' first day, and what they bought in the ``days`` from it."""
    lines = lines_with_margin(tables)
    lines = lines.filter(lines.customer_id.notnull(), lines.ordered_at < midnight(as_of))
    both = lines.inner_join(membership.starts(tables, as_of=as_of), "customer_id")
    since = both.ordered_at.date().delta(both.first_on, unit="day")
    early = both.filter(since < days)
    bought = (early.net_amount > 0).ifelse(early.order_id, ibis.null("string"))
    sums = early.group_by("customer_id", "first_on").agg(
        orders=bought.nunique(),
        net=cents(early.net_amount).sum().cast("int64"),
        margin=early.margin_micros.sum().cast("int64"),
    )
    frame = sums.order_by("customer_id").to_pandas()
    return frame.assign(
        first_on=pd.to_datetime(frame["first_on"]),
        net=frame["net"] / 100, margin=frame["margin"] / MICROS,
    )  # fmt: skip


def _quality(whole: pd.DataFrame, referred: set[str], confidence: float) -> pd.DataFrame:
    month = whole["first_on"].dt.strftime("%Y-%m")
    inside = whole["customer_id"].isin(referred)
    found = []
    for measure in ("orders", "net", "margin"):
        one = matched_groups.compare(
            inside, whole[measure], pd.DataFrame({"month": month}), confidence=confidence
        )
        found.append({"measure": measure} | vars(one) | _ratio(one))
    return pd.DataFrame(found)


def _ratio(one: Matched) -> dict[str, float]:
    """Return the ratio to like others; theirs are many, so that their error is left out."""
    base = one.like_mean
    if base <= 0:
        return dict.fromkeys(("ratio", "ratio_low", "ratio_high"), float("nan"))
    return {
        "ratio": 1 + one.difference / base,
        "ratio_low": 1 + one.low / base,
        "ratio_high": 1 + one.high / base,
    }


def _invited(tables: Tables, made: pd.DataFrame, as_of: date, confidence: float) -> dict[str, Any]:
    """Return invitations passed on, and the share that led to somebody, errors by who invited."""
    names = ("come", "come_low", "come_high")
    nothing = {"invitations": 0, **dict.fromkeys(names, float("nan"))}
    if "interactions" not in tables or "shared_at" not in made:
        return nothing
    rows, last = tables.interactions, as_of - timedelta(days=COME_DAYS)
    passed = rows.filter(rows.kind == "invite", rows.at < midnight(last))
    tried = passed.group_by("customer_id").agg(n=passed.count()).to_pandas()
    tried = tried.set_index("customer_id")["n"].sort_index()
    shared = pd.to_datetime(made["shared_at"])
    wait = made["referred_at"] - shared
    led = made[(shared < pd.Timestamp(last)) & (wait < pd.Timedelta(days=COME_DAYS))]
    hits = led.groupby("referrer_id").size()
    # Who brought more than he invited is not recorded whole, and neither may the others be.
    if tried.sum() < FEWEST_REFERRALS or (hits > tried.reindex(hits.index).fillna(0)).any():
        return nothing
    x = hits.reindex(tried.index).fillna(0).to_numpy(float)
    n = tried.to_numpy(float)
    sums = ClusterSums.of(x=x.sum(), n=n.sum(), xx=x @ x, xn=x @ n, nn=n @ n, m=len(n))
    low, high, _ = clustered_interval(sums, confidence=confidence)
    found = (x.sum() / n.sum(), low[0], high[0])
    return {"invitations": int(n.sum()), **dict(zip(names, map(float, found), strict=True))}


def _rewards(made: pd.DataFrame) -> float | None:
    stated = [made[c].astype(float).fillna(0.0) for c in ("reward", "referred_reward") if c in made]
    return float(sum(column.sum() for column in stated) / len(made)) if stated else None


def _depths(made: pd.DataFrame) -> pd.DataFrame:
    """Return how deep the chains go; who closes a circle is left where the circle is entered."""
    parent = dict(zip(made["referred_id"], made["referrer_id"], strict=True))
    depth: dict[str, int] = {}
    for who in parent:
        path: list[str] = []
        while who in parent and who not in depth and who not in path:
            path.append(who)
            who = parent[who]
        base = depth.get(who, 0)
        for place, each in enumerate(reversed(path), start=1):
            depth[each] = base + place
    counts = pd.Series(depth).value_counts().sort_index()
    return pd.DataFrame({"depth": counts.index, "customers": counts.to_numpy()})


def _reproduction(made: pd.DataFrame, as_of: date, days: int) -> tuple[int, int]:
    """Return the referrals that referred customers made in their first days, and their number."""
    since = made.set_index("referred_id")["referred_at"]
    whole = since[since <= pd.Timestamp(as_of) - pd.Timedelta(days=days)]
    own = made[made["referrer_id"].isin(whole.index) & (made["referrer_id"] != made["referred_id"])]
    waited = own["referred_at"].to_numpy() - whole.loc[own["referrer_id"]].to_numpy()
    inside = (waited >= np.timedelta64(0)) & (waited < np.timedelta64(days, "D"))
    return int(inside.sum()), len(whole)


def _poisson_reach(count: int, confidence: float) -> tuple[float, float]:
    """Return Garwood's interval of a Poisson mean."""
    from scipy.stats import chi2

    tail = (1 - confidence) / 2
    low = chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    return float(low), float(chi2.ppf(1 - tail, 2 * count + 2) / 2)


def _first_days(tables: Tables, made: pd.DataFrame, as_of: date) -> pd.Series:
    """Return the first day on which each referred customer bought, missing where none did."""
    lines = tables.order_lines
    bought = lines.filter(lines.net_amount > 0, lines.ordered_at < midnight(as_of))
    bought = bought.semi_join(tables.referrals, bought.customer_id == tables.referrals.referred_id)
    first = bought.group_by("customer_id").agg(first_on=bought.ordered_at.min().date()).to_pandas()
    days = pd.to_datetime(first.set_index("customer_id")["first_on"])
    return days.reindex(made["referred_id"]).reset_index(drop=True)


def _oddities(made: pd.DataFrame, first: pd.Series) -> pd.DataFrame:
    pairs = set(zip(made["referrer_id"], made["referred_id"], strict=True))
    own = made["referrer_id"] == made["referred_id"]
    both = [(b, a) in pairs and a != b for a, b in zip(made["referrer_id"], made["referred_id"],
                                                       strict=True)]  # fmt: skip
    stated = made["reward"].astype(float).fillna(0) if "reward" in made else 0 * first.isna()
    unearned = (stated > 0).to_numpy() & first.isna().to_numpy()
    came = made["referred_at"].dt.normalize() - pd.Timedelta(days=1)
    old = first.to_numpy() < came.to_numpy()
    return pd.DataFrame(
        {
            "what": [
                "of oneself",
                "both ways between the same two",
                "rewarded although nothing was bought",
                "of somebody who was a customer before",
            ],
            "referrals": [int(own.sum()), int(sum(both)), int(unearned.sum()),
                          int(old.sum())],
        }
    )  # fmt: skip
