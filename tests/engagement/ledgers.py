"""Ledgers of points for tests: written out by hand, or kept by a scheme of known habits."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.engine import EngineSettings, Tables, in_memory

COLUMNS = ("entry_id", "customer_id", "posted_at", "kind", "points", "expires_on",
           "order_id", "reason", "reverses_entry_id")  # fmt: skip


def ledger(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return movements as the canonical table has them; what a row leaves out is missing."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["posted_at"] = pd.to_datetime(frame["posted_at"])
    frame["points"] = frame["points"].astype(float)
    frame["expires_on"] = pd.to_datetime(frame["expires_on"])
    return frame


def tables_of(points: pd.DataFrame, **others: pd.DataFrame) -> Tables:
    return in_memory({"points": points, **others}, settings=EngineSettings(threads=1))


def one(*rows: tuple[Any, ...]) -> Tables:
    """Return the ledger of customer "a": rows of posted_at, kind, points, expires_on, the rest."""
    told = [
        {"entry_id": f"{number:03}", "customer_id": "a", "posted_at": row[0], "kind": row[1],
         "points": row[2], "expires_on": row[3] if len(row) > 3 else None,
         **(row[4] if len(row) > 4 else {})}
        for number, row in enumerate(rows)
    ]  # fmt: skip
    return tables_of(ledger(told))


class Account:
    """A customer's account at a scheme that spends first in, first out, and expires on the day."""

    def __init__(self, customer: str, life_days: int) -> None:
        self.customer, self.life = customer, timedelta(days=life_days)
        self.lots: list[list[Any]] = []  # expiry, points left, number
        self.rows: list[dict[str, Any]] = []
        self.expired: dict[str, int] = {}
        self.taken: dict[str, int] = {}

    def _post(self, day: date, kind: str, points: int, expires: date | None = None) -> str:
        number = f"{self.customer}-{len(self.rows):04}"
        self.rows.append({"entry_id": number, "customer_id": self.customer, "posted_at": day,
                          "kind": kind, "points": points, "expires_on": expires})  # fmt: skip
        return number

    def earn(self, day: date, points: int) -> None:
        expires = day + self.life
        self.lots.append([expires, points, self._post(day, "earn", points, expires)])

    def redeem(self, day: date, points: int) -> None:
        points = min(points, sum(left for _, left, _ in self.lots))
        if points:
            self._post(day, "redeem", -points)
        for lot in self.lots:
            taken = min(points, lot[1])
            lot[1], points = lot[1] - taken, points - taken

    def take_back(self, which: int, share: float, day: date) -> None:
        """Take back a part of what a lot still holds."""
        held = [lot for lot in self.lots if lot[1]]
        if held:
            lot = held[which % len(held)]
            points = int(np.ceil(share * lot[1]))
            self._post(day, "adjust", -points)
            self.rows[-1]["reverses_entry_id"] = lot[2]
            lot[1] -= points
            self.taken[lot[2]] = self.taken.get(lot[2], 0) + points

    def expire(self, day: date) -> None:
        due = [lot for lot in self.lots if lot[0] <= day and lot[1]]
        if due:
            self._post(day, "expire", -sum(left for _, left, _ in due))
        for lot in due:
            self.expired[lot[2]] = lot[1]
            lot[1] = 0


def scheme(
    customers: int,
    days: int,
    *,
    seed: int,
    life_days: int = 120,
    redeems: float = 0.03,
    most: int = 400,
    takes_back: float = 0.0,
) -> tuple[pd.DataFrame, list[Account]]:
    """Return the ledger of a scheme and its accounts, which know what became of every lot."""
    rng = np.random.default_rng(seed)
    accounts = [Account(f"c{number:03}", life_days) for number in range(customers)]
    for account in accounts:
        for day in (date(2024, 1, 1) + timedelta(days=d) for d in range(days)):
            account.expire(day)
            if rng.random() < 0.08:
                account.earn(day, int(rng.integers(1, 100)))
            if rng.random() < redeems:
                account.redeem(day, int(rng.integers(1, most)))
            if takes_back and rng.random() < takes_back:
                account.take_back(int(rng.integers(0, 9)), rng.random(), day)
    return ledger([row for account in accounts for row in account.rows]), accounts
