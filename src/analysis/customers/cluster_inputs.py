"""What clusters are made from: features on one scale, their skew taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import NotApplicable

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Features clusters are made from, with the words a reader knows them by. Value and frequency
#: are in, but only once each: four columns that say "much" would be four votes for it.
FEATURES = {
    "net_amount": "spending",
    "basket_value": "spending per basket",
    "gap_median": "days between visits",
    "discount_share": "discount share",
    "categories": "categories bought",
    "private_label_share": "private-label share",
    "coupon_orders_share": "orders with a coupon",
    "weekend_share": "weekend share",
    "evening_share": "evening share",
    "store_share": "share of visits to the main store",
    "spend_trend": "spending, second half against first",
    "returns_rate": "returns",
}

_MOST_MISSING = 0.5
_FEWEST_DISTINCT = 10
_CLIP = 3.0


@dataclass(frozen=True)
class Inputs:
    """Customers ready for clustering.

    Parameters
    ----------
    customers
        customer_id by row.
    values
        Customers x features, mean 0 and standard deviation 1, skew taken out, clipped at three.
    raw
        The same features as they were, missing values filled with the median.
    names
        Feature columns by column.
    left_out
        Features not used, with the reason.
    """

    customers: pd.Series
    values: Floats
    raw: pd.DataFrame
    names: tuple[str, ...]
    left_out: dict[str, str]


def prepare(
    features: pd.DataFrame, *, names: tuple[str, ...] | None = None, fewest_orders: int = 4
) -> Inputs:
    """Take customers with enough orders, fill, transform and scale their features.

    Skew is taken out by the Yeo-Johnson power of greatest likelihood (Yeo and Johnson 2000,
    Biometrika 87, 954-959); a feature that half of the customers lack, or that has fewer than ten
    values, is left out.

    Parameters
    ----------
    features
        ``features.fetch_detailed``.
    names
        Columns to use; None takes ``FEATURES``.
    fewest_orders
        Customers with fewer orders have no habits to cluster by.

    Raises
    ------
    NotApplicable
        If fewer than two features, or a hundred customers, are left.
    """
    from sklearn.preprocessing import PowerTransformer

    people = features[features["orders"] >= fewest_orders].reset_index(drop=True)
    used, left_out = [], {}
    for name in names or tuple(FEATURES):
        reason = _unusable(people, name)
        if reason:
            left_out[name] = reason
        else:
            used.append(name)
    if len(used) < 2 or len(people) < 100:
        raise NotApplicable(
            f"Clusters need two features and 100 customers with {fewest_orders} orders; there "
            f"are {len(used)} and {len(people)}."
        )
    raw = people[used].astype("float64")
    raw = raw.fillna(raw.median())
    values = PowerTransformer(method="yeo-johnson").fit_transform(raw.to_numpy())
    return Inputs(people["customer_id"], np.clip(values, -_CLIP, _CLIP), raw, tuple(used), left_out)


def _unusable(people: pd.DataFrame, name: str) -> str:
    if name not in people or people[name].isna().mean() > _MOST_MISSING:
        return "not known of most customers"
    if people[name].nunique() < _FEWEST_DISTINCT:
        return f"fewer than {_FEWEST_DISTINCT} different values"
    return ""
