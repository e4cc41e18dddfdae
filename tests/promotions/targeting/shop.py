"""A shop whose contacts bring what is written here, and the whole way to a list in it.

Every customer buys ``x`` (category B) in half of the weeks, at 10 with a cost of 6; those of the
last fifth have been silent for the last weeks. Promotion E wrote an e-mail with a tenth off ``o``
to half of the customers: six in ten bought one, at 9 with a cost of 6. Promotion S sent a text
message without a discount to half: three in ten bought one, at 10.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from analysis import promotions
from analysis.promotions.planning.targeting.eligibility import ContactRules
from analysis.promotions.planning.targeting.target_list import ListTerms
from analysis.tables.engine import Tables, in_memory
from analysis.tables.periods import Period

START = pd.Timestamp("2024-01-01")
AS_OF = date(2024, 10, 7)  # forty weeks
CUSTOMERS = 600
IDS = [f"buyer-{n:03}" for n in range(CUSTOMERS)]
COSTS = {"email": 0.05, "sms": 0.10}
DEPTHS = (0.0, 0.1)
#: Margin that each contact brings on average.
EFFECTS = {"E": 0.6 * (9 - 6), "S": 0.3 * (10 - 6)}
_WEEK = {"E": 20, "S": 28}


def frames(seed: int = 1, **replaced: pd.DataFrame) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    arms = {key: rng.random(CUSTOMERS) < 0.5 for key in EFFECTS}
    lines = [_lines(*_usual(rng), "x", 10.0, 10.0)]
    for key, (share, price) in {"E": (0.6, 9.0), "S": (0.3, 10.0)}.items():
        buys = np.flatnonzero(arms[key] & (rng.random(CUSTOMERS) < share))
        lines.append(_lines(buys, np.full(len(buys), _WEEK[key]), "o", price, 10.0))
    found = {
        "order_lines": pd.concat(lines, ignore_index=True),
        "products": pd.DataFrame(
            {"product_id": ["o", "x", "y"], "department": "Food", "category": ["A", "B", "B"]}
        ),
        "customers": pd.DataFrame(
            {
                "customer_id": IDS,
                "consent_email": [n % 3 != 0 for n in range(CUSTOMERS)],
                "consent_sms": [n % 4 != 0 for n in range(CUSTOMERS)],
            }
        ),
        "promotions": pd.DataFrame(
            {
                "promotion_id": [*EFFECTS],
                "name": ["E-mail", "Text"],
                "starts_on": [_day(key, 0) for key in EFFECTS],
                "ends_on": [_day(key, 27) for key in EFFECTS],
            }
        ),
        "promotion_products": pd.DataFrame({"promotion_id": [*EFFECTS], "product_id": "o"}),
        "assignments": pd.concat([_assigned(key, arms[key]) for key in EFFECTS]),
        "contacts": pd.concat([_sent(key, arms[key]) for key in EFFECTS], ignore_index=True),
    }
    return {**found, **replaced}


def _usual(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    who, week = np.nonzero(rng.random((CUSTOMERS, 40)) < 0.5)
    kept = (who < 0.8 * CUSTOMERS) | (week < 26)
    return who[kept], week[kept]


def _lines(who, week, product: str, price: float, listed: float) -> pd.DataFrame:
    moment = (
        START + pd.to_timedelta(7 * week + 2, unit="D") + pd.to_timedelta(who % 9 + 9, unit="h")
    )
    return pd.DataFrame(
        {
            "order_id": [f"{w}-{t}-{product}" for w, t in zip(who, week, strict=True)],
            "customer_id": [IDS[w] for w in who],
            "product_id": product,
            "ordered_at": moment,
            "quantity": 1.0,
            "net_amount": price,
            "list_amount": listed,
            "discount_amount": listed - price,
            "cost_amount": 6.0,
        }
    )


def _day(key: str, days: int) -> date:
    return (START + pd.Timedelta(days=7 * _WEEK[key] + days)).date()


def _assigned(key: str, treated) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "promotion_id": key,
            "customer_id": IDS,
            "arm": np.where(treated, "treatment", "control"),
            "assigned_at": pd.Timestamp(_day(key, -1)),
            "randomised": True,
        }
    )


def _sent(key: str, treated) -> pd.DataFrame:
    told = [c for c, yes in zip(IDS, treated, strict=True) if yes]
    return pd.DataFrame(
        {
            "contact_id": [f"{key}{n}" for n in range(len(told))],
            "customer_id": told,
            "channel": {"E": "email", "S": "sms"}[key],
            "sent_at": pd.Timestamp(_day(key, -1)),
            "promotion_id": key,
            "opened_at": [
                pd.Timestamp(_day(key, 0)) if n % 3 else pd.NaT for n in range(len(told))
            ],
        }
    )


def tables(seed: int = 1, **replaced: pd.DataFrame) -> Tables:
    return in_memory(frames(seed, **replaced), currency="EUR")


def rules(**changed: Any) -> ContactRules:
    given = {"as_of": AS_OF, "channel_costs": COSTS, "control_share": 0.1}
    return ContactRules(**{**given, **changed})


def people(found: Tables, **changed: Any) -> pd.DataFrame:
    given = {"as_of": AS_OF, "window_days": 280, "recent_days": 56}
    return promotions.to_contact(found, **{**given, **changed})


def measured(found: Tables):
    spans = promotions.Spans(AS_OF, before_days=56, after_days=28)
    trials = promotions.trials(found, spans, promotions.Rules(), promotions.Standards())
    return promotions.measured_responses(found, trials)


def plan(found: Tables, left, past, **more: Any):
    """Return what chosen takes before the terms: left, expected, offers, channels."""
    expected = promotions.ranked(left, past=past, depths=DEPTHS, assumed_effect=0.05, **more)
    window = Period.before(AS_OF, days=280)
    offers = promotions.offers_for(found, left, depths=DEPTHS, window=window)
    return left, expected, offers, promotions.channels_for(found, left)


def terms(**changed: Any) -> ListTerms:
    given = {"budget": 20.0, "holdout": 0.2, "capacity": {"sms": 60}}
    return ListTerms(**{**given, **changed})
