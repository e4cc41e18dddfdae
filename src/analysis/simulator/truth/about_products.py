"""The truth about what is bought together, instead of each other, and one after the other."""

from __future__ import annotations

import numpy as np

from analysis.simulator.goods import durable_sequence, joint_purchases
from analysis.simulator.people import population
from analysis.simulator.people.store_network import store_ids
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth.planted import Counts, Planted, ratio

BASKETS = "05_baskets"
ORDERS = "Over orders with a line sold by weight (club products, audio and returns come alone)"


def truths(plan: Plan, counts: Counts) -> dict[str, Planted]:
    """Return the truths about products."""
    return {
        "independent": _independent(plan),
        **_pairs(plan),
        "brands": _brands(plan),
        "bundle": _bundle(plan),
        **_false_friends(plan),
        **_sequence(plan, counts),
    }


def _ids(plan: Plan, prefix: str) -> list[str]:
    return [plan.catalogue.product_id(int(n)) for n in plan.catalogue.all_of(prefix)]


def _independent(plan: Plan) -> Planted:
    return Planted(
        "Products bought in each order with a fixed chance, independently of everything.",
        BASKETS,
        f"{ORDERS}, every pair has lift 1.",
        {
            "products": _ids(plan, "independent_"),
            "chance": dict(
                zip(_ids(plan, "independent_"), joint_purchases.INDEPENDENT_CHANCE, strict=True)
            ),
        },
        {"lift": 1.0},
    )


def _pairs(plan: Plan) -> dict[str, Planted]:
    found = {}
    for number, (first, then, alone) in enumerate(joint_purchases.PAIRS):
        share = first * then + (1 - first) * alone
        found[f"pair_{number}"] = Planted(
            "Complements: B is bought more often with A.",
            BASKETS,
            f"{ORDERS}: support of A and of both, P(B | A), lift.",
            {
                "products": _ids(plan, f"pair_{number}_"),
                "a": first,
                "b_with_a": then,
                "b_without_a": alone,
            },
            {
                "support_a": first,
                "support_both": first * then,
                "confidence": then,
                "lift": then / share,
            },
        )
    return found


def _brands(plan: Plan) -> Planted:
    chance = joint_purchases.COLA_CHANCE
    shares = np.array(population.BRAND_SHARES)
    loyal = population.BRAND_LOYALTY
    support = chance * (shares * loyal + (1 - shares) * (1 - loyal) / (len(shares) - 1))
    return Planted(
        "Substitutes: three brands of cola, never two in an order; customers have a favourite.",
        BASKETS,
        f"{ORDERS}: support by brand, support of two together, and P(next brand | last brand) "
        "over a customer's cola orders.",
        {
            "products": _ids(plan, "cola_"),
            "favourites": list(population.BRAND_SHARES),
            "loyalty": loyal,
            "cola_in_an_order": chance,
        },
        {
            "support": support.tolist(),
            "support_of_two": 0.0,
            "switching": joint_purchases.switching(),
        },
        tables=("customers",),
    )


def _bundle(plan: Plan) -> Planted:
    together, alone = joint_purchases.BUNDLE_CHANCE, joint_purchases.BUNDLE_ALONE
    one = together + (1 - together) * alone
    two = together + (1 - together) * alone**2
    three = together + (1 - together) * alone**3
    return Planted(
        "A bundle of three that is bought as a whole.",
        BASKETS,
        f"{ORDERS}: support of one, two and all three; lift of the three.",
        {"products": _ids(plan, "bundle_"), "together": together, "alone": alone},
        {"support": [one, two, three], "lift_of_two": two / one**2, "lift": three / one**3},
    )


def _false_friends(plan: Plan) -> dict[str, Planted]:
    """Return associations that a common cause makes: a leaflet, a store, a season."""
    wave = joint_purchases.summer_chance(plan.calendar, np.arange(plan.calendar.weeks))
    store = store_ids(plan.shop.stores)[joint_purchases.LOCAL_STORE]
    summer = {
        "products": _ids(plan, "summer_"),
        "chance": joint_purchases.SUMMER_CHANCE,
        "wave": joint_purchases.SUMMER_WAVE,
        "highest_in_week": joint_purchases.SUMMER_PEAK,
    }
    return {
        "leaflet": _leaflet(plan),
        "local": Planted(
            "Two products that only share the one store that sells them.",
            BASKETS,
            f"{ORDERS}: lift 1 in that store.",
            {
                "products": _ids(plan, "local_"),
                "chance": joint_purchases.LOCAL_CHANCE,
                "store": store,
            },
            {"lift_within": 1.0},
        ),
        "summer": Planted(
            "Two products that only share a season.",
            BASKETS,
            f"{ORDERS}: lift 1 within a week; the lift over all weeks is the season's doing "
            "(value for equally many orders a week).",
            summer,
            {"lift_within": 1.0, "lift_overall": float((wave**2).mean() / wave.mean() ** 2)},
        ),
    }


def _leaflet(plan: Plan) -> Planted:
    inside = [w for w in joint_purchases.LEAFLET_WEEKS if plan.calendar.holds(w, 1)]
    share = len(inside) / plan.calendar.weeks
    low, high = joint_purchases.LEAFLET_CHANCE, joint_purchases.LEAFLET_LIFTED
    single = share * high + (1 - share) * low
    both = share * high**2 + (1 - share) * low**2
    return Planted(
        "Two products that only share a leaflet: independent in each week.",
        BASKETS,
        f"{ORDERS}: lift 1 within leaflet weeks and within the others; the lift over all weeks is "
        "the promotion's doing (value for equally many orders a week).",
        {"products": _ids(plan, "leaflet_"), "weeks": inside, "chance": low, "lifted": high},
        {"lift_within": 1.0, "lift_overall": both / single**2},
        present=bool(inside),
    )


def _sequence(plan: Plan, counts: Counts) -> dict[str, Planted]:
    return {
        "tv_audio": _tv_audio(plan, counts),
        "tv_cable": Planted(
            "A cable is bought in the same order as a television, never after it.",
            BASKETS,
            "P(cable in the order | television in the order); none later.",
            {"products": _ids(plan, "cable")},
            {"same_order": durable_sequence.CABLE_WITH_TV, "later": 0.0},
        ),
    }


def _tv_audio(plan: Plan, counts: Counts) -> Planted:
    window = durable_sequence.WINDOW_DAYS
    goods = {"televisions": _ids(plan, "tv_"), "audio": _ids(plan, "audio_")}
    return Planted(
        "Buyers of a television buy an audio system afterwards.",
        BASKETS,
        f"P(audio within {window} days after the first television), against the same among "
        "customers with rare big orders and no television; those who follow up never do on the "
        "same day.",
        {**goods, "window_days": window},
        {
            "after_tv": durable_sequence.AFTER_TV,
            "base_rate": durable_sequence.BASE_RATE,
            "difference": durable_sequence.AFTER_TV - durable_sequence.BASE_RATE,
            "median_days": durable_sequence.median_lag_days(),
        },
        {
            "buyers_seen_throughout": counts["tv.buyers"],
            "after_tv": ratio(counts["tv.followed"], counts["tv.buyers"]),
            "base_rate": ratio(counts["tv.others.audio"], counts["tv.others"]),
        },
        present=plan.calendar.days > window,
    )
