"""The truth about the deliveries: what the profile of the data must find."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.simulator.goods.catalogue import DEFECTIVE, UNLISTED
from analysis.simulator.people import register
from analysis.simulator.people.store_network import APP_FIRST, APP_LAST, app_share, store_ids
from analysis.simulator.selling import till_files
from analysis.simulator.selling.order_ledger import DEFECT_FACTOR
from analysis.simulator.selling.till_files import DAMAGES, LOST_DAY
from analysis.simulator.shop_plan import Plan
from analysis.simulator.truth.planted import YEAR_DAYS, Counts, Planted, ratio

PROFILE, DECILES = "01_profiling", "03_deciles"


def truths(plan: Plan, counts: Counts, spend: NDArray[np.int64]) -> dict[str, Planted]:
    """Return the truths about deliveries, totals and the spread of spend."""
    return {
        **_totals(counts),
        **_mess(plan, counts),
        **_days(plan, counts),
        **_oddities(plan, counts),
        "app_growth": _app_growth(plan, counts),
        "spend_concentration": _concentration(spend),
    }


def _totals(counts: Counts) -> dict[str, Planted]:
    net = counts["totals.net"]
    delivered = {
        "lines": counts["totals.lines"],
        "purchases": counts["totals.orders"],
        "net": net / 100,
        "margin": (net - counts["totals.cost"]) / 100,
    }
    return {
        "totals": Planted(
            "Everything delivered, once, returns netted.",
            PROFILE,
            "Canonical order_lines: rows, purchases (orders that are no returns), net, margin.",
            realised=delivered,
        ),
        **_kinds_of_orders(counts),
        "department_shares": Planted(
            "Net by department.",
            PROFILE,
            "Sum of net_amount by department; the unlisted product belongs to none in the data.",
            realised={k[11:]: counts[k] / 100 for k in counts if k.startswith("department.")},
        ),
    }


def _kinds_of_orders(counts: Counts) -> dict[str, Planted]:
    guests = {"orders": counts["guests.orders"], "lines": counts["guests.lines"]}
    returns = {"lines": counts["returns.lines"], "named": counts["returns.named"]}
    return {
        "guests": Planted(
            "Orders without a customer.",
            PROFILE,
            "Orders, lines and net with no customer_id.",
            realised={**guests, "net": counts["guests.net"] / 100},
        ),
        "returns": Planted(
            "Lines of the general range that come back, in orders of their own.",
            PROFILE,
            "Lines with a negative quantity, their net, and those that name the order returned.",
            realised={**returns, "net": counts["returns.net"] / 100},
        ),
    }


#: Key, what was planted, where it must be found, how often it was planted, what was counted.
_MESS = (
    (
        "delivered_twice",
        "Orders of the main files that the late files bring again.",
        "Rows of order_lines_late dropped by the rule 'delivered twice'.",
        {"share_of_orders": till_files.TWICE_SHARE},
        {"rows": "mess.twice"},
    ),
    (
        "late_rows",
        "Orders that only the late files bring.",
        "Rows of order_lines_late accepted.",
        {"share_of_orders": till_files.LATE_SHARE},
        {"rows": "mess.late"},
    ),
    (
        "damaged_rows",
        "Copies of lines without their product, time or amount.",
        "Rows rejected because that value is missing.",
        {"share_of_lines": till_files.DAMAGED_SHARE},
        {name: f"mess.damaged.{name}" for name in DAMAGES},
    ),
    (
        "training_till",
        "Practice lines of a training till.",
        "Rows dropped by the rule 'training till'.",
        {"share_of_lines": till_files.TRAINING_SHARE},
        {"rows": "mess.training"},
    ),
    (
        "customers_sent_twice",
        "Rows of the register that are there twice.",
        "Rows of customers dropped by the rule 'exact duplicate'.",
        {"share_of_customers": register.REGISTERED_TWICE},
        {"rows": "customers.twice"},
    ),
    (
        "unregistered_customers",
        "Customers who order but are not in the register.",
        "Distinct customer_id of order_lines without a row in customers.",
        {"share_of_main_body": register.UNREGISTERED},
        {"customers": "customers.unregistered"},
    ),
    (
        "missing_demographics",
        "Customers of the register without demographics.",
        "Rows of customers whose region (and all else but joined_on and consent) is missing.",
        {"share_of_non_members": register.NO_DEMOGRAPHICS},
        {"customers": "customers.bare"},
    ),
)


def _mess(plan: Plan, counts: Counts) -> dict[str, Planted]:
    return {
        key: Planted(
            what,
            PROFILE,
            estimand,
            parameters,
            realised={name: counts[counted] for name, counted in realised.items()},
            present=plan.shop.mess,
        )
        for key, what, estimand, parameters, realised in _MESS
    }


def _days(plan: Plan, counts: Counts) -> dict[str, Planted]:
    calendar = plan.calendar
    lost = plan.shop.mess and calendar.days > LOST_DAY
    return {
        "closed_days": Planted(
            "Nothing is sold anywhere on 25 December and Easter Sunday.",
            PROFILE,
            "Days of the history without an order line.",
            realised={"days": [calendar.date_of(d).isoformat() for d in calendar.closed]},
            present=bool(calendar.closed),
        ),
        "lost_delivery": Planted(
            "One day of one store never arrived.",
            PROFILE,
            "The store and day without a line although the store sells every day.",
            realised={
                "store": store_ids(plan.shop.stores)[plan.shop.stores - 1],
                "day": calendar.date_of(LOST_DAY).isoformat(),
                "orders": counts["mess.lost_orders"],
                "lines": counts["mess.lost_lines"],
            }
            if lost
            else {},
            present=lost,
        ),
    }


def _oddities(plan: Plan, counts: Counts) -> dict[str, Planted]:
    goods = plan.catalogue
    return {
        "unlisted_product": Planted(
            "One product is sold but missing from the products file.",
            PROFILE,
            "Lines whose product_id has no row in products.",
            realised={
                "product_id": goods.product_id(goods.number(UNLISTED)),
                "lines": counts["unlisted.lines"],
            },
        ),
        "defective_product": Planted(
            "One product comes back several times as often as others and is reviewed badly.",
            PROFILE,
            "Share of its lines that are returned, by customers other than the main body.",
            {"factor_on_return_rate": DEFECT_FACTOR, "return_rate_of_others": plan.shop.returns},
            realised={
                "product_id": goods.product_id(goods.number(DEFECTIVE)),
                "sold": counts["defective.sold"],
                "returned": counts["defective.returned"],
            },
        ),
    }


def _app_growth(plan: Plan, counts: Counts) -> Planted:
    """Return the drift between years: the app's share of known customers' orders."""
    weeks = plan.calendar.weeks
    halves = np.split(np.arange(weeks) + 0.5, [weeks // 2]) if weeks > 1 else []
    expected = [float(app_share(half).mean()) for half in halves]
    years = ("first", "second")
    return Planted(
        "The app grows at the stores' expense.",
        PROFILE,
        "Share of known customers' orders made in the app, by half of the history.",
        {"first_week": APP_FIRST, "after_two_years": APP_LAST},
        dict(zip(years, expected, strict=False)),
        {y: ratio(counts[f"orders.{y}.app"], counts[f"orders.{y}"]) for y in years},
        present=weeks > 1,
    )


def _concentration(spend: NDArray[np.int64]) -> Planted:
    buyers = np.sort(spend[spend != 0])[::-1] / 100
    total = buyers.sum()
    shares = {}
    for top in (0.1, 0.2, 0.5):
        count = max(1, round(top * len(buyers)))
        shares[f"top_{100 * top:.0f}_percent"] = ratio(float(buyers[:count].sum()), float(total))
    return Planted(
        "A few customers bring most sales.",
        DECILES,
        f"Shares of net (returns netted) of the last {YEAR_DAYS} days, customers with lines then.",
        realised={"customers": len(buyers), "net": float(total), **shares},
    )
