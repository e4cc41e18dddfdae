"""What is known of customers before a campaign, as the models that compare them take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.promotions.audience import Audience

    Floats = NDArray[np.float64]

#: Weeks before the campaign that count as recent, and as the season before.
RECENT, SEASON = 4, 13

NAMES = (
    "Net sales before",
    "Orders before",
    "Margin, last 4 weeks",
    "Margin, weeks 5 to 13",
    "Offered products before",
    "Discount share before",
    "Weeks with a purchase",
    "Weeks since the last one",
    "Earlier campaigns",
)


def of(audience: Audience) -> Floats:
    """Return customers x covariates, all from before the campaign: columns as in `NAMES`.

    Money and counts are in logarithms (with their sign), since customers differ in proportions.
    """
    people = audience.people
    known = audience.weekly[:, : -audience.first_week]
    recent = _log(known[:, -RECENT:].sum(axis=1))
    season = _log(known[:, -SEASON:-RECENT].sum(axis=1))
    active = known != 0
    weeks = active.sum(axis=1).astype(float)
    silent = np.where(weeks > 0, np.argmax(active[:, ::-1], axis=1), known.shape[1])
    habits = [weeks, np.log1p(silent), np.log1p(people["earlier"].to_numpy(float))]
    net, discount = (people[f"before_{c}"].to_numpy(float) for c in ("net", "discount"))
    listed = np.maximum(net + discount, 0)
    share = np.divide(discount, listed, out=np.zeros_like(net), where=listed > 0)
    orders, offered = (people[f"before_{c}"].to_numpy(float) for c in ("orders", "offered_net"))
    whole = [_log(net), np.log1p(orders), recent, season, _log(offered), share.clip(0, 1)]
    return np.column_stack([*whole, *habits])


def basis(covariates: Floats) -> Floats:
    """Return covariates in standard units with their squares, those that do not vary left out."""
    spread = covariates.std(axis=0)
    varying = covariates[:, spread > 0]
    units = (varying - varying.mean(axis=0)) / spread[spread > 0]
    squares = units**2 - 1
    bent = squares[:, squares.std(axis=0) > 1e-9]
    return np.hstack([units, bent])


def _log(amount: Floats) -> Floats:
    return np.sign(amount) * np.log1p(np.abs(amount))
