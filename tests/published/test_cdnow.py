"""CDNOW: summaries equal the published ones, customer by customer.

Fader, Hardie and Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2),
275-284: 2,357 customers who first bought in the first quarter of 1997, followed to the end of
September; the distribution of repeat purchases is that of their table of actual counts, and the
customers' (x, t_x, T) are those of the authors' workbook, which the package lifetimes ships.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.customers.features import features, habits
from analysis.customers.retention import lifecycle, regularity
from analysis.customers.segments import group_summary
from analysis.customers.value import rfm_segments
from analysis.tables.engine import Tables, in_memory
from analysis.tables.periods import Period

CALIBRATION = Period.before("1997-10-01", days=273)

#: Customers by number of repeat purchases, the last counting seven and more.
REPEATS = [1411, 439, 214, 100, 62, 38, 29, 64]


def shipped(name: str) -> Path:
    """Find a file of the package without importing it: it sets options that pandas has dropped."""
    package = find_spec("lifetimes")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "datasets" / name


@pytest.fixture(scope="module")
def cdnow() -> Iterator[Tables]:
    lines = pd.read_csv(
        shipped("CDNOW_sample.txt"),
        sep=r"\s+",
        header=None,
        names=["master", "customer_id", "day", "quantity", "net_amount"],
        dtype={"customer_id": str, "day": str},
    )
    lines["ordered_at"] = pd.to_datetime(lines.pop("day"))
    lines = lines.drop(columns="master").assign(product_id="cd")
    lines["order_id"] = [f"o{place}" for place in range(len(lines))]
    lines["quantity"] = lines["quantity"].astype("float64")
    products = pd.DataFrame({"product_id": ["cd"], "department": ["Music"], "category": ["CD"]})
    tables = in_memory({"order_lines": lines, "products": products})
    yield tables
    tables.close()


def test_repeat_purchases_are_distributed_as_published(cdnow: Tables) -> None:
    found = habits.purchase_gaps(cdnow, CALIBRATION).to_pandas()
    counts = np.bincount(np.minimum(found["gaps"], 7), minlength=8)
    assert counts.tolist() == REPEATS
    assert len(found) == 2_357


def test_every_customer_has_the_published_summary(cdnow: Tables) -> None:
    published = pd.read_csv(shipped("cdnow_customers_summary.csv"))
    found = features.fetch_detailed(cdnow, CALIBRATION)
    assert found["customer_id"].astype(int).tolist() == published["ID"].tolist()
    assert found["gaps"].tolist() == published["frequency"].tolist()
    np.testing.assert_allclose(found["gap_sum"] / 7, published["recency"], atol=0.005)
    np.testing.assert_allclose((found["tenure_days"] - 1) / 7, published["T"], atol=0.005)


def test_recency_and_tenure_add_up(cdnow: Tables) -> None:
    found = features.fetch_detailed(cdnow, CALIBRATION)
    assert (found["recency_days"] + found["gap_sum"]).equals(found["tenure_days"])


def test_regularity_is_that_of_btydplus_rule(cdnow: Tables) -> None:
    """The last two gaps of everybody with two, put into Wheat and Morrison's formula."""
    days = habits.purchase_days(cdnow, CALIBRATION).to_pandas()
    last = days.dropna(subset=["gap"]).sort_values("ordered_on").groupby("customer_id")["gap"]
    pairs = last.apply(lambda gap: gap.tail(1).sum() / gap.tail(2).sum())[last.size() >= 2]
    variance = pairs.var()
    found = regularity.wheat_morrison(features.fetch_detailed(cdnow, CALIBRATION))
    assert found.customers == len(pairs) == sum(REPEATS[2:])
    assert found.shape == pytest.approx((1 - 4 * variance) / (8 * variance), rel=1e-9)


def test_life_stages_are_ordered_by_the_chance_to_return(cdnow: Tables) -> None:
    """All who bought once are judged by how such customers returned, and the order holds after.

    1,411 customers bought once, of whom hardly one in seven came in the 39 weeks after: fewer than
    of those at risk, who had bought several times, and so none of them may stand above these.
    """
    follow = Period.before("1998-07-01", days=273)
    before, then = (features.fetch_detailed(cdnow, p) for p in (CALIBRATION, follow))
    found = lifecycle.stages(cdnow, CALIBRATION.end, window_days=CALIBRATION.days)
    stage = lifecycle.of_customers(found, before)
    once = before["gaps"] == 0
    assert (stage[once] == "Lapsed").mean() > 0.9
    followed = group_summary.what_next(before, stage, then, periods=(CALIBRATION, follow))
    bought = followed.set_index("group")
    assert bought.loc["Lapsed", "bought_high"] < bought.loc["At risk", "bought_low"]
    assert bought.loc["At risk", "bought_high"] < bought.loc["Active", "bought_low"]


def test_rfm_segments_of_who_bought_once_claim_no_habit(cdnow: Tables) -> None:
    """Of the segments that say that customers buy often, none is mostly of one-time buyers."""
    before = features.fetch_detailed(cdnow, CALIBRATION)
    orders = before["orders"].groupby(rfm_segments.named(before), observed=True).median()
    assert (orders[["Champions", "Loyal"]] > 1).all()
    assert (orders[["About to sleep", "Hibernating", "Lost"]] == 1).all()
