"""The chain ladder against published figures, and breakage of schemes whose habits are known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.points.chain_ladder import project
from analysis.engagement.points.points_ledger import reconcile
from analysis.engagement.points.points_liability import PointCosts, liability
from analysis.errors import NotApplicable
from tests.engagement.ledgers import ledger, one, scheme, tables_of

#: Cumulative losses of the Reinsurance Association of America, 1981 to 1990, as in Mack (1994),
#: "Measuring the variability of chain ladder reserve estimates", CAS Forum.
RAA = (
    (5012, 8269, 10907, 11805, 13539, 16181, 18009, 18608, 18662, 18834),
    (106, 4285, 5396, 10666, 13782, 15599, 15496, 16169, 16704),
    (3410, 8992, 13873, 16141, 18735, 22214, 22863, 23466),
    (5655, 11555, 15766, 21266, 23425, 26083, 27067),
    (1092, 9565, 15836, 22169, 25955, 26180),
    (1513, 6445, 11702, 12935, 15852),
    (557, 4020, 10946, 12314),
    (1351, 6947, 13112),
    (3133, 5395),
    (2063,),
)


def triangle(rows: tuple[tuple[float, ...], ...]) -> np.ndarray:
    filled = np.full((len(rows), len(rows[0])), np.nan)
    for place, row in enumerate(rows):
        filled[place, : len(row)] = row
    return filled


def test_published_reserves_and_errors() -> None:
    """chainladder-python 0.10.1 for the reserves, R's ChainLadder (Mack's rule) for the error."""
    found = project(triangle(RAA))
    assert found.latest.sum() == 160_987
    assert found.ultimate.sum() == pytest.approx(213_122.2283, abs=1e-4)
    outstanding = (0, 153.95, 617.37, 1636.14, 2746.74, 3649.10, 5435.30, 10907.19, 10649.98,
                   16339.44)  # fmt: skip
    np.testing.assert_allclose(found.ultimate - found.latest, outstanding, atol=0.006)
    np.testing.assert_allclose(found.factors[:3], (2.999359, 1.623523, 1.270888), atol=5e-7)
    assert found.total_error() == pytest.approx(26_909, abs=0.5)


def test_the_error_scales_and_a_complete_triangle_has_none() -> None:
    one_unit, cents = project(triangle(RAA)), project(100 * triangle(RAA))
    assert cents.total_error() == pytest.approx(100 * one_unit.total_error())
    whole = project(np.array([[1.0, 2, 3], [2, 4, 6]]))
    assert whole.total_error() == 0
    assert (whole.ultimate == [3, 6]).all()


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_what_a_first_in_first_out_scheme_still_pays_lies_in_the_interval(seed: int) -> None:
    """The scheme goes on after the day: what then is redeemed of the points open is the truth."""
    points, _ = scheme(80, 700, seed=seed, life_days=150, redeems=0.012, most=10_000)
    tables, day, later = tables_of(points), date(2025, 6, 1), date(2025, 12, 1)
    books, after = reconcile(tables, as_of=day), reconcile(tables, as_of=later).ledger.lots
    found, then = liability(books, confidence=0.99), books.ledger.lots
    known = after.semi_join(then, "entry_id")
    paid = (known.used.sum().to_pandas() - then.used.sum().to_pandas()) / 1_000
    assert known.open.sum().to_pandas() == 0
    assert found.owed.low < paid < found.owed.high
    assert found.owed.high <= found.open_points
    assert not found.drifts


def test_a_breakage_that_moves_is_said() -> None:
    """Who joined an empty scheme spends at once; when accounts have filled up, more expires."""
    points, _ = scheme(60, 700, seed=6, life_days=150)
    sparing = points[(points["kind"] != "redeem") | (points["posted_at"] < "2024-09-01")]
    rest = []
    for _, mine in sparing.groupby("customer_id"):
        rest.append(mine[mine["kind"] != "expire"])
    earned = pd.concat(rest)
    lots = reconcile(tables_of(earned), as_of=date(2025, 6, 1)).ledger.lots.to_pandas()
    lots = lots[(lots["open"] > 0) & (lots["expires_on"] < pd.Timestamp("2025-06-01"))]
    gone = [
        {"entry_id": f"x{row.entry_id}", "customer_id": row.customer_id, "kind": "expire",
         "posted_at": row.expires_on, "points": -row.open / 1_000}
        for row in lots.itertuples()
    ]  # fmt: skip
    full = pd.concat([earned, ledger(gone)], ignore_index=True)
    found = liability(reconcile(tables_of(full), as_of=date(2025, 6, 1)))
    assert found.drifts


def test_what_a_point_costs_is_shared_with_who_funds_it() -> None:
    points, _ = scheme(40, 400, seed=5)
    books = reconcile(tables_of(points), as_of=date(2025, 2, 1))
    plain = liability(books, costs=PointCosts(0.02))
    shared = liability(books, costs=PointCosts(0.02, funded=0.25))
    assert plain.cost.value == pytest.approx(0.02 * plain.owed.value)
    assert shared.cost.high == pytest.approx(0.75 * plain.cost.high)
    owed = plain.vintages["owed"]
    assert owed.sum() == pytest.approx(plain.owed.value)
    flows = plain.vintages[["redeemed", "owed", "expired", "to_expire"]].sum(axis=1)
    np.testing.assert_allclose(flows, plain.vintages["earned"])


def test_without_days_of_expiry_or_ripe_months_no_breakage_is_told() -> None:
    undated = one(("2024-12-05", "earn", 10), ("2024-12-09", "redeem", -3))
    with pytest.raises(NotApplicable, match="states when its points expire"):
        liability(reconcile(undated, as_of=date(2025, 3, 1)))
    points, _ = scheme(20, 200, seed=6, life_days=400)
    with pytest.raises(NotApplicable, match="0 months of points have come due"):
        liability(reconcile(tables_of(points), as_of=date(2024, 7, 1)))
