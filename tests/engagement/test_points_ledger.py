"""The ledger in the engine against a scheme that keeps its accounts lot by lot, and odd books."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.engagement.points import points_ledger, points_liability
from analysis.engagement.points.points_ledger import RULES, reconcile
from analysis.errors import NotApplicable
from analysis.tables.engine import Tables, in_memory
from tests.engagement.ledgers import ledger, one, scheme, tables_of

AS_OF = date(2025, 3, 1)


def broken(tables: Tables) -> dict[str, int]:
    """Return the rules that are broken, with the number of movements."""
    rules = reconcile(tables, as_of=AS_OF).rules.set_index("rule")["entries"]
    return rules[rules > 0].to_dict()


def test_lots_become_what_the_scheme_made_of_them() -> None:
    points, accounts = scheme(60, 300, seed=1)
    books = reconcile(tables_of(points), as_of=date(2024, 10, 27))
    assert books.holds
    assert books.missing == 0
    lots = books.ledger.lots.to_pandas().set_index("entry_id")
    for account in accounts:
        for _, left, number in account.lots:
            assert lots.loc[number, "open"] == 1_000 * left
            assert lots.loc[number, "expired"] == 1_000 * account.expired.get(number, 0)
    assert (lots["expired"] > 0).sum() > 40
    assert (lots["used"] > 0).sum() > 100


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_what_is_taken_back_leaves_every_other_lot_as_it_is(seed: int) -> None:
    """Parts of lots that are still there, taken back on any day, some of them more than once."""
    points, accounts = scheme(40, 300, seed=seed, takes_back=0.03)
    books = reconcile(tables_of(points), as_of=date(2024, 10, 27))
    assert books.holds
    lots = books.ledger.lots.to_pandas().set_index("entry_id")
    for account in accounts:
        for _, left, number in account.lots:
            assert lots.loc[number, "open"] == 1_000 * left
            assert lots.loc[number, "reversed"] == 1_000 * account.taken.get(number, 0)
            assert lots.loc[number, "expired"] == 1_000 * account.expired.get(number, 0)
    assert (lots["reversed"] > 0).sum() > 40
    flows = books.flows.set_index("flow")["points"]
    assert flows["adjusted"] == -sum(sum(a.taken.values()) for a in accounts)


def test_movements_of_the_day_and_after_are_not_looked_at() -> None:
    points, _ = scheme(20, 200, seed=2)
    early = date(2024, 4, 1)
    cut = points[points["posted_at"] < pd.Timestamp(early)]
    whole, part = (reconcile(tables_of(p), as_of=early) for p in (points, cut))
    pd.testing.assert_frame_equal(whole.flows, part.flows)
    assert part.flows["entries"].iloc[:4].sum() == len(cut)


@pytest.mark.parametrize("seed", range(8))
def test_what_no_lot_explains_is_missing_whatever_the_books(seed: int) -> None:
    """Any movements at all: earned + adjusted - redeemed - expired is the balance of the account;
    what is open in the lots differs from it by exactly what was taken though it was not there."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(["earn", "redeem", "expire", "adjust"], 150, p=[0.5, 0.2, 0.15, 0.15])
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, 150), unit="D")
    amounts = rng.integers(-60, 100, 150)
    rows = [
        {"entry_id": f"{i:04}", "customer_id": f"c{rng.integers(0, 12)}", "posted_at": day,
         "kind": kind, "points": points,
         "expires_on": day + pd.Timedelta(days=int(rng.integers(-20, 200)))
         if rng.random() < 0.8 else None,
         "reverses_entry_id": f"{rng.integers(0, 170):04}" if rng.random() < 0.05 else None}
        for i, (kind, day, points) in enumerate(zip(kinds, days, amounts, strict=True))
    ]  # fmt: skip
    books = reconcile(tables_of(ledger(rows)), as_of=AS_OF)
    lots, due = books.ledger.lots.to_pandas(), books.ledger.due.to_pandas()
    parts = lots[["reversed", "expired", "used", "open"]]
    assert (parts >= 0).all().all()
    np.testing.assert_array_equal(parts.sum(axis=1), lots["amount"])
    balance = books.ledger.entries.to_pandas()["amount"].sum()
    unexplained = lots["open"].sum() - balance
    assert unexplained >= due["undue"].sum()
    assert books.missing == pytest.approx(-unexplained / 1_000)
    assert not books.holds


def test_a_sound_ledger_breaks_nothing() -> None:
    tables = one(
        ("2024-01-05", "earn", 100, "2025-01-05"),
        ("2024-02-05", "earn", 40, "2025-02-05"),
        ("2024-03-01", "redeem", -60),
        ("2025-01-05", "expire", -40),
        ("2025-02-05", "expire", -40),
        ("2025-02-10", "earn", 0, "2026-02-10"),
    )
    books = reconcile(tables, as_of=AS_OF)
    assert books.holds
    assert books.flows.set_index("flow")["points"].to_dict() == {
        "earned": 140.0, "adjusted": 0.0, "redeemed": 60.0, "expired": 80.0, "open": 0.0,
    }  # fmt: skip


def test_a_negative_balance_is_named_with_its_movement() -> None:
    tables = one(("2024-12-05", "earn", 10, "2025-12-05"), ("2024-12-09", "redeem", -30))
    books = reconcile(tables, as_of=AS_OF)
    assert broken(tables) == {"negative": 1}
    assert books.breaks["entry_id"].tolist() == ["001"]
    assert books.missing == -20.0
    with pytest.raises(NotApplicable, match="does not reconcile"):
        points_liability.liability(books)


def test_a_ledger_that_starts_in_the_middle_is_told_apart() -> None:
    tables = one(("2024-12-05", "redeem", -30), ("2024-12-09", "earn", 50, "2025-12-09"))
    assert broken(tables) == {"starts_in_the_middle": 1}


def test_points_earned_after_they_expire_are_told() -> None:
    assert broken(one(("2024-12-05", "earn", 10, "2024-12-01"))) == {"earned_late": 1}
    assert broken(one(("2024-12-05 09:00", "earn", 10, "2024-12-05"))) == {"earned_late": 1}


def test_points_that_expire_before_they_are_due_or_never_are_told() -> None:
    early = one(("2024-12-05", "earn", 10, "2025-12-05"), ("2025-01-05", "expire", -10))
    assert broken(early) == {"expired_early": 1}
    late = one(("2024-01-05", "earn", 10, "2025-01-05"), ("2024-02-05", "redeem", -4))
    assert broken(late) == {"overdue": 1}


def test_points_of_the_wrong_sign_are_told() -> None:
    tables = one(("2024-12-05", "earn", 10, "2025-12-05"), ("2024-12-09", "redeem", 5))
    assert broken(tables) == {"sign": 1}


def test_what_is_taken_back_lowers_its_own_lot() -> None:
    back = {"reverses_entry_id": "000"}
    sound = one(
        ("2024-12-05", "earn", 10, "2025-12-05"),
        ("2024-12-06", "earn", 7, "2025-12-06"),
        ("2024-12-09", "adjust", -10, None, back),
    )
    books = reconcile(sound, as_of=AS_OF)
    assert books.holds
    assert books.ledger.lots.order_by("entry_id").open.to_pandas().tolist() == [0, 7_000]
    for wrong in (
        [("2024-12-09", "adjust", -10, None, {"reverses_entry_id": "777"})],
        [("2024-12-09", "adjust", -6, None, back), ("2024-12-10", "adjust", -6, None, back)],
        [("2024-12-09", "adjust", 5, None, back)],
    ):
        rows = [("2024-12-05", "earn", 10, "2025-12-05"), ("2024-12-06", "earn", 90, "2025-12-06")]
        assert set(broken(one(*rows, *wrong))) == {"reversal"}


def test_a_doubled_earning_is_told_but_stands_in_nobodys_way() -> None:
    same = {"order_id": "o1"}
    tables = one(
        ("2024-12-05", "earn", 10, "2025-12-05", same),
        ("2024-12-05", "earn", 10, "2025-12-05", same),
    )
    assert broken(tables) == {"twice": 1}
    assert reconcile(tables, as_of=AS_OF).holds


def test_halves_and_thousandths_of_points_add_up() -> None:
    rows = [("2024-12-05", "earn", 0.1, "2025-12-05")] * 3 + [("2024-12-06", "redeem", -0.3)]
    assert reconcile(one(*rows), as_of=AS_OF).holds


def test_without_points_before_the_day_there_is_a_reason() -> None:
    with pytest.raises(NotApplicable, match="no movement of points before"):
        reconcile(one(("2026-01-01", "earn", 5, "2027-01-01")), as_of=AS_OF)
    orders = pd.DataFrame({"customer_id": ["a"], "joined_on": [AS_OF]})
    with pytest.raises(NotApplicable, match="no points table"):
        points_ledger.read(in_memory({"customers": orders}), as_of=AS_OF)


def test_every_rule_has_its_words() -> None:
    rules = reconcile(one(("2024-12-05", "earn", 1, "2025-12-05")), as_of=AS_OF).rules
    assert rules["rule"].tolist() == list(RULES)
    assert not rules["what"].duplicated().any()
