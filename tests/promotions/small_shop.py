"""A shop of a few products and customers whose promotions do exactly what is written here.

Every customer buys product ``o`` (on offer, category A) every other week and ``x`` (category B)
every week, at 10 a unit with a cost of 6. The treated of the promotion by lot, ``L``, buy one more
``o`` in its first week at 8 instead of 10, and pay 8 for those they would have bought as well.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from analysis.promotions.observational import audience
from analysis.promotions.observational.audience import Audience
from analysis.promotions.observational.campaign import Campaigns
from analysis.promotions.outcomes.outcomes import Spans
from analysis.tables.engine import Tables, in_memory

START = pd.Timestamp("2024-01-01")
WEEKS, CUSTOMERS = 40, 120
AS_OF = date(2024, 10, 7)
SPANS = Spans(AS_OF, before_days=140, after_days=28)
#: Weeks of the promotion by lot, of the one for chosen customers, and of the one for everybody.
LOT, CHOSEN, ALL = (24, 4), (28, 4), (20, 1)


def treated(customer: int) -> bool:
    return customer % 2 == 0


def chosen(customer: int) -> bool:
    return customer % 3 == 0


def _line(customer: int, week: int, product: str, price: float, day: int = 2) -> dict[str, Any]:
    moment = START + pd.Timedelta(days=7 * week + day, hours=10 + customer % 8)
    listed = 10.0
    return {
        "order_id": f"{customer}-{week}-{product}-{day}",
        "customer_id": f"c{customer:03}",
        "product_id": product,
        "ordered_at": moment,
        "quantity": 1.0,
        "net_amount": price,
        "list_amount": listed,
        "discount_amount": listed - price,
        "cost_amount": 6.0,
        "store_id": f"s{customer % 3}",
    }


def lines() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = []
    for customer in range(CUSTOMERS):
        for week in range(WEEKS):
            in_lot = LOT[0] <= week < sum(LOT)
            price = 8.0 if in_lot and treated(customer) else 10.0
            if (week + customer // 2) % 2 == 0:
                rows.append(_line(customer, week, "o", price))
            if rng.random() < 0.8:
                rows.append(_line(customer, week, "x", 10.0, day=3))
            if week == LOT[0] and treated(customer):
                rows.append(_line(customer, week, "o", 8.0, day=4))
    return pd.DataFrame(rows)


def frames(**replaced: pd.DataFrame) -> dict[str, pd.DataFrame]:
    day = [START + pd.Timedelta(days=7 * first) for first, _ in (LOT, CHOSEN)]
    customers = [f"c{n:03}" for n in range(CUSTOMERS)]
    by_lot = pd.DataFrame(
        {
            "promotion_id": "L",
            "customer_id": customers,
            "arm": ["treatment" if treated(n) else "control" for n in range(CUSTOMERS)],
            "assigned_at": day[0] - pd.Timedelta(days=2),
            "randomised": True,
        }
    )
    picked = [c for n, c in enumerate(customers) if chosen(n)]
    by_choice = pd.DataFrame(
        {
            "promotion_id": "C",
            "customer_id": picked,
            "arm": "treatment",
            "assigned_at": day[1] - pd.Timedelta(days=2),
            "randomised": False,
        }
    )
    found = {
        "order_lines": lines(),
        "products": pd.DataFrame(
            {
                "product_id": ["o", "r", "x"],
                "department": "Food",
                "category": ["A", "A", "B"],
                "name": ["Offer", "Rival", "Other"],
            }
        ),
        "promotions": pd.DataFrame(
            {
                "promotion_id": ["L", "C"],
                "name": ["By lot", "By choice"],
                "mechanic": ["coupon", "mailing"],
                "goal": ["launch", "exposure"],
                "starts_on": [d.date() for d in day],
                "ends_on": [(d + pd.Timedelta(days=27)).date() for d in day],
                "fixed_cost": [30.0, 40.0],
                "contact_cost": [0.5, 1.0],
            }
        ),
        "promotion_products": pd.DataFrame(
            {"promotion_id": ["L", "C"], "product_id": ["o", "o"], "coupon_id": ["k", "k"]}
        ),
        "assignments": pd.concat([by_lot, by_choice], ignore_index=True),
        "redemptions": pd.DataFrame(
            {
                "promotion_id": "L",
                "customer_id": [c for n, c in enumerate(customers) if treated(n)],
                "redeemed_at": day[0] + pd.Timedelta(days=4),
                "coupon_id": "k",
            }
        ),
        "contacts": pd.DataFrame(
            {
                "contact_id": [f"m{n}" for n in range(len(picked))],
                "customer_id": picked,
                "channel": "mail",
                "sent_at": day[1] - pd.Timedelta(days=1),
                "promotion_id": "C",
                "delivered_at": day[1],
                "opened_at": [day[1] if n % 4 == 0 else pd.NaT for n in range(len(picked))],
                "clicked_at": pd.NaT,
                "cost": 0.75,
                "unsubscribed_at": pd.NaT,
            }
        ),
    }
    return {**found, **replaced}


def tables(**replaced: pd.DataFrame) -> Tables:
    return in_memory(frames(**replaced), currency="EUR")


def sound(found: Campaigns) -> Campaigns:
    """Return campaigns as if no check had found anything.

    The campaign for chosen customers of this shop fails one by chance, and would have no return.
    """
    judged = {
        key: replace(one, checks=one.checks.assign(passed=True))
        for key, one in found.judged.items()
    }
    return replace(found, judged=judged, table=found.table.assign(passed=True))


def without(*names: str) -> Tables:
    kept = {name: rows for name, rows in frames().items() if name not in names}
    return in_memory(kept, currency="EUR")


def audience_of(tables: Tables, spans: Spans, key: str) -> Audience:
    """Return the audience of one campaign; raise the reason if there is none."""
    return audience.there(audience.together(tables, spans, [key])[key])
