"""The truth about customers: processes, attitudes, life stages, value, change."""

from __future__ import annotations

from analysis.simulator.engagement import loyalty_club
from analysis.simulator.goods.assortment import DEPARTMENTS
from analysis.simulator.goods.basket_filling import MORE, RESPONSE
from analysis.simulator.goods.durable_sequence import LARGE_CHANCE, TV_CHANCE
from analysis.simulator.people import population, register
from analysis.simulator.people import visits as v
from analysis.simulator.selling.promotion_plan import COMES_BACK, WIN_BACK_WEEK, WIN_BACK_WEEKS
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth import planted
from analysis.simulator.truth.planted import Counts, Planted, ratio

SEGMENTS, VALUE = "02_segmentation", "customers.value"


def truths(plan: Plan, counts: Counts) -> dict[str, Planted]:
    """Return the truths about customers."""
    return {
        **_processes(counts),
        **_rhythms(counts),
        **_attitudes(counts),
        "discount_pause": _pause(plan, counts),
        **_tastes(),
        **_changes(plan, counts),
        "win_back": _win_back(plan, counts),
        **_values(plan),
    }


def _processes(counts: Counts) -> dict[str, Planted]:
    known = {"expected_repeats_in_52_weeks": v.expected_repeats(52.0), **population.BGNBD}
    seen = ("group.main", "main.orders", "main.left")
    return {
        "bgnbd": Planted(
            "The main body buys by BG/NBD; who left when is known.",
            VALUE,
            "Parameters by week, over customers of the main body (joined_on inside the history), "
            "purchases only, the first as time zero.",
            dict(population.BGNBD),
            known,
            dict(zip(("customers", "orders", "left"), (counts[k] for k in seen), strict=True)),
            ("customers",),
        ),
        "gamma_gamma": Planted(
            "Order values of the main body are Gamma-Gamma, independent of order rate.",
            VALUE,
            "Parameters of the net amount of a purchase, main body.",
            dict(population.GAMMA_GAMMA),
            {**population.GAMMA_GAMMA, "mean_order_value": _mean_value()},
            tables=("customers",),
        ),
    }


def _rhythms(counts: Counts) -> dict[str, Planted]:
    rare = {
        "orders_a_week": population.RATES["big_ticket"][1],
        "tv_chance": TV_CHANCE,
        "other_large_item_chance": LARGE_CHANCE,
        "share_of_customers": population.GROUPS["big_ticket"],
    }
    regular = {
        f"rhythm_{name}": Planted(
            f"Customers with a fixed {name} order: Erlang gaps.",
            SEGMENTS,
            "Shape k of the gamma distribution of gaps between purchases.",
            {"mean_gap_weeks": gap, "share_of_customers": population.GROUPS[name]},
            {"k": shape},
            {"customers": counts[f"group.{name}"]},
            ("customers",),
        )
        for name, (gap, shape) in population.RHYTHMS.items()
    }
    return {
        **regular,
        "big_ticket": Planted(
            "Customers with rare orders that hold a television or another large item.",
            SEGMENTS,
            "Membership of the group.",
            rare,
            realised={"customers": counts["group.big_ticket"]},
            tables=("customers",),
        ),
    }


def _mean_value() -> float:
    known = population.GAMMA_GAMMA
    return known["p"] * known["gamma"] / (known["q"] - 1)


def _attitudes(counts: Counts) -> dict[str, Planted]:
    shares = {
        name: ratio(counts[f"attitude.{name}.discounted"], counts[f"attitude.{name}.lines"])
        for name in population.ATTITUDES
    }
    betas = dict(zip(population.ATTITUDES, population.ATTITUDE_BETA, strict=True))
    return {
        "price_attitudes": Planted(
            "Customers differ in the share of lines that they buy at a discount.",
            SEGMENTS,
            "Share of general-range lines bought below list price, by attitude, outside the pause. "
            "A discount that rounds to nothing on a tiny weighed line does not show.",
            {"beta": betas},
            {name: a / (a + b) for name, (a, b) in betas.items()},
            shares,
            ("customers",),
        ),
        "depth_response": Planted(
            "Discount customers take more of what is cut deeper; others do not.",
            SEGMENTS,
            "Units of a unit-priced general line: 1 + Poisson(base * exp(response * depth)), "
            "before lines that no longer fit the order's budget are left out.",
            {"base": MORE, "response": dict(RESPONSE)},
        ),
    }


def _pause(plan: Plan, counts: Counts) -> Planted:
    first, last = v.PAUSE
    days = (plan.calendar.date_of(7 * week).isoformat() for week in v.PAUSE)
    return Planted(
        "For some weeks the shop gives no discounts: discount customers stay away, others come "
        "as always and pay list price.",
        SEGMENTS,
        "Orders of discount customers in those weeks.",
        dict(zip(("from", "to"), days, strict=True)),
        {"orders_of_discount_customers": 0},
        {"discount_customers": counts["group.discount"]},
        ("customers",),
        present=plan.calendar.holds(first, last - first),
    )


def _tastes() -> dict[str, Planted]:
    return {
        "life_stages": Planted(
            "Life stages have different tastes.",
            SEGMENTS,
            "Factor on a department's share of general-range lines; shares are normalised after.",
            {
                "shares": dict(zip(population.STAGES, population.STAGE_SHARES, strict=True)),
                "factors": {
                    d.name: dict(zip(population.STAGES, d.taste, strict=True))
                    for d in DEPARTMENTS
                    if len(set(d.taste)) > 1
                },
            },
            tables=("customers",),
        ),
        "region_and_income": Planted(
            "The North holds customers of higher order value; income goes with order value.",
            SEGMENTS,
            "Log odds of living in the North per standard deviation of the log mean order value; "
            "correlation of the latent income with it.",
            {"north": register.NORTH_TILT, "income_correlation": register.INCOME_CORRELATION},
        ),
    }


def _changes(plan: Plan, counts: Counts) -> dict[str, Planted]:
    since = plan.calendar.date_of(7 * v.TURN_WEEK).isoformat()
    later = plan.calendar.holds(v.TURN_WEEK, 1)
    return {
        name: Planted(
            f"{name.capitalize()} customers change their order rate for good.",
            SEGMENTS,
            "Factor on the order rate from that day on.",
            {"since": since, "factor": factor, "share_of_customers": population.GROUPS[name]},
            {"factor": factor},
            {"customers": counts[f"group.{name}"]},
            ("customers",),
            present=later,
        )
        for name, factor in (("growing", v.GROWING), ("declining", v.DECLINING))
    }


def _win_back(plan: Plan, counts: Counts) -> Planted:
    silent = plan.calendar.date_of(7 * v.SILENT_WEEK).isoformat()
    return Planted(
        "Lapsed customers fall silent; a randomised offer brings more of them back.",
        SEGMENTS,
        "P(purchase in the weeks of the offer), treated minus control, promotion W1.",
        {"silent_since": silent, "comes_back": dict(COMES_BACK)},
        {"effect": COMES_BACK["treatment"] - COMES_BACK["control"]},
        _won_back(counts),
        ("arms",),
        present=plan.calendar.holds(WIN_BACK_WEEK, WIN_BACK_WEEKS),
    )


def _won_back(counts: Counts) -> dict[str, float | int | None]:
    if "W1.control.given" not in counts:
        return {}
    lapsed = counts["W1.control.given"] + counts["W1.treatment.given"]
    gain = counts["W1.returns_treated"] - counts["W1.returns_alone"]
    return {
        "customers": lapsed,
        "effect": ratio(gain, lapsed),
        **{
            f"returned_{arm}": ratio(counts[f"W1.{arm}.returned"], counts[f"W1.{arm}.given"])
            for arm in ("control", "treatment")
        },
    }


def _values(plan: Plan) -> dict[str, Planted]:
    cuts = planted.value_cuts(plan.shop.orders)
    return {
        "value_groups": Planted(
            "High, middle and low value by expected yearly net (order rate x mean order value).",
            SEGMENTS,
            "Membership of the group, as an ordering of customers.",
            {"cuts": dict(zip(("middle_from", "high_from"), cuts, strict=True))},
            tables=("customers",),
        ),
        "referrals": Planted(
            "Referred customers order more often.",
            "09_loyalty",
            "Mean order rate while active of referred over other customers of the main body.",
            {"share_referred": loyalty_club.REFERRED, "tilt": loyalty_club.TILT},
            {"ratio": loyalty_club.quality_ratio()},
            tables=("customers",),
        ),
    }
