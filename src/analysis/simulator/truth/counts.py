"""Whole numbers about a chunk that add up over chunks to what is realised in a shop.

A query over the tables that are written gives the same numbers, but needs as many lines and twice
the time, and does not know what never arrived.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.chunk_facts import Facts
from analysis.simulator.engagement import first_come, paid_terms
from analysis.simulator.engagement.loyalty_club import LIFE_DAYS
from analysis.simulator.goods.assortment import DEPARTMENTS
from analysis.simulator.goods.catalogue import DEFECTIVE, UNLISTED
from analysis.simulator.goods.durable_sequence import WINDOW_DAYS
from analysis.simulator.people import visits as visits_module
from analysis.simulator.people.population import ATTITUDES, GROUP_NUMBER, STAGES
from analysis.simulator.people.visits import GUEST, KIND, PAUSE
from analysis.simulator.selling.till_files import DAMAGES
from analysis.simulator.trading_calendar import DAY_US
from analysis.simulator.truth.planted import YEAR_DAYS
from analysis.simulator.truth.truth_tables import MEASURES
from analysis.simulator.voices.survey_answers import KINDS
from analysis.stats.types import Flags, Integers


def of(facts: Facts) -> dict[str, int]:
    """Return the counts of a chunk, keyed ``topic.what``."""
    found = {
        **_totals(facts),
        **_deliveries(facts),
        **_customers(facts),
        **_discounts(facts),
        **_channels(facts),
        **_departments(facts),
        **_sequence(facts),
        **_club(facts),
        **paid_terms.counts(facts.plan, facts.terms),
        **first_come.counts(facts.claims),
        **_surveys(facts),
        **_trials(facts),
        **_win_back(facts),
    }
    return {name: int(value) for name, value in found.items()}


def _totals(facts: Facts) -> dict[str, int]:
    """Count what arrives in the end: every line but the lost ones, once."""
    book, here = facts.ledger, ~facts.delivery.lost
    visit, net = book.lines.visit[here], book.lines.net[here]
    order_here = np.zeros(len(book.stamp), np.bool_)
    order_here[visit] = True
    guest, back = book.customer == GUEST, ~book.purchases
    defective = _is(facts, DEFECTIVE)[book.lines.product[here]]
    return {
        "totals.lines": len(visit),
        "totals.net": net.sum(),
        "totals.cost": book.cost[here].sum(),
        "totals.orders": (order_here & ~back).sum(),
        "guests.orders": (order_here & guest).sum(),
        "guests.lines": guest[visit].sum(),
        "guests.net": net[guest[visit]].sum(),
        "returns.lines": back[visit].sum(),
        "returns.net": net[back[visit]].sum(),
        "returns.named": (order_here & (book.returns > 0)).sum(),
        "defective.sold": (defective & ~back[visit]).sum(),
        "defective.returned": (defective & back[visit]).sum(),
        "unlisted.lines": _is(facts, UNLISTED)[book.lines.product[here]].sum(),
    }


def _is(facts: Facts, key: str) -> Flags:
    return np.array([k == key for k in facts.plan.catalogue.keys])


def _deliveries(facts: Facts) -> dict[str, int]:
    delivery, book = facts.delivery, facts.ledger
    lost_orders = len(np.unique(book.lines.visit[delivery.lost]))
    damaged = np.arange(len(delivery.damaged)) % len(DAMAGES)
    return {
        "mess.late": delivery.late.sum(),
        "mess.twice": delivery.twice.sum(),
        "mess.training": len(delivery.training),
        "mess.lost_lines": delivery.lost.sum(),
        "mess.lost_orders": lost_orders,
        **{f"mess.damaged.{c}": (damaged == i).sum() for i, c in enumerate(DAMAGES)},
    }


def _customers(facts: Facts) -> dict[str, int]:
    crowd, register = facts.people, facts.register
    visits = facts.trade.visits
    orders = np.bincount(visits.customer[visits.customer != GUEST], minlength=len(crowd))
    return {
        "customers.unregistered": (~register.listed).sum(),
        "customers.twice": register.twice.sum(),
        "customers.bare": (register.bare & register.listed).sum(),
        "main.orders": orders[crowd.of("main")].sum(),
        "main.left": (~np.isnan(facts.trade.left)).sum(),
        **{f"group.{name}": (crowd.group == i).sum() for name, i in GROUP_NUMBER.items()},
    }


def _discounts(facts: Facts) -> dict[str, int]:
    """Count general-range lines and those discounted by attitude, outside the pause."""
    book, crowd = facts.ledger, facts.people
    lines = book.lines
    general = np.isin(facts.plan.catalogue.keys, ["general", "weighed", DEFECTIVE, UNLISTED])
    week = facts.plan.calendar.days_since_start(book.stamp)[lines.visit] // 7
    paused = (week >= PAUSE[0]) & (week < PAUSE[1])
    who = book.customer[lines.visit]
    known = (who != GUEST) & book.purchases[lines.visit] & general[lines.product] & ~paused
    attitude = np.where(known, crowd.attitude[who], -1)
    reduced = lines.net < lines.listed
    return {
        f"attitude.{name}.{what}": flags.sum()
        for i, name in enumerate(ATTITUDES)
        for what, flags in (("lines", attitude == i), ("discounted", (attitude == i) & reduced))
    }


def _channels(facts: Facts) -> dict[str, int]:
    visits, shop = facts.trade.visits, facts.plan.shop
    half = facts.plan.calendar.weeks // 2
    known = visits.customer != GUEST
    found = {}
    for number, year in enumerate(("first", "second")):
        mine = known & ((visits.week >= half) == bool(number))
        found[f"orders.{year}"] = mine.sum()
        found[f"orders.{year}.app"] = (mine & (visits.store == shop.stores + 1)).sum()
    return found


def _departments(facts: Facts) -> dict[str, int]:
    names = np.array([d.name for d in DEPARTMENTS])
    of_product = np.searchsorted(np.sort(names), np.array(facts.plan.catalogue.departments))
    lines = facts.ledger.lines.take(~facts.delivery.lost)
    sums = np.bincount(of_product[lines.product], weights=lines.net, minlength=len(names))
    return {f"department.{name}": sums[i] for i, name in enumerate(np.sort(names))}


def _sequence(facts: Facts) -> dict[str, int]:
    """Count first television buyers seen for the whole window, and who then bought audio."""
    trade, calendar = facts.trade, facts.plan.calendar
    goods, window = facts.plan.catalogue, WINDOW_DAYS / 7
    tv = np.isin(trade.lines.product, goods.all_of("tv_"))
    visit = trade.lines.visit[tv]
    order = np.lexsort((trade.visits.moment[visit], trade.visits.customer[visit]))
    buyers, first = np.unique(trade.visits.customer[visit][order], return_index=True)
    bought = trade.visits.moment[visit][order][first]
    seen = (buyers != GUEST) & (bought + window < calendar.span)
    audio = trade.visits.take(np.flatnonzero(trade.visits.kind == KIND["audio"]))
    others = np.setdiff1d(np.flatnonzero(facts.people.of("big_ticket")), buyers)
    middle = np.full(len(others), calendar.span / 2)
    return {
        "tv.buyers": seen.sum(),
        "tv.followed": _followed(buyers[seen], bought[seen], audio, window),
        "tv.others": len(others),
        "tv.others.audio": _followed(others, middle, audio, window),
    }


def _followed(
    who: Integers, since: NDArray[np.float64], audio: visits_module.Visits, window: float
) -> int:
    times = {int(c): s for c, s in zip(who, since, strict=True)}
    found = {
        int(c)
        for c, m in zip(audio.customer, audio.moment, strict=True)
        if int(c) in times and 0 < m - times[int(c)] <= window
    }
    return len(found)


def _club(facts: Facts) -> dict[str, int]:
    earned, book = facts.earned, facts.ledger
    last = facts.plan.calendar.stamp_of_day(facts.plan.calendar.days)
    ripe = (book.stamp[earned.order] // DAY_US + LIFE_DAYS) * DAY_US < last
    return {
        "points.ripe": earned.points[ripe].sum(),
        "points.expired": earned.points[ripe & (earned.redeemed < 0)].sum(),
        "points.owed": (earned.points - earned.taken_back)[earned.redeemed >= last].sum(),
        "points.taken_back": earned.taken_back.sum(),
        "points.kept": _kept(facts),
        "tiers.top_ups": (facts.trade.visits.kind == KIND["tier"]).sum(),
    }


def _kept(facts: Facts) -> int:
    """Return thousandths of points of the last year that stay although the goods came back."""
    earned, plan = facts.earned, facts.plan
    day = plan.calendar.days_since_start(facts.ledger.stamp[earned.order])
    kept = np.floor(1_000 * earned.came_back * earned.points) - 1_000 * earned.taken_back
    return int(np.maximum(kept, 0)[day >= plan.calendar.days - YEAR_DAYS].sum())


def _surveys(facts: Facts) -> dict[str, int]:
    voices = facts.voices
    found = {}
    for number, name in enumerate(KINDS[:2]):
        asked = voices.kind == number
        answered = asked & (voices.submitted >= 0)
        for what, flags in (("asked", asked), ("answered", answered)):
            score = voices.score[flags]
            found[f"{name}.{what}"] = flags.sum()
            found[f"{name}.{what}.score"] = score.sum()
            found[f"{name}.{what}.promoters"] = (score >= 9).sum()
            found[f"{name}.{what}.detractors"] = (score <= 6).sum()
    return found


def _trials(facts: Facts) -> dict[str, int]:
    """Count arms, and sum the effects of each arm on all customers, by life stage, on its own."""
    found: dict[str, int] = {}
    for played in facts.trade.played:
        trial, stage = played.stage.trial, played.stage
        actual = facts.window_margin(*stage.window)[stage.customers]
        for number, arm in enumerate(trial.arms):
            key = f"{trial.key}.{arm.name}"
            given = played.arms == number
            logged = given & played.logged
            found |= {
                f"{key}.given": given.sum(),
                f"{key}.logged": logged.sum(),
                f"{key}.logged.window_margin": actual[logged].sum(),
            }
            for measure in MEASURES:
                gain = played.outcomes[f"{measure}_{number}"] - played.outcomes[f"{measure}_0"]
                found[f"{key}.effect.{measure}"] = gain.sum()
                found[f"{key}.effect_on_given.{measure}"] = gain[given].sum()
                for i, name in enumerate(STAGES):
                    found[f"{key}.{name}.effect.{measure}"] = gain[stage.life_stage == i].sum()
        for i, name in enumerate(STAGES):
            found[f"{trial.key}.{name}"] = (stage.life_stage == i).sum()
    return found


def _win_back(facts: Facts) -> dict[str, int]:
    back = facts.trade.win_back
    if back is None:
        return {}
    return {
        **{
            f"W1.{arm}.given": (back.arms == i).sum()
            for i, arm in enumerate(("control", "treatment"))
        },
        **{
            f"W1.{arm}.returned": (back.returned & (back.arms == i)).sum()
            for i, arm in enumerate(("control", "treatment"))
        },
        "W1.returns_alone": back.returns_alone.sum(),
        "W1.returns_treated": back.returns_treated.sum(),
    }
